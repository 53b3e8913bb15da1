import { readdir } from 'node:fs/promises';
import { PackagingError } from '../base/errors.js';
import { readPlain, sha256Plain } from '../base/safe.js';
import { parseTarget } from '../targets/identifier.js';
import { fileName, fileOfSignature, inManifest, itemOf, resultFiles } from './catalogue.js';
import { checkReport, checkSbom, checkTop, jsonLimit, readManifest, reasonOf } from './contents.js';
import { type Manifest, namedFiles } from './manifest.js';
import { type Case, Problems } from './problems.js';
import { type BundleFile, parseSums, sumsLimit } from './sums.js';

/** What is asked of a result. */
export interface CheckOptions {
  /** The manifest must have it. */
  readonly contentKey?: string;
  /** The report of the smoke test must be there. */
  readonly tested?: boolean;
  /**
   * Nothing else may lie in the folder, not even a signature. Otherwise no file may have a name that begins with
   * the identifier and a dash, except those of the catalogue and their signatures.
   */
  readonly exact: boolean;
}

/** A result of which every part fits every other. */
export interface SoundResult {
  readonly manifest: Manifest;
  /** All its files, sorted by name; neither signatures nor the signing key. */
  readonly files: readonly BundleFile[];
}

/**
 * Checks that a folder's files of a target are a whole result of it: exactly the files that its manifest names,
 * with the sums and sizes that manifest and sums say, an SBOM of this software tarball, and a tarball whose
 * content lies in the target's folder. Signatures are not looked at. Asks no network and runs nothing.
 * @throws PackagingError with what is wrong, 20 lines at most
 */
export async function checkResult(
  folder: string,
  identifier: string,
  options: CheckOptions,
): Promise<SoundResult> {
  const problems = new Problems();
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    throw new PackagingError(`${folder} can't be read (${error.code}).`, 'Name the folder of the files.');
  });
  const own = options.exact ? names : (ownersOf(names).get(identifier) ?? []);
  const sound = await inspectResult({ folder, identifier, names: own, problems }, options);
  if (sound === undefined || !problems.none) {
    throw new PackagingError(problems.text, 'Do not use these files.');
  }
  return sound;
}

/**
 * The targets whose sums are among names, in order, each with the names that are its own: those that begin with
 * its identifier. A GPU target's begins with that of the target without one, so the longest counts.
 */
export function ownersOf(names: readonly string[]): Map<string, string[]> {
  const sums = fileName('', 'sums');
  const identifiers = names.filter((name) => name.endsWith(sums)).map((name) => name.slice(0, -sums.length));
  const owners = new Map(identifiers.sort().map((identifier) => [identifier, [] as string[]]));
  for (const name of [...names].sort()) {
    for (let end = name.lastIndexOf('-'); end !== -1; end = name.lastIndexOf('-', end - 1)) {
      const own = owners.get(name.slice(0, end));
      own?.push(name);
      if (own !== undefined || end === 0) break;
    }
  }
  return owners;
}

/** Bytes of a file that are read even if its manifest says that it has fewer. */
const readLimit = 2 ** 30;

/** Does what `checkResult` does, and adds to the problems; undefined where there is no manifest to go by. */
export async function inspectResult(subject: Case, options: CheckOptions): Promise<SoundResult | undefined> {
  const { folder, identifier, problems } = subject;
  const target = parseTarget(identifier);
  if (target === undefined) problems.add(`${fileName(identifier, 'sums')}: is not named after a target`);
  const sums = await readSums(subject);
  const manifest = await readManifest(subject, options);
  checkNames(subject, sums, manifest, options);
  const files = await checkFiles(subject, sums, manifest);
  if (manifest === undefined) return undefined;
  await checkSbom(subject, manifest);
  await checkReport(subject, manifest);
  // A damaged one is reported by its sum.
  const software = fileName(identifier, 'software');
  if (files.some(({ name }) => name === software)) await checkTop(subject);
  const own = await Promise.all(
    (['manifest', 'sums'] as const).map(async (kind) => {
      const name = fileName(identifier, kind);
      return { name, ...(await sha256Plain(folder, name, jsonLimit)) };
    }),
  ).catch(() => []);
  const all = [...files.filter(({ name }) => !own.some((item) => item.name === name)), ...own];
  return { manifest, files: all.sort((a, b) => (a.name < b.name ? -1 : 1)) };
}

async function readSums({ folder, identifier, problems }: Case): Promise<Map<string, string>> {
  const file = fileName(identifier, 'sums');
  const sums = new Map<string, string>();
  try {
    for (const { name, sha256 } of parseSums((await readPlain(folder, file, sumsLimit)).toString())) {
      if (sums.has(name)) problems.add(`${file}: lists ${name} twice`);
      sums.set(name, sha256);
    }
    return sums;
  } catch (error) {
    problems.add(`${file}: ${reasonOf(error)}`);
    return sums;
  }
}

/** Compares the names in the folder, in the sums and in the manifest with each other and with the catalogue. */
function checkNames(
  { identifier, names, problems }: Case,
  sums: ReadonlyMap<string, string>,
  manifest: Manifest | undefined,
  { exact }: CheckOptions,
): void {
  const sumsFile = fileName(identifier, 'sums');
  const manifestFile = fileName(identifier, 'manifest');
  const files = resultFiles(identifier);
  for (const name of Object.values(files)) {
    if (name !== sumsFile && !sums.has(name)) problems.add(`${name}: is not in ${sumsFile}`);
  }
  for (const name of sums.keys()) {
    if ((itemOf(identifier, name)?.named ?? 'nowhere') === 'nowhere') {
      problems.add(`${sumsFile}: lists ${name}, which is not a file of the target`);
    }
  }
  for (const name of names) {
    const problem = strange(identifier, name, names, sums, exact);
    if (problem !== undefined) problems.add(`${name}: ${problem}`);
  }
  if (manifest !== undefined) checkNamed(identifier, manifestFile, sums, manifest, problems);
}

/** What is wrong with a file's being there. */
function strange(
  identifier: string,
  name: string,
  names: readonly string[],
  sums: ReadonlyMap<string, string>,
  exact: boolean,
): string | undefined {
  const item = itemOf(identifier, name);
  if (item?.kind === 'sums' || (item?.kind === 'key' && !exact)) return undefined;
  if (item !== undefined && item.kind !== 'key') {
    // What has to be in the sums is reported already.
    return sums.has(name) || item.required ? undefined : `is not in ${fileName(identifier, 'sums')}`;
  }
  const file = fileOfSignature(name);
  if (exact || file === undefined) return 'is not a file of the target';
  if (!names.includes(file)) return 'its file is missing';
  return itemOf(identifier, file) === undefined ? 'is not a file of the target' : undefined;
}

function checkNamed(
  identifier: string,
  manifestFile: string,
  sums: ReadonlyMap<string, string>,
  manifest: Manifest,
  problems: Problems,
): void {
  const problem = (text: string) => problems.add(`${manifestFile}: ${text}`);
  for (const field of ['sbom', 'smoke'] as const) {
    const name = manifest[field]?.name;
    if (name !== undefined && itemOf(identifier, name)?.named !== field) {
      problem(`names ${name} as its ${field}`);
    }
  }
  for (const { name } of manifest.files) {
    if (itemOf(identifier, name)?.named !== 'files') {
      problem(`lists ${name} among its files, where it does not belong`);
    }
  }
  const names = namedFiles(manifest).map(({ name }) => name);
  for (const name of new Set(names)) {
    if (names.indexOf(name) !== names.lastIndexOf(name)) problem(`names ${name} twice`);
    if (!sums.has(name)) problem(`names ${name}, which has no sum`);
  }
  const needed = Object.values(resultFiles(identifier));
  for (const name of new Set([...needed, ...sums.keys()])) {
    const item = itemOf(identifier, name);
    if (item !== undefined && inManifest(item) && !names.includes(name)) problem(`does not name ${name}`);
  }
}

/** Compares the bytes of the target's files with their sums and the manifest; returns those that are right. */
async function checkFiles(
  { folder, identifier, names, problems }: Case,
  sums: ReadonlyMap<string, string>,
  manifest: Manifest | undefined,
): Promise<BundleFile[]> {
  const sound: BundleFile[] = [];
  const said = new Map(manifest === undefined ? [] : namedFiles(manifest).map((file) => [file.name, file]));
  const known = [...new Set([...sums.keys(), ...names])]
    .filter((name) => isReadable(identifier, name))
    .sort();
  for (const name of known) {
    const wanted = sums.get(name);
    const file = said.get(name);
    try {
      const actual = await sha256Plain(folder, name, Math.max(file?.size ?? 0, readLimit));
      if (wanted === undefined) continue;
      if (wanted !== actual.sha256) problems.add(`${name}: does not match its sum`);
      else if (file !== undefined && (file.sha256 !== actual.sha256 || file.size !== actual.size)) {
        problems.add(`${fileName(identifier, 'manifest')}: has a wrong size or sum for ${name}`);
      } else sound.push({ name, ...actual });
    } catch (error) {
      problems.add(`${name}: ${reasonOf(error)}`);
    }
  }
  return sound;
}

// Sums, signatures and the key are read where they are checked.
const isReadable = (identifier: string, name: string): boolean =>
  (itemOf(identifier, name)?.named ?? 'nowhere') !== 'nowhere';
