/*
 * Packages beside Slurm have the path of their folder written into some of their files, since it is compiled into what
 * is not Slurm's. Those who make a tarball and those who judge it know it by this.
 */

/** Their folder in the tree; scripts/inside and templates/ know it too. */
export const furtherFolder = 'packages';

/**
 * How the path begins that stands in packages in place of their folder's. It is nowhere, and no file but those of
 * the list holds it.
 */
export const relocationMark = '/__slurm_factory_packages__';

/** The list of these files, and the program that writes the real path into them. */
export const relocationList = `${furtherFolder}/relocate.list`;
export const relocationProgram = `${furtherFolder}/relocate`;

/** What that program leaves: the path that it has written, a line. */
export const relocationDone = `${furtherFolder}/relocate.done`;

/** Template of that program. */
export const relocationTemplate = 'relocate.sh';

/** Characters that the prefix of a tree may have whose packages leave room for so many. */
export const longestPrefix = (width: number): number => width - `/${furtherFolder}`.length;

/** The list, read; undefined for what is none. */
export function parseRelocationList(
  text: string,
): { readonly width: number; readonly files: ReadonlyMap<string, 'text' | 'binary'> } | undefined {
  const [first = '', ...lines] = text.trimEnd().split('\n');
  const width = /^width\t(\d{1,4})$/.exec(first)?.[1];
  const files = new Map<string, 'text' | 'binary'>();
  for (const line of lines) {
    const [kind, path, ...rest] = line.split('\t');
    if ((kind !== 'text' && kind !== 'binary') || !path || rest.length > 0) return undefined;
    files.set(path, kind);
  }
  return width === undefined ? undefined : { width: Number(width), files };
}
