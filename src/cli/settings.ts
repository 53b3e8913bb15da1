import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { Problem } from '../base/errors.js';
import { InputError } from '../base/errors.js';
import type { Logger } from '../base/ports.js';
import type { Layer, RawValues } from '../config/layers.js';
import {
  type LogLevel,
  resolveSettings,
  type Settings,
  type Surroundings,
  settingNames,
} from '../config/settings.js';
import { type Context, type Given, type Invocation, isGiven, textOf } from './command.js';

/** What a call and all that stands outside of it say of where work is done. */
export interface Settled extends Settings {
  /** All that was said, of the lowest precedence first; what is wrong with it is among their problems. */
  readonly layers: readonly Layer[];
}

/** What settings start from: of the call's own environment, as Node reads it of the process's. */
export const surroundingsOf = ({ env, cwd }: Invocation): Surroundings => ({
  ...{ env, cwd },
  home: env['HOME'] || homedir(),
});

/** The settings among the options of a call. */
export const settingValues = (given: Given): RawValues =>
  Object.fromEntries(
    settingNames.flatMap((name) => {
      const text = textOf(given, name);
      return text === undefined ? [] : [[name, text]];
    }),
  );

/**
 * Reads what a user keeps outside of a call, and puts the call's own words above it.
 * @param call what else the call says, left out by commands that have no inputs
 */
export async function settle(
  given: Given,
  { invocation, logger }: Pick<Context, 'invocation' | 'logger'>,
  call: Layer = { origin: 'option', values: {} },
): Promise<Settled> {
  const { readOutside } = await import('../local/settings.js');
  const surroundings = surroundingsOf(invocation);
  const { layers, notices } = await readOutside({ ...surroundings, file: textOf(given, 'config') });
  for (const notice of notices) logger.warning(notice);
  const own = { ...call, values: { ...call.values, ...settingValues(given) } };
  const problems: Problem[] = [...(own.problems ?? [])];
  const settings = resolveSettings([...layers, own], surroundings, problems);
  return { ...settings, layers: [...layers, { ...own, problems }] };
}

/**
 * The same for a command that has no other place to tell what is wrong.
 * @throws InputError
 */
export async function settleOrRefuse(...words: Parameters<typeof settle>): Promise<Settled> {
  const settled = await settle(...words);
  const problems = settled.layers.flatMap((layer) => layer.problems ?? []);
  if (problems.length > 0) throw new InputError(problems);
  return settled;
}

/** How much a call's log says: its own options come before the settings. */
export function levelOf(given: Given, { logLevel }: Settings): LogLevel {
  if (isGiven(given, 'verbose')) return 'debug';
  return isGiven(given, 'quiet') ? 'warning' : logLevel;
}

/** A log of a level that goes into a file too, where the settings name one. */
export async function openLog(
  logger: Logger,
  level: LogLevel,
  { logFile }: Settings,
): Promise<{ readonly logger: Logger; readonly close: () => void }> {
  const { alsoTo, atLevel } = await import('../local/logging.js');
  if (logFile === undefined) return { logger: atLevel(logger, level), close: () => {} };
  const { logger: both, close } = await alsoTo(logFile, logger);
  return { logger: atLevel(both, level), close };
}

/** Absolute path of a folder or file that a call names. */
export const pathOf = (given: Given, name: string, { cwd }: Invocation): string | undefined => {
  const text = textOf(given, name);
  return text === undefined ? undefined : resolve(cwd, text);
};
