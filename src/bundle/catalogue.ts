import { join } from 'node:path';
import { parseTarget, type TargetName } from '../targets/identifier.js';

/**
 * The one list of a result's files. What is built, described, checked, signed, cached, handed out and removed
 * comes from it: a new kind is a row here, the stage that makes the file, and a test. Every file that a build
 * made is in the summary and the report; only what has `output` is an output of the action too.
 */

interface Row {
  /** What stands behind the identifier and a dash. */
  readonly end: string;
  /** What it is, in a word or two. */
  readonly title: string;
  /** What it is, in Markdown as of docs/; README.md and docs/inputs.md have the same table. */
  readonly about: string;
  /**
   * Where its sum stands: in a field of the manifest (and then in the sums too), in the sums, or nowhere.
   * `files` is the manifest's list; the other fields hold one file each.
   */
  readonly named: 'files' | 'sbom' | 'smoke' | 'sums' | 'nowhere';
  /** A result without it is incomplete. */
  readonly required?: true;
  /** It gets a signature of its own; the signed sums cover the rest. */
  readonly signed?: true;
  readonly program?: true;
  /** Name of the action's output that has its path. */
  readonly output?: string;
}

const rows = {
  software: {
    end: 'software.tar.gz',
    title: 'Slurm',
    about: "Slurm's tree, to be unpacked anywhere: it finds its own files; its top folder is `<target>`",
    named: 'files',
    required: true,
    signed: true,
    output: 'software-tarball',
  },
  modules: {
    end: 'modules.tar.gz',
    title: 'module files',
    about:
      'module files for Lmod and Environment Modules, in `lmod` and `tcl`; `SLURM_INSTALL_PREFIX` says where Slurm was unpacked',
    named: 'files',
    required: true,
    signed: true,
    output: 'modules-tarball',
  },
  debug: {
    end: 'debug.tar.gz',
    title: 'debug files',
    about: "with `debug: true`: debug files for gdb, to be unpacked over the software's tree",
    named: 'files',
    signed: true,
  },
  installer: {
    end: 'install.sh',
    title: 'installer',
    about: 'verifies and installs the tarballs, writes systemd units, uninstalls ([install.md](install.md))',
    named: 'files',
    required: true,
    program: true,
  },
  sbom: {
    end: 'sbom.spdx.json',
    title: 'SBOM, SPDX',
    about: "SPDX 2.3: Slurm, what Spack built and the distribution's packages, with licences and sources",
    named: 'sbom',
    required: true,
  },
  lock: {
    end: 'spack.lock',
    title: "Spack's lock",
    about:
      "Spack's lock, all packages with their versions and hashes; the input `spack-lock` takes it ([spack.md](spack.md#lock))",
    named: 'files',
    output: 'spack-lock',
  },
  smoke: {
    end: 'smoke.xml',
    title: 'smoke test, JUnit',
    about:
      'the checks of the smoke test as JUnit XML ([smoke.md](smoke.md)); a result from the cache brings its own',
    named: 'smoke',
  },
  manifest: {
    end: 'manifest.json',
    title: 'manifest',
    about:
      'target, content key, commits, all specs of the lock, the packages that are needed at run time, size and sha256 of all files above',
    named: 'sums',
    required: true,
    output: 'manifest',
  },
  sums: {
    end: 'SHA256SUMS',
    title: 'sums',
    about: 'sha256 of all files above, for `sha256sum --check`',
    named: 'nowhere',
    required: true,
    signed: true,
  },
  // The public key of the signatures, which nothing vouches for.
  key: {
    end: 'signing-key.asc',
    title: 'public key',
    about:
      'with a GPG key: the public key of the signatures, the `.asc` file of each tarball and of the sums ([trust.md](trust.md))',
    named: 'nowhere',
  },
} as const satisfies Readonly<Record<string, Row>>;

/** What a file of a result is. */
export type FileKind = keyof typeof rows;

/** The kinds that every result has. */
export type RequiredKind = {
  [K in FileKind]: (typeof rows)[K] extends { readonly required: true } ? K : never;
}[FileKind];

/** One kind of file that a result has. */
export interface CatalogueItem extends Row {
  readonly kind: FileKind;
}

export const catalogue: readonly CatalogueItem[] = Object.entries(rows).map(([kind, row]) => ({
  kind: kind as FileKind,
  ...row,
}));

const signatureEnd = '.asc';

/** Name of a target's file; all carry its identifier, so that a matrix can upload them side by side. */
export const fileName = (identifier: string, kind: FileKind): string => `${identifier}-${rows[kind].end}`;

/** A file's name in a message that shows how files are named. */
export const exampleName = (kind: FileKind): string => fileName('slurm-24.11.6-glibc2.34-amd64', kind);

/** The target whose file of a kind has this name; undefined for any other name. */
export function targetOfFile(name: string, kind: FileKind): TargetName | undefined {
  const end = fileName('', kind);
  return name.endsWith(end) ? parseTarget(name.slice(0, -end.length)) : undefined;
}

/** Name, or path, of a file's signature. */
export const signatureName = (file: string): string => `${file}${signatureEnd}`;

/** The file that a signature is of, by the signature's name; undefined for any other name. */
export const fileOfSignature = (name: string): string | undefined =>
  name.endsWith(signatureEnd) ? name.slice(0, -signatureEnd.length) : undefined;

/** Files that every result has, by their kind. */
export type ResultFiles = Readonly<Record<RequiredKind, string>>;

/** Names of the files that every result of a target has. */
export function resultFiles(identifier: string): ResultFiles {
  const names = catalogue
    .filter(({ required }) => required)
    .map(({ kind }) => [kind, fileName(identifier, kind)]);
  return Object.fromEntries(names) as ResultFiles;
}

/** The files that one result has, by their kind. */
export type PresentFiles = ResultFiles & Readonly<Partial<Record<FileKind, string>>>;

/**
 * Paths of a target's files in a folder.
 * @param names names of the files that there are, those that every result has among them
 */
export function presentFiles(folder: string, identifier: string, names: readonly string[]): PresentFiles {
  const present = names.flatMap((name) => {
    const item = itemOf(identifier, name);
    return item === undefined ? [] : [[item.kind, join(folder, name)] as const];
  });
  return Object.fromEntries(present) as PresentFiles;
}

/** Outputs of the action that hold a file's path; empty for a file that this result lacks. */
export const fileOutputs = (files: PresentFiles): Record<string, string> =>
  Object.fromEntries(
    catalogue.flatMap(({ kind, output }) => (output === undefined ? [] : [[output, files[kind] ?? '']])),
  );

/** Every name that a file of the target can have, signatures too. */
export function possibleNames(identifier: string): string[] {
  const names = catalogue.map(({ kind }) => fileName(identifier, kind));
  const key = fileName(identifier, 'key');
  return [...names, ...names.filter((name) => name !== key).map(signatureName)];
}

/** What a target's file is by its name; undefined for a signature and for any other name. */
export function itemOf(identifier: string, name: string): CatalogueItem | undefined {
  return catalogue.find(({ kind }) => fileName(identifier, kind) === name);
}

/** Whether a manifest names the files of a kind. */
export const inManifest = ({ named }: Pick<CatalogueItem, 'named'>): boolean =>
  named !== 'sums' && named !== 'nowhere';

/** Whether a name is that of a target's file or signature, whichever target it is. */
export function looksHandedOut(name: string): boolean {
  const file = fileOfSignature(name) ?? name;
  return catalogue.some(({ end }) => name.endsWith(`-${end}`) || file.endsWith(`-${end}`));
}

/** Of names, those of files that are signed: the tarballs, and the sums, which cover all else. */
export const signedFiles = (names: readonly string[]): string[] =>
  names.filter((name) => catalogue.some(({ end, signed }) => signed && name.endsWith(`-${end}`)));

/**
 * The table of files, in Markdown.
 * @param docs folder of the pages that it links to, as the page sees it that has the table
 */
export const filesTable = (docs: string): string =>
  [
    '| file | what it is |',
    '|---|---|',
    ...catalogue.map(
      ({ end, about }) => `| \`<target>-${end}\` | ${about.replaceAll(/\]\((\w+\.md)\)/g, `](${docs}$1)`)} |`,
    ),
  ].join('\n');
