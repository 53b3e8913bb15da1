import { basename, dirname, normalize, resolve } from 'node:path';
import { PlainFileError } from '../base/safe.js';

/** A path of a user's as a folder and a path below it. Of a relative one no part below `cwd` may be a link. */
export function placeOf(cwd: string, path: string): [string, string] {
  const plain = normalize(path);
  const whole = resolve(cwd, path);
  return plain.startsWith('..') || plain.startsWith('/') || plain === '.' || plain.endsWith('/')
    ? [dirname(whole), basename(whole)]
    : [cwd, plain];
}

/** What is wrong with a file that a user named, a sentence. */
export function wrongFile(path: string, error: unknown): string {
  if (!(error instanceof PlainFileError)) throw error;
  return `'${path}' ${error.reason}.`;
}
