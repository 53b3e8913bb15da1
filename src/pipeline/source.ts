import { cp, mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { InputError, type Problem, SourceError } from '../base/errors.js';
import { sha256 } from '../base/files.js';
import { checkMirror } from '../base/folders.js';
import { copyPlain, openPlain, readPlain } from '../base/safe.js';
import type { InputName } from '../config/inputs.js';
import { isRepository, wordsIn } from '../config/kinds.js';
import { type Layer, settle } from '../config/layers.js';
import type { BuildOptions } from '../config/resolve.js';
import { problemAt } from '../config/settings.js';
import { askTag, bringArchive, bringCommit, repositoryPlace, type SourcePlace } from '../spack/source.js';
import type { Release } from '../targets/releases.js';
import {
  archiveEnd,
  type BuiltRelease,
  type CustomRelease,
  type CustomSource,
  customRelease,
  isAddress,
  olderThanAll,
} from '../targets/source.js';
import { placeOf, wrongFile } from './places.js';
import type { Project } from './project.js';

/** A patch that a user gave. */
export interface Patch {
  readonly name: string;
  readonly sha256: string;
  readonly bytes: Buffer;
}

/** Where Spack finds an archive: an address that it fetches it from, or the absolute path of one on this machine. */
type ArchivePlace = { readonly url: string } | { readonly file: string };

/** What a build's own copy of our recipes has besides them, so that Spack builds another source. */
export type RecipeAddition = ArchivePlace & {
  /** Version in the recipe. */
  readonly version: string;
  /** Of the archive. */
  readonly sha256: string;
  readonly patches: readonly Patch[];
};

/** The Slurm that is built, and what the recipe does not know of it. */
export interface ResolvedSource {
  readonly release: BuiltRelease;
  readonly addition: RecipeAddition | undefined;
}

/** Bytes that a patch may have, and how many there may be. */
const mostPatchBytes = 1 << 22;
const mostPatches = 100;

/**
 * Looks at the files and folders that inputs name as sources.
 * @param cwd folder that relative paths start from
 * @returns what is wrong with them, and the patches
 */
export async function lookAtSources(
  layers: readonly Layer[],
  cwd: string,
): Promise<{ readonly problems: readonly Problem[]; readonly patches: readonly Patch[] }> {
  const textOf = (name: InputName) => settle(layers, name).text;
  const problems: Problem[] = [];
  const note = async (input: InputName, look: Promise<string | undefined>) => {
    const message = await look;
    if (message !== undefined) problems.push(problemAt(input, message, settle(layers, input)));
  };
  const [version, source, mirror] = [textOf('slurm-version'), textOf('source'), textOf('source-mirror')];
  if (archiveEnd(version) !== undefined && !isAddress(version)) {
    await note('slurm-version', plainProblem(cwd, version));
  }
  // What is wrong with the word itself is told where it is read.
  if (source !== '' && isRepository(source)) await note('source', checkMirror(source, cwd));
  const names = wordsIn(textOf('patches'));
  const inPatches = (message: string) => problemAt('patches', message, settle(layers, 'patches'));
  if (names.length > mostPatches) problems.push(inPatches(`more than ${mostPatches}.`));
  const patches: Patch[] = [];
  for (const name of names.slice(0, mostPatches)) {
    const patch = await readPatch(cwd, name);
    if (typeof patch === 'string') problems.push(inPatches(patch));
    else patches.push(patch);
  }
  if (mirror !== '') await note('source-mirror', checkMirror(mirror, cwd));
  return { problems, patches };
}

async function plainProblem(cwd: string, path: string): Promise<string | undefined> {
  return openPlain(...placeOf(cwd, path)).then(
    async (file) => void (await file.close()),
    (error: unknown) => wrongFile(path, error),
  );
}

/** @returns a sentence that says what is wrong with it */
async function readPatch(cwd: string, path: string): Promise<Patch | string> {
  const name = basename(path);
  if (!/^[A-Za-z0-9][A-Za-z0-9._+-]{0,199}$/.test(name)) {
    return `'${path}' has a name with other characters than letters, digits, '.', '_', '+' and '-'.`;
  }
  try {
    const bytes = await readPlain(...placeOf(cwd, path), mostPatchBytes);
    const isPatch = /^(?:--- |diff --git |GIT binary patch)/m.test(bytes.toString('latin1'));
    return isPatch ? { name, sha256: sha256(bytes), bytes } : `'${path}' is no patch: it changes no file.`;
  } catch (error) {
    return wrongFile(path, error);
  }
}

interface SourceRequest {
  readonly project: Project;
  readonly cwd: string;
  readonly workRoot: string;
  readonly ports: SourcePlace['ports'];
}

/**
 * The Slurm that is built. For a release as `data/` has it nothing is asked; what else there is comes to this
 * machine now, since nobody knows otherwise which version it is.
 * @throws InputError, SourceError, ChecksumError
 */
export async function resolveSource(
  { slurmVersion: wanted, slurmSha256, source }: BuildOptions,
  patches: readonly Patch[],
  { project, cwd, workRoot, ports }: SourceRequest,
): Promise<ResolvedSource> {
  const official = project.pins.slurm.git;
  if (wanted.kind === 'release' && source === undefined) {
    const { release } = wanted;
    return patches.length === 0
      ? { release, addition: undefined }
      : withSource(release, fromRelease(release, official), patches, {
          url: `${official.replace(/\.git$/, '')}/archive/${release.tag}.tar.gz`,
          sha256: release.archiveSha256,
        });
  }
  const place = { folder: join(workRoot, 'clones'), ports };
  if (wanted.kind === 'archive') {
    const sum = slurmSha256 ?? '';
    const brought = await bringArchive({ place: wanted.place, sha256: sum, cwd }, place);
    const archive = isAddress(wanted.place) ? { archive: wanted.place } : {};
    const { file } = brought;
    refuseOlder(project.releases, brought.version);
    return withSource(brought, { ...archive, sha256: sum }, patches, { file, sha256: sum });
  }
  const address = source === undefined ? official : repositoryPlace(source, cwd);
  const named = isAddress(address) ? { repository: address } : {};
  if (wanted.kind === 'commit') {
    const { commit } = wanted;
    const brought = await bringCommit({ repository: address, commit, name: commit }, place);
    refuseOlder(project.releases, brought.version);
    return withSource(brought, { ...named, commit }, patches, brought);
  }
  const version = wanted.kind === 'release' ? wanted.release.version : wanted.version;
  const tagged = await askTag(address, version, ports.process).catch((error: unknown) => {
    if (!(error instanceof SourceError) || wanted.kind !== 'unlisted') throw error;
    throw new SourceError(`${wanted.otherwise} ${error.message}`, error.hint);
  });
  if (tagged === undefined) {
    const missing = `${address} has no tag of Slurm ${version}.`;
    const message = wanted.kind === 'unlisted' ? `${wanted.otherwise} ${missing}` : missing;
    throw new InputError([{ input: 'slurm-version', message }]);
  }
  const { tag, commit } = tagged;
  const brought = await bringCommit({ repository: address, commit, name: tag }, place);
  if (brought.version !== version) {
    throw new SourceError(
      `${address}: what the tag ${tag} names is Slurm ${brought.version}, not ${version}.`,
      'Name the commit that you mean as slurm-version.',
    );
  }
  return withSource(brought, { ...named, tag, commit }, patches, brought);
}

const fromRelease = ({ tag, commit, archiveSha256 }: Release, repository: string) => ({
  ...{ repository, tag, commit },
  sha256: archiveSha256,
});

function refuseOlder(releases: readonly Release[], version: string): void {
  const message = olderThanAll(releases, version);
  if (message !== undefined) throw new InputError([{ input: 'slurm-version', message }]);
}

function withSource(
  facts: Pick<CustomRelease, 'version' | 'date' | 'early'>,
  source: Omit<CustomSource, 'patches'>,
  patches: readonly Patch[],
  archive: ArchivePlace & { readonly sha256: string },
): ResolvedSource {
  const named = patches.map((patch) => ({ name: patch.name, sha256: patch.sha256 }));
  const release = customRelease(facts, { ...source, patches: named });
  const where = 'file' in archive ? { file: archive.file } : { url: archive.url };
  return { release, addition: { version: release.spack, sha256: archive.sha256, ...where, patches } };
}

/** Folder of Slurm's recipe below that of our recipes. */
const recipe = join('spack_repo', 'slurm_factory', 'packages', 'slurm');

/**
 * Makes a build's own copy of our recipes. Containers only read it.
 * @param from our recipes
 * @param to new folder
 */
export async function copyRecipes(from: string, to: string): Promise<void> {
  const filter = (path: string) => basename(path) !== '__pycache__';
  // A link would lead what is written into the copy to the original.
  await cp(from, to, { recursive: true, filter, dereference: true });
}

/**
 * Tells a copy of our recipes of a source of Slurm's own: `source.json` beside `package.py`, the patches, and the
 * archive where that is on this machine.
 */
export async function addSource(to: string, addition: RecipeAddition): Promise<void> {
  const folder = join(to, recipe);
  const { version, sha256, patches } = addition;
  const where =
    'url' in addition ? { url: addition.url } : { archive: `source${archiveEnd(addition.file) ?? ''}` };
  if ('file' in addition && where.archive !== undefined) {
    const { file } = addition;
    await copyPlain(dirname(file), basename(file), join(folder, where.archive), { mode: 0o644 });
  }
  const names: string[] = [];
  for (const [index, { name, bytes }] of patches.entries()) {
    const path = `patches/${String(index + 1).padStart(3, '0')}-${name}`;
    await mkdir(join(folder, 'patches'), { recursive: true });
    await writeFile(join(folder, path), bytes, { mode: 0o644 });
    names.push(path);
  }
  const text = JSON.stringify({ version, sha256, ...where, patches: names }, undefined, 2);
  await writeFile(join(folder, 'source.json'), `${text}\n`);
}
