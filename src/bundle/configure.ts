import { compare } from './ingredients.js';
import type { Manifest } from './manifest.js';

/** Where Spack keeps Slurm's config.h in its prefix, also of one that came out of a build cache. */
export const configHeaderPath = '.spack/archived-files/spack-src/config.h';

/** bytes; Slurm's has 20,000 */
export const mostHeaderBytes = 1 << 20;

/** What configure found out, by name, as a manifest has it. */
export type ConfigureResults = NonNullable<Manifest['configure']>;

/**
 * What configure found out, of a config.h: its definitions, sorted by name. What is only defined within a condition
 * is the compiler's to say, and left out.
 * @param prefix of the package, for which `@prefix@` stands
 * @param folders of the build; a value that names one of them is left out
 */
export function parseConfigHeader(
  text: string,
  prefix: string,
  folders: readonly string[],
): ConfigureResults {
  const found = new Map<string, string>();
  for (const [, name = '', value = ''] of text.matchAll(/^#define ([A-Za-z_]\w{0,199})(?: (.*))?$/gm)) {
    const plain = value.trim().replaceAll(prefix, '@prefix@');
    const hidden = folders.some((folder) => plain.includes(folder));
    if (!hidden && /^[ -~]{0,200}$/.test(plain)) found.set(name, plain);
  }
  return [...found].map(([name, value]) => ({ name, value })).sort((a, b) => compare(a.name, b.name));
}
