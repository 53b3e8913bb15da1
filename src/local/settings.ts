import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Layer } from '../config/layers.js';
import { configFileName, fileLayer, unknownVariables, variableLayer } from '../config/outside.js';
import { type Surroundings, xdgFolder } from '../config/settings.js';

/** bytes; a file with all settings has a few thousand */
const mostBytes = 1 << 20;

export interface OutsideRequest extends Surroundings {
  /** File of settings in place of those that are looked for; it must be there. */
  readonly file?: string | undefined;
}

export interface Outside {
  /** To be put before those of a call; what is wrong with them is among their problems. */
  readonly layers: readonly Layer[];
  /** What a user should know of, but is no error. */
  readonly notices: readonly string[];
}

/**
 * The settings that a user keeps outside of a call: variables, then `slurm-factory.yml` of the working folder,
 * then that of the user's configuration folder. What is wrong with them is reported with the rest of a call.
 */
export function outside(request: OutsideRequest): Outside {
  const { env, cwd, home, file } = request;
  // Of two values of one origin the later one counts.
  const looked = [xdgFolder(request, 'CONFIG'), cwd].map((folder) => join(folder, configFileName));
  const files = file === undefined ? looked : [resolve(cwd, file)];
  const layers = files.map((path) => readLayer(path, home, file !== undefined));
  return {
    layers: [...layers.filter((layer) => layer !== undefined), variableLayer(env)],
    notices: unknownVariables(env),
  };
}

/** The same for who waits anyway. */
export const readOutside = async (request: OutsideRequest): Promise<Outside> => outside(request);

/**
 * One file of settings as a layer.
 * @param required whether it is wrong that it is not there
 * @returns undefined where it is not there and need not be
 */
export function readLayer(path: string, home: string, required: boolean): Layer | undefined {
  const wrong = (message: string): Layer => ({
    origin: 'config-file',
    values: {},
    problems: [{ input: configFileName, message, place: path }],
  });
  try {
    const text = readText(path);
    return text === undefined ? wrong('it is no file of settings.') : fileLayer(path, text, home);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isMissing = code === 'ENOENT' || code === 'ENOTDIR';
    if (isMissing && !required) return undefined;
    return wrong(isMissing ? 'there is no such file.' : `it can't be read (${code}).`);
  }
}

function readText(path: string): string | undefined {
  // A pipe that nobody writes to would be waited for.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const facts = fstatSync(file);
    return facts.isFile() && facts.size <= mostBytes ? readFileSync(file, 'utf8') : undefined;
  } finally {
    closeSync(file);
  }
}
