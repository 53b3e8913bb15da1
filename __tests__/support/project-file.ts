import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';

/** Text of a file of the project, or of any by its absolute path. */
export const readProjectFile = (path: string): Promise<string> =>
  readFile(resolve(import.meta.dirname, '..', '..', path), 'utf8');
