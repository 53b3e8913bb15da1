import { posix } from 'node:path';
import { matches } from '../base/text.js';
import { driverLibraries } from '../targets/gpus.js';
import { compareVersions } from '../targets/releases.js';
import type { Expectation } from './expectation.js';
import { type ElfFacts, elfOf } from './inventory.js';
import { type Breach, follow, isFurther, leaves, runpathFolders, type Tree } from './tree.js';

/** Checks of what stands in ELF files. */

interface ElfFile {
  readonly path: string;
  readonly elf: ElfFacts;
}

/** All readable ELF files, except those with debug sections only. */
export function elfFiles(tree: Tree): ElfFile[] {
  return tree.entries.flatMap((entry) => {
    const elf = elfOf(entry);
    return elf === undefined || elf.debugFile ? [] : [{ path: entry.path, elf }];
  });
}

const each = (tree: Tree, details: (file: ElfFile) => readonly string[]): Breach[] =>
  elfFiles(tree).flatMap((file) => details(file).map((detail) => ({ file: file.path, detail })));

export function damaged(tree: Tree): Breach[] {
  return tree.entries.flatMap(({ path, elf }) =>
    elf === null || elf.error === null ? [] : [{ file: path, detail: `it can't be read: ${elf.error}` }],
  );
}

export function foreignArchitecture(tree: Tree, { machine, interpreter }: Expectation): Breach[] {
  return each(tree, ({ elf }) => [
    ...(elf.machine === machine ? [] : [`it is for ${elf.machine}, not ${machine}`]),
    ...(elf.interpreter === null || elf.interpreter === interpreter
      ? []
      : [`its loader is ${elf.interpreter}, not ${interpreter}`]),
  ]);
}

export function strayLibraries(tree: Tree, { systemLibraries, runsOn }: Expectation): Breach[] {
  const isSystem = (soname: string) => systemLibraries.some((pattern) => matches(pattern, soname));
  const shipped = new Map([...tree.byPath.keys()].map((path) => [posix.basename(path), path]));
  return each(tree, ({ path, elf }) => {
    const folders = runpathFolders(path, elf.runpath);
    const isFound = (soname: string) =>
      folders.some((folder) => follow(tree, posix.join(folder, soname))?.type === 'file');
    return elf.needed
      .filter((soname) => !isSystem(soname) && !isFound(soname))
      .map((soname) =>
        shipped.has(soname)
          ? `it needs ${soname}, and its RUNPATH does not lead to ${shipped.get(soname)}`
          : `it needs ${soname}, which is neither in the tarball nor a system library of ${runsOn}`,
      );
  });
}

export function unownedLibraries(tree: Tree): Breach[] {
  const unowned = new Map(
    tree.systemLibraries
      .filter((library) => library.package === null)
      .map((item) => [item.soname, item.path]),
  );
  return each(tree, ({ elf }) =>
    elf.needed
      .filter((soname) => unowned.has(soname))
      .map((soname) => {
        const path = unowned.get(soname);
        return path
          ? `it needs ${path}, which belongs to no package`
          : `it needs ${soname}, which does not exist`;
      }),
  );
}

/** Whether a file is one of the libraries that the tarball brings, or of their plugins. */
const isGrafted = (path: string, { grafted }: Expectation): boolean =>
  grafted !== undefined && path.startsWith(`${grafted.folder}/`);

export function commonNames(tree: Tree, expectation: Expectation): Breach[] {
  const { folder = '', named = [] } = expectation.grafted ?? {};
  return each(tree, ({ path, elf }) => {
    const name = posix.basename(path);
    if (!isGrafted(path, expectation) || posix.dirname(path) !== folder) return [];
    if (named.some((pattern) => matches(pattern, name))) return [];
    return [
      ...(/-[0-9a-f]{8}\.so(?:\.|$)/.test(name) ? [] : ['its name is also that of a library of the host']),
      ...(elf.soname === name ? [] : [`its SONAME is ${elf.soname ?? 'missing'}`]),
    ];
  });
}

export function eagerBinding(tree: Tree, expectation: Expectation): Breach[] {
  return each(tree, ({ path, elf }) =>
    elf.bindNow && !isGrafted(path, expectation) && !isFurther(path)
      ? ['it binds all its functions as it is loaded']
      : [],
  );
}

export function foreignRunpath(tree: Tree): Breach[] {
  return each(tree, ({ path, elf }) =>
    elf.runpath
      .filter((folder) => runpathFolders(path, [folder]).every(leaves))
      .map((folder) => `its RUNPATH names ${folder === '' ? 'the current folder' : folder}`),
  );
}

/** Version names without a number, by the first release of glibc that has them. */
const namedVersions: Readonly<Record<string, string>> = { GLIBC_ABI_DT_RELR: '2.36' };

/** Prefix and number of a symbol version; undefined for one without a number. */
export function parseVersion(version: string): { prefix: string; number: string } | undefined {
  const match = /^([A-Z]+)_(\d+(?:\.\d+)*)$/.exec(version);
  const known = namedVersions[version];
  if (match?.[1] !== undefined && match[2] !== undefined) return { prefix: match[1], number: match[2] };
  return known === undefined ? undefined : { prefix: 'GLIBC', number: known };
}

export function newVersions(tree: Tree, { limits, runsOn }: Expectation): Breach[] {
  return each(tree, ({ elf }) =>
    elf.versions.flatMap((version) => {
      const parsed = parseVersion(version);
      const limit = limits[parsed?.prefix ?? version.split('_')[0] ?? ''];
      const symbols = elf.newSymbols[version] ?? [];
      const users = symbols.length === 0 ? '' : ` (${symbols.join(', ')})`;
      if (limit === undefined) return [];
      if (parsed === undefined) return [`it needs ${version}${users}, which no other release has to have`];
      if (compareVersions(parsed.number, limit) <= 0) return [];
      return [`it needs ${version}${users}; ${runsOn} has ${parsed.prefix}_${limit}`];
    }),
  );
}

export function gpuStubs(tree: Tree): Breach[] {
  const isDriver = (name: string) => driverLibraries.names.some((start) => name.startsWith(start));
  const byName = tree.entries
    .filter(({ path, type }) => type !== 'folder' && isDriver(posix.basename(path)))
    .map(({ path }) => ({ file: path, detail: 'it has the name of a library of the driver' }));
  const named = new Set(byName.map(({ file }) => file));
  const byContent = each(tree, ({ path, elf }) => {
    if (named.has(path)) return [];
    if (isDriver(elf.soname ?? '')) return [`its SONAME is ${elf.soname}`];
    return elf.exports.length === 0 ? [] : [`it defines ${elf.exports.join(' and ')}`];
  });
  return [...byName, ...byContent];
}

export function debugSections(tree: Tree): Breach[] {
  return tree.entries.flatMap((entry) => {
    const elf = elfOf(entry);
    const isApart = elf?.debugFile && posix.basename(posix.dirname(entry.path)) === '.debug';
    return elf?.debugSections && !isApart ? [{ file: entry.path, detail: 'it has debug sections' }] : [];
  });
}
