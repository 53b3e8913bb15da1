import type { Problem } from '../base/errors.js';
import { type InputName, inputNames, inputOf } from './inputs.js';
import type { SettingName } from './settings.js';

/** Where a value can come from, by rising precedence. */
export const origins = ['default', 'config-file', 'variable', 'input', 'option'] as const;
/** Where a value comes from. */
export type Origin = (typeof origins)[number];

/** Inputs and settings as text. */
export type RawValues = Readonly<Partial<Record<InputName | SettingName, string>>>;

/** Values of one origin. */
export interface Layer {
  readonly origin: Exclude<Origin, 'default'>;
  readonly values: RawValues;
  /** Where each value stands, by its name: a variable, or a file and a line. */
  readonly places?: Readonly<Record<string, string>>;
  /** What is wrong with the layer beside its values: words that name no input there. */
  readonly problems?: readonly Problem[];
}

/** The text of an input and where it came from. */
export interface Settled {
  readonly text: string;
  readonly origin: Origin;
  /** Variable, or file and line, where there is one. */
  readonly place?: string;
}

/**
 * The text of a value: of the layer with the highest precedence that has one, of the later one of two with
 * the same, else `fallback`. White space around it is dropped; an empty text is none.
 */
export function settleAs(layers: readonly Layer[], name: InputName | SettingName, fallback: string): Settled {
  const byPrecedence = layers.toSorted((a, b) => origins.indexOf(a.origin) - origins.indexOf(b.origin));
  for (const { origin, values, places } of byPrecedence.toReversed()) {
    const text = Object.hasOwn(values, name) ? (values[name] ?? '').trim() : '';
    const place = places?.[name];
    if (text !== '') return { text, origin, ...(place === undefined ? {} : { place }) };
  }
  return { text: fallback, origin: 'default' };
}

/** The text of an input, its default where no layer has one. */
export const settle = (layers: readonly Layer[], name: InputName): Settled =>
  settleAs(layers, name, inputOf(name).default);

/** The same for all inputs. */
export const settleAll = (layers: readonly Layer[]): ReadonlyMap<InputName, Settled> =>
  new Map(inputNames.map((name) => [name, settle(layers, name)]));
