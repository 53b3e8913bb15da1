import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ConfigurationError } from '../base/errors.js';

/**
 * The folder with the project's data, recipes and templates: the nearest one above this file, which lies
 * deeper once it is compiled.
 * @throws ConfigurationError for half of an installation
 */
export function packageRoot(from: string = import.meta.dirname): string {
  if (existsSync(join(from, 'data', 'pins.json'))) return from;
  const above = dirname(from);
  if (above !== from) return packageRoot(above);
  throw new ConfigurationError('The data of slurm-factory is missing.', 'Install the package again.');
}
