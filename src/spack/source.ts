import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { createGunzip } from 'node:zlib';
import { ChecksumError, InputError, SourceError } from '../base/errors.js';
import { exists } from '../base/files.js';
import type { Ports, ProcessRunner, RunResult } from '../base/ports.js';
import { copyPlain, PlainFileError, sha256Plain } from '../base/safe.js';
import { findMember } from '../base/tar.js';
import { lastLine, visible } from '../base/text.js';
import {
  anyTagStart,
  archiveEnd,
  isAddress,
  newestTag,
  readMeta,
  type Tagged,
  taggedReleases,
  tagStart,
} from '../targets/source.js';
import { git, put } from './checkout.js';

/*
 * Brings Slurm's source, where that is not a release as `data/` has it, to a folder of this machine, as an
 * archive. Of a commit it is the one that `git archive` makes: the bytes that GitHub serves, in which all files
 * have one time, so that no makefile takes a generated file for an old one, as after a checkout.
 */

/** Bytes of an archive, packed and unpacked; Slurm's have 8 and 80 million. */
const mostPacked = 1 << 28;
const mostUnpacked = 1 << 30;
/** Bytes of META; Slurm's has a thousand. */
const mostMeta = 1 << 16;

/** An archive on this machine, and what it says of itself. */
export interface BroughtArchive {
  /** Absolute path. */
  readonly file: string;
  readonly sha256: string;
  readonly version: string;
  readonly early: boolean;
  /** Day that its META is of: of a commit, the commit's. */
  readonly date: string;
}

/** Where archives are kept and made: a folder that only this user can write. */
export interface SourcePlace {
  readonly folder: string;
  readonly ports: Pick<Ports, 'process' | 'web' | 'signal'>;
}

/**
 * Asks a repository for the newest tag of a release.
 * @param repository address or absolute path
 * @returns undefined where it has none
 * @throws SourceError when it can't be asked
 */
export async function askTag(
  repository: string,
  version: string,
  process: ProcessRunner,
): Promise<Tagged | undefined> {
  return newestTag(await listTags(repository, tagStart(version), process), version);
}

/**
 * Asks a repository which releases it has tags of.
 * @param repository address or absolute path
 * @throws SourceError when it can't be asked
 */
export const askReleases = async (repository: string, process: ProcessRunner): Promise<string[]> =>
  taggedReleases(await listTags(repository, anyTagStart, process));

async function listTags(repository: string, start: string, process: ProcessRunner): Promise<string> {
  const listed = await process.run([...git, 'ls-remote', '--', repository, `refs/tags/${start}*`]);
  if (listed.exitCode !== 0) throw unreachable(repository, listed);
  return listed.stdout;
}

/**
 * Brings a commit, and nothing before it.
 * @param repository address or absolute path
 * @param name of the tag or the commit, which the archive's folder is called after as GitHub does
 * @throws SourceError
 */
export async function bringCommit(
  { repository, commit, name }: { repository: string; commit: string; name: string },
  { folder, ports: { process } }: SourcePlace,
): Promise<BroughtArchive> {
  const file = join(folder, `${name}-${commit}.tar.gz`);
  return withScratch(folder, async (scratch) => {
    if (!(await exists(file))) {
      const [bare, partial] = [join(scratch, 'source.git'), join(scratch, basename(file))];
      const run = async (...words: string[]) => {
        const result = await process.run([...git, '--git-dir', bare, ...words]);
        if (result.exitCode !== 0) throw unreachable(repository, result);
      };
      await run('init', '--quiet');
      await run('fetch', '--quiet', '--depth', '1', '--no-tags', '--', repository, commit);
      await run(...ownSettings, 'archive', ...[`--prefix=slurm-${name}/`, `--output=${partial}`, commit]);
      await put(partial, file);
    }
    return { file, ...(await describeArchive(file, scratch, `commit ${commit}`, process)) };
  });
}

// What a user may have set of these changes the bytes.
const ownSettings = [
  'tar.tar.gz.command=gzip -cn',
  'tar.umask=0002',
  'core.attributesFile=/dev/null',
  'core.autocrlf=false',
  'core.eol=lf',
].flatMap((setting) => ['-c', setting]);

/**
 * Brings an archive and makes sure that it is the one that was meant.
 * @param place address, or path that starts at `cwd`
 * @throws ChecksumError, SourceError; InputError for a file that can't be read
 */
export async function bringArchive(
  { place, sha256, cwd }: { place: string; sha256: string; cwd: string },
  { folder, ports }: SourcePlace,
): Promise<BroughtArchive> {
  const file = join(folder, `slurm-${sha256}${archiveEnd(place) ?? ''}`);
  return withScratch(folder, async (scratch) => {
    if (!(await exists(file))) {
      const partial = join(scratch, basename(file));
      if (isAddress(place)) await download(place, partial, ports);
      else await copy(resolve(cwd, place), partial);
      const actual = await sha256Plain(scratch, basename(partial), mostPacked);
      if (actual.sha256 !== sha256) {
        throw new ChecksumError(
          `${place} has the sha256 ${actual.sha256}, not the ${sha256} of slurm-sha256.`,
          'Check where the archive is from and what its sum is said to be there; nothing of it was used.',
        );
      }
      await put(partial, file);
    }
    return { file, ...(await describeArchive(file, scratch, place, ports.process)) };
  });
}

async function download(address: string, to: string, { web, signal }: SourcePlace['ports']): Promise<void> {
  const limit = { bytes: mostPacked, milliseconds: 600_000 };
  const archive = await web.get(address, limit, signal).catch((error: unknown) => {
    signal.throwIfAborted();
    throw unreachable(address, { stderr: error instanceof Error ? error.message : String(error) });
  });
  await writeFile(to, archive, { flag: 'wx' });
}

async function copy(path: string, to: string): Promise<void> {
  await copyPlain(dirname(path), basename(path), to, { limit: mostPacked }).catch((error: unknown) => {
    if (!(error instanceof PlainFileError)) throw error;
    throw new InputError([{ input: 'slurm-version', message: error.message }]);
  });
}

/** Reads what an archive is from its META. */
async function describeArchive(
  file: string,
  scratch: string,
  what: string,
  process: ProcessRunner,
): Promise<Omit<BroughtArchive, 'file'>> {
  const { sha256 } = await sha256Plain(dirname(file), basename(file), mostPacked);
  const pieces = await unpacked(file, join(scratch, 'unpacked'), process);
  const limits = { archive: mostUnpacked, member: mostMeta };
  const isMeta = ({ path, file }: { path: string; file: boolean }) =>
    file && /^(?:\.\/)?[^/]+\/META$/.test(path);
  const found = await findMember(pieces, isMeta, limits).catch(() => undefined);
  const meta = found && readMeta(found.body.toString('utf8'));
  if (found === undefined || meta === undefined) {
    throw new SourceError(
      `${what} is no source of Slurm: it has no META that says which version it is.`,
      'Name a commit or an archive of Slurm, with its files in one folder.',
    );
  }
  return { sha256, ...meta, date: dayOf(found.member.mtime) };
}

/** `2026-08-13`; what is no time of this century and the one before it is 1970's first day. */
const dayOf = (mtime: number): string =>
  new Date((mtime > 0 && mtime < 2 ** 32 ? mtime : 0) * 1000).toISOString().slice(0, 10);

/** Programs that unpack, by how an archive of theirs begins. */
const programs = [
  { program: 'bzip2', magic: 'BZh' },
  { program: 'xz', magic: '\xfd7zXZ' },
] as const;

/** The bytes of a tar archive. */
async function unpacked(file: string, to: string, process: ProcessRunner): Promise<AsyncIterable<Buffer>> {
  const beginning = await firstBytes(file);
  const packer = programs.find(({ magic }) => beginning.startsWith(magic));
  if (packer === undefined) {
    const gunzip = createGunzip();
    // Whoever reads it learns of a fault.
    pipeline(createReadStream(file), gunzip, () => {});
    return gunzip;
  }
  // A small file may unpack to no end.
  const limit = ['prlimit', `--fsize=${mostUnpacked}`, '--'] as const;
  const command = [...limit, packer.program, '--decompress', '--stdout', file] as const;
  const done = await process.run(command, { stdoutFile: to });
  if (done.exitCode === 0) return createReadStream(to);
  throw new SourceError(
    `${basename(file)} can't be unpacked: ${visible(lastLine(done.stderr)) || `${packer.program} failed`}.`,
    `Check that the archive is whole and that ${packer.program} is installed.`,
  );
}

async function firstBytes(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(8), 0, 8, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await file.close();
  }
}

const day = 24 * 60 * 60_000;
const scratchStart = '.partial-';

/** A folder for what is on its way, gone behind the work; older ones of builds that were killed go too. */
async function withScratch<T>(folder: string, body: (scratch: string) => Promise<T>): Promise<T> {
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const old = async () => Date.now() - (await stat(path)).mtimeMs > day;
    if (name.startsWith(scratchStart) && (await old().catch(() => false))) {
      await rm(path, { recursive: true, force: true });
    }
  }
  const scratch = await mkdtemp(join(folder, scratchStart));
  try {
    return await body(scratch);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/**
 * A repository as git is given it: an address, or the absolute path of a folder.
 * @param cwd folder that a relative path starts from
 */
export function repositoryPlace(source: string, cwd: string): string {
  if (/^file:\/\//i.test(source)) return fileURLToPath(source);
  return isAddress(source) ? source : resolve(cwd, source);
}

const unreachable = (place: string, { stderr }: Pick<RunResult, 'stderr'>): SourceError =>
  new SourceError(
    `Slurm's source can't be had from ${place}: ${visible(lastLine(stderr)) || 'nothing was said'}`,
    'Check the network, the proxy settings, and the inputs slurm-version and source.',
  );
