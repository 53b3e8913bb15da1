/**
 * The one list of a result's files. What is built, checked, signed, cached, handed out and removed comes
 * from it.
 */

export type FileKind =
  | 'software'
  | 'modules'
  | 'debug'
  | 'installer'
  | 'sbom'
  | 'smoke'
  | 'manifest'
  | 'sums'
  | 'key';

/** One kind of file that a result has. */
export interface CatalogueItem {
  readonly kind: FileKind;
  /** What stands behind the identifier and a dash. */
  readonly end: string;
  /** A result without it is none. */
  readonly required: boolean;
  /** It gets a signature of its own; the rest is vouched for by the signed sums. */
  readonly signed: boolean;
  /** Where its sum stands: in the manifest (and then in the sums too), in the sums, or nowhere. */
  readonly named: 'manifest' | 'sums' | 'nowhere';
  readonly program: boolean;
}

const item = (
  kind: FileKind,
  end: string,
  named: CatalogueItem['named'],
  traits: Partial<Pick<CatalogueItem, 'required' | 'signed' | 'program'>>,
): CatalogueItem => ({ kind, end, named, required: false, signed: false, program: false, ...traits });

export const catalogue: readonly CatalogueItem[] = [
  item('software', 'software.tar.gz', 'manifest', { required: true, signed: true }),
  item('modules', 'modules.tar.gz', 'manifest', { required: true, signed: true }),
  item('debug', 'debug.tar.gz', 'manifest', { signed: true }),
  item('installer', 'install.sh', 'manifest', { required: true, program: true }),
  item('sbom', 'sbom.spdx.json', 'manifest', { required: true }),
  item('smoke', 'smoke.xml', 'manifest', {}),
  item('manifest', 'manifest.json', 'sums', { required: true }),
  item('sums', 'SHA256SUMS', 'nowhere', { required: true, signed: true }),
  // The public key of the signatures, which nothing vouches for.
  item('key', 'signing-key.asc', 'nowhere', {}),
];

const signatureEnd = '.asc';

const ends = Object.fromEntries(catalogue.map(({ kind, end }) => [kind, end])) as Readonly<
  Record<FileKind, string>
>;

/** Name of a target's file; all carry its identifier, so that a matrix can upload them side by side. */
export const fileName = (identifier: string, kind: FileKind): string => `${identifier}-${ends[kind]}`;

/** Name of a file's signature. */
export const signatureName = (name: string): string => `${name}${signatureEnd}`;

/** Files that every result has, by what they are. */
export interface ResultFiles {
  readonly software: string;
  readonly modules: string;
  readonly installer: string;
  readonly sbom: string;
  readonly manifest: string;
  readonly sums: string;
}

/** Names of the files that every result of a target has. */
export function resultFiles(identifier: string): ResultFiles {
  const names = catalogue
    .filter(({ required }) => required)
    .map(({ kind }) => [kind, fileName(identifier, kind)]);
  return Object.fromEntries(names) as ResultFiles;
}

/** Name of the tarball with debug files, which only some results have. */
export const debugTarball = (identifier: string): string => fileName(identifier, 'debug');

/** Name of the smoke test's JUnit file. */
export const smokeReportName = (identifier: string): string => fileName(identifier, 'smoke');

/** Name of the file with the public key of a target's signatures. */
export const signingKeyName = (identifier: string): string => fileName(identifier, 'key');

/** Every name that a file of the target can have, signatures too. */
export function possibleNames(identifier: string): string[] {
  const names = catalogue.map(({ kind }) => fileName(identifier, kind));
  return [...names, ...names.filter((name) => name !== signingKeyName(identifier)).map(signatureName)];
}

/** What a target's file is by its name; undefined for a signature, and for what is none of its files. */
export function itemOf(identifier: string, name: string): CatalogueItem | undefined {
  return catalogue.find(({ kind }) => fileName(identifier, kind) === name);
}

/** Whether a name is that of a target's file or signature, whichever target it is. */
export function looksHandedOut(name: string): boolean {
  const file = name.endsWith(signatureEnd) ? name.slice(0, -signatureEnd.length) : name;
  return catalogue.some(({ end }) => name.endsWith(`-${end}`) || file.endsWith(`-${end}`));
}

/** Of names, those of files that are signed: the tarballs, and the sums, which stand for all else. */
export const signedFiles = (names: readonly string[]): string[] =>
  names.filter((name) => catalogue.some(({ end, signed }) => signed && name.endsWith(`-${end}`)));
