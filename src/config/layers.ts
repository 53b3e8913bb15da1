import type { Problem } from '../base/errors.js';
import { type InputName, inputNames, inputOf, type RawInputs } from './inputs.js';

/** Where a value can come from, by rising precedence. */
export const origins = ['default', 'config-file', 'variable', 'input', 'option'] as const;
export type Origin = (typeof origins)[number];

/** Inputs of one origin. */
export interface Layer {
  readonly origin: Exclude<Origin, 'default'>;
  readonly values: RawInputs;
  /** What is wrong with the layer beside its values: words that name no input there. */
  readonly problems?: readonly Problem[];
}

/** The text of an input and where it came from. */
export interface Settled {
  readonly text: string;
  readonly origin: Origin;
}

/**
 * The text of an input: of the layer with the highest precedence that has one, of the later one of two with
 * the same, else its default. White space around it is dropped; an empty text is none.
 */
export function settle(layers: readonly Layer[], name: InputName): Settled {
  const byPrecedence = layers.toSorted((a, b) => origins.indexOf(a.origin) - origins.indexOf(b.origin));
  for (const { origin, values } of byPrecedence.toReversed()) {
    const text = Object.hasOwn(values, name) ? (values[name] ?? '').trim() : '';
    if (text !== '') return { text, origin };
  }
  return { text: inputOf(name).default, origin: 'default' };
}

/** The same for all inputs. */
export const settleAll = (layers: readonly Layer[]): ReadonlyMap<InputName, Settled> =>
  new Map(inputNames.map((name) => [name, settle(layers, name)]));
