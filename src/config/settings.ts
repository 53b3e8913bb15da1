import { isAbsolute, join, resolve } from 'node:path';
import type { Env } from '../base/environment.js';
import type { Problem } from '../base/errors.js';
import { type InputName, inputNames, inputOf, isInputName, isSecret } from './inputs.js';
import { type Catalog, choice, type Kind, path } from './kinds.js';
import { type Layer, type Origin, type Settled, settleAs } from './layers.js';

/*
 * Beside the inputs of a build there are settings of the place where it is done. Both have a variable, a key in
 * `slurm-factory.yml` and an option; this is the one table of the latter.
 */

export const logLevels = ['debug', 'info', 'warning', 'error'] as const;
/** How much the log says. */
export type LogLevel = (typeof logLevels)[number];

/** What a setting may start from. */
export interface Surroundings {
  readonly env: Env;
  /** Folder that relative paths start from. */
  readonly cwd: string;
  /** The user's home folder. */
  readonly home: string;
}

export interface Setting {
  /** One sentence for every surface. */
  readonly description: string;
  /** Its default in words, where it depends on the machine. */
  readonly fallback: string;
  readonly kind: Kind<string>;
}

export const settings = {
  'cache-dir': {
    description: 'Folder for caches and logs of failed builds.',
    fallback: '`$XDG_CACHE_HOME/slurm-factory`, or `~/.cache/slurm-factory`',
    kind: path('folder'),
  },
  'build-dir': {
    description:
      'Folder that builds work in, each in one of its own that is gone afterwards; clones of Spack are there too.',
    fallback: '`cache-dir`',
    kind: path('folder'),
  },
  'spack-cache': {
    description: 'Folder for the cache entries: built packages, locks, compiled files, results.',
    fallback: '`entries` in `cache-dir`',
    kind: path('folder'),
  },
  'log-level': {
    description:
      'What the log says: debug (every line of the programs that are run), info, warning or error.',
    fallback: '`info`',
    kind: choice('log level', logLevels, {
      synonyms: Object.fromEntries(logLevels.map((level) => [level.toUpperCase(), level])),
      meant: { trace: 'debug', verbose: 'debug', warn: 'warning', critical: 'error', fatal: 'error' },
    }),
  },
  'log-file': {
    description: 'File that the log is written to as well, with times; it is added to.',
    fallback: 'none',
    kind: path('file'),
  },
} as const satisfies Record<string, Setting>;

/** Name of a setting. */
export type SettingName = keyof typeof settings;
export const settingNames = Object.keys(settings) as SettingName[];
export const isSettingName = (name: string): name is SettingName => Object.hasOwn(settings, name);

/** The inputs that have a variable: those of commands, but no secrets. */
const inputsOfVariables = inputNames.filter((name) => !isSecret(name) && inputOf(name).commands.length > 0);

/** The variables of the command line and the library, with what each of them sets. */
export const variables: ReadonlyMap<string, InputName | SettingName> = new Map(
  [...inputsOfVariables, ...settingNames].map((name) => [variableOf(name), name]),
);

function variableOf(name: InputName | SettingName): string {
  const own = isInputName(name) ? inputOf(name).variable : undefined;
  return own ?? `SLURM_FACTORY_${name.replaceAll('-', '_').toUpperCase()}`;
}

/** Where work is done, and what is said of it; paths are absolute. */
export interface Settings {
  readonly cacheDir: string;
  readonly buildDir: string;
  readonly spackCache: string;
  readonly logLevel: LogLevel;
  readonly logFile: string | undefined;
}

/** Folder by the XDG base directory specification, which has relative paths ignored. */
export function xdgFolder({ env, home }: Surroundings, kind: 'CACHE' | 'CONFIG'): string {
  const given = env[`XDG_${kind}_HOME`] ?? '';
  const base = isAbsolute(given) ? given : join(home, kind === 'CACHE' ? '.cache' : '.config');
  return join(base, 'slurm-factory');
}

/**
 * The settings of the layers, else of the machine.
 * @param problems takes what is wrong
 */
export function resolveSettings(
  layers: readonly Layer[],
  surroundings: Surroundings,
  problems: Problem[] = [],
): Settings {
  const folder = (name: SettingName, fallback: string) => {
    const { text } = settleAs(layers, name, fallback);
    return text === '' ? undefined : resolve(surroundings.cwd, text);
  };
  const cacheDir = folder('cache-dir', '') ?? xdgFolder(surroundings, 'CACHE');
  return {
    cacheDir,
    buildDir: folder('build-dir', '') ?? cacheDir,
    spackCache: folder('spack-cache', '') ?? join(cacheDir, 'entries'),
    logLevel: levelOf(settleAs(layers, 'log-level', 'info'), problems),
    logFile: folder('log-file', ''),
  };
}

function levelOf(settled: Settled, problems: Problem[]): LogLevel {
  const reading = settings['log-level'].kind.read(settled.text, noCatalog);
  if ('value' in reading) return reading.value;
  problems.push(problemAt('log-level', reading.problem, settled));
  return 'info';
}

/** Of nothing to choose from: for inputs that ask nothing of the project's files. */
export const noCatalog: Catalog = { toolchains: [], variants: [], resolveVersion: () => '' };

/** What is wrong with a value, and where that stands. */
export const problemAt = (input: string, message: string, { place }: Settled): Problem => ({
  ...{ input, message },
  ...(place === undefined ? {} : { place }),
});

/** One value of all that can be set, and where it came from. */
export interface Explained {
  readonly name: InputName | SettingName;
  /** Empty for no value; of a secret only that there is one: `***`. */
  readonly value: string;
  readonly origin: Origin;
  /** Variable, or file and line; undefined for a default, an option and an input. */
  readonly place: string | undefined;
}

/** Each value that a build would start from, in the order of the tables, and where it came from. */
export function explain(layers: readonly Layer[], surroundings: Surroundings): Explained[] {
  const { cacheDir, buildDir, spackCache } = resolveSettings(layers, surroundings);
  const presets: Readonly<Partial<Record<SettingName, string>>> = {
    ...{ 'cache-dir': cacheDir, 'build-dir': buildDir, 'spack-cache': spackCache, 'log-level': 'info' },
  };
  return [...inputNames, ...settingNames].map((name) => {
    const preset = isInputName(name) ? inputOf(name).default : (presets[name] ?? '');
    const { text, origin, place } = settleAs(layers, name, preset);
    return { name, value: isInputName(name) && isSecret(name) && text !== '' ? '***' : text, origin, place };
  });
}
