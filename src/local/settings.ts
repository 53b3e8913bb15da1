import { open } from 'node:fs/promises';
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
export async function readOutside(request: OutsideRequest): Promise<Outside> {
  const { env, cwd, home, file } = request;
  // Of two values of one origin the later one counts.
  const looked = [xdgFolder(request, 'CONFIG'), cwd].map((folder) => join(folder, configFileName));
  const files = file === undefined ? looked : [resolve(cwd, file)];
  const layers = await Promise.all(files.map((path) => readLayer(path, home, file !== undefined)));
  return {
    layers: [...layers.filter((layer) => layer !== undefined), variableLayer(env)],
    notices: unknownVariables(env),
  };
}

async function readLayer(path: string, home: string, required: boolean): Promise<Layer | undefined> {
  const wrong = (message: string): Layer => ({
    origin: 'config-file',
    values: {},
    problems: [{ input: configFileName, message, place: path }],
  });
  try {
    const text = await readText(path);
    return text === undefined ? wrong('it is no file of settings.') : fileLayer(path, text, home);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const isMissing = code === 'ENOENT' || code === 'ENOTDIR';
    if (isMissing && !required) return undefined;
    return wrong(isMissing ? 'there is no such file.' : `it can't be read (${code}).`);
  }
}

async function readText(path: string): Promise<string | undefined> {
  const file = await open(path);
  try {
    const facts = await file.stat();
    return facts.isFile() && facts.size <= mostBytes ? await file.readFile('utf8') : undefined;
  } finally {
    await file.close();
  }
}
