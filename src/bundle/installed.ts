import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { InputError, PackagingError } from '../base/errors.js';
import type { ProcessRunner } from '../base/ports.js';
import { PlainFileError, readPlain, sha256Plain } from '../base/safe.js';
import { visible } from '../base/text.js';
import { listEntries, type WalkedEntry } from '../base/walk.js';
import { relocationDone } from '../targets/relocation.js';
import { fileName } from './catalogue.js';
import { reasonOf } from './contents.js';
import type { InstalledEntry } from './modules.js';
import { Problems } from './problems.js';
import { type Relocated, readRelocated } from './relocated.js';
import { type VerifyOptions, verifyFolder } from './verify.js';

/** What a tree is compared with. */
export interface VerifyInstalledOptions extends VerifyOptions {
  /** Folder with the target's files, which are verified first; without it the tree's own record counts. */
  readonly folder?: string | undefined;
}

/** A tree that is as it was installed. */
export interface InstalledReport {
  readonly prefix: string;
  readonly target: string;
  /** Whether the target's files said what belongs there, or the record in the tree itself. */
  readonly against: 'files' | 'record';
  readonly entries: number;
  /** Module files and units outside of the tree. */
  readonly outside: number;
  /** What is not a problem, but good to know. */
  readonly notes: readonly string[];
}

/** What the installer writes into a tree. */
export const recordName = '.slurm-factory-install';

/** Bytes that a record and an installer may have; they have a hundred for each file. */
const mostBytes = 64 << 20;

/** What `install.sh` has noted of a tree. */
interface TreeRecord {
  readonly target: string;
  readonly entries: readonly InstalledEntry[];
  /** Files outside of the tree, by their sums. */
  readonly files: readonly { readonly path: string; readonly sha256: string }[];
}

/**
 * Compares an installed or unpacked tree, entry by entry, with what the software tarball holds. Needs no network,
 * changes nothing, and follows no link below the tree.
 * @throws PackagingError with what is missing, changed or added, 20 lines at most; InputError
 */
export async function verifyInstalled(
  prefix: string,
  options: VerifyInstalledOptions,
  process: ProcessRunner,
): Promise<InstalledReport> {
  const whole = await realpath(prefix).catch(() => {
    throw new InputError([{ input: 'installed', message: `there is no folder '${visible(prefix)}'.` }]);
  });
  const record = await readRecord(whole);
  const { folder } = options;
  const against =
    folder === undefined ? ofRecord(whole, record) : await ofFiles(whole, folder, record, options, process);
  const problems = new Problems();
  const notes = [...against.notes];
  const found = await listEntries(whole).catch((error: unknown) => {
    throw error instanceof PlainFileError
      ? new PackagingError(error.message, 'Name the folder of the tree.')
      : error;
  });
  const own = await compareTree(whole, against.entries, found, problems);
  if (own > 0)
    notes.push(`${own} files in etc and .debug folders are the site's own, or of the debug tarball.`);
  for (const { path, sha256 } of record?.files ?? []) {
    const problem = await fileProblem(dirname(path), basename(path), sha256);
    if (problem !== undefined) problems.add(`${path}: ${problem}`);
  }
  if (!problems.none) {
    throw new PackagingError(
      `${whole} is not ${against.target} as it was installed:\n${problems.text}`,
      'Look who has changed it; then uninstall it, and install it again from files that verify.',
    );
  }
  return {
    ...{ prefix: whole, target: against.target, against: folder === undefined ? 'record' : 'files' },
    ...{ entries: against.entries.length, outside: record?.files.length ?? 0, notes },
  };
}

/** What belongs into a tree. */
interface Wanted {
  readonly target: string;
  readonly entries: readonly InstalledEntry[];
  readonly notes: readonly string[];
}

function ofRecord(prefix: string, record: TreeRecord | undefined): Wanted {
  if (record === undefined) {
    const message = `${prefix} has no ${recordName}: its installer did not put it there. Name the folder with the target's files too.`;
    throw new InputError([{ input: 'installed', message }]);
  }
  const note = `What was installed is told by ${recordName} in the tree itself, which whoever changed the tree could change too. Name the folder with the target's files to go by those.`;
  return { ...record, notes: [note] };
}

async function ofFiles(
  prefix: string,
  folder: string,
  record: TreeRecord | undefined,
  options: VerifyOptions,
  process: ProcessRunner,
): Promise<Wanted> {
  const report = await verifyFolder(folder, options, process);
  const targets = report.targets.map(({ identifier }) => identifier);
  const named = [record?.target, basename(prefix)].find(
    (name) => name !== undefined && targets.includes(name),
  );
  const target = record === undefined && targets.length === 1 ? targets[0] : named;
  if (target === undefined) {
    const is = record === undefined ? '' : ` It is of ${record.target}.`;
    const message = `which target is it?${is} ${folder} has: ${targets.join(', ')}.`;
    throw new InputError([{ input: 'installed', message }]);
  }
  // Its sum was just verified: it has the list that it compares with what it unpacks.
  const installer = await readPlain(folder, fileName(target, 'installer'), mostBytes);
  const list = /^contents='((?:[^']|'\\'')*)'$/m
    .exec(installer.toString('utf8'))?.[1]
    ?.replaceAll("'\\''", "'");
  const entries = list?.split('\n').map(entryOf) ?? [];
  if (entries.length === 0 || entries.includes(undefined)) {
    throw new PackagingError(
      `${fileName(target, 'installer')} has no list of what it installs.`,
      'Its files are of an older version; leave the folder out to go by the record in the tree.',
    );
  }
  return { target, entries: entries.filter((entry) => entry !== undefined), notes: report.notes };
}

/** An entry of the installer's list: type, mode, sum or target, and path; undefined for any other line. */
function entryOf(line: string): InstalledEntry | undefined {
  const [, word, mode = '', value = '', path = ''] =
    /^(file|folder|link)\t([0-7]{1,4})\t([^\t]+)\t([^\t\0]+)$/.exec(line) ?? [];
  if (word === undefined || path.startsWith('/') || path.split('/').includes('..')) return undefined;
  return {
    ...{
      path,
      mode: Number.parseInt(mode, 8),
      type: word === 'link' ? 'symlink' : (word as 'file' | 'folder'),
    },
    ...{ sha256: word === 'file' ? value : null, target: word === 'link' ? value : null },
  };
}

/** @returns undefined where the tree has none */
async function readRecord(prefix: string): Promise<TreeRecord | undefined> {
  const text = await readPlain(prefix, recordName, mostBytes).catch((error: unknown) => {
    if (error instanceof PlainFileError && error.missing) return undefined;
    throw new PackagingError(`${join(prefix, recordName)}: ${reasonOf(error)}.`, 'Install the tree again.');
  });
  if (text === undefined) return undefined;
  const lines = text.toString('utf8').split('\n');
  const entries = lines.filter((line) => line.startsWith('entry ')).map((line) => entryOf(line.slice(6)));
  const files = lines.flatMap((line) => {
    const [, sha256, path] = /^file ([0-9a-f]{64}) (\/\S+)$/.exec(line) ?? [];
    return sha256 === undefined || path === undefined ? [] : [{ path, sha256 }];
  });
  const target = lines.find((line) => line.startsWith('target '))?.slice(7) ?? '';
  if (target === '' || entries.length === 0 || entries.includes(undefined)) {
    throw new PackagingError(
      `${join(prefix, recordName)} is damaged, or was written by another version.`,
      "Name the folder with the target's files too.",
    );
  }
  return { target, files, entries: entries.filter((entry) => entry !== undefined) };
}

/** Where a site puts files of its own: examples lie beside configuration, debug files beside programs. */
const isSites = (path: string): boolean => path.startsWith('etc/') || /(?:^|\/)\.debug(?:\/|$)/.test(path);

/** @returns how many files were added where a site puts its own */
async function compareTree(
  prefix: string,
  wanted: readonly InstalledEntry[],
  found: readonly WalkedEntry[],
  problems: Problems,
): Promise<number> {
  const there = new Map(found.map((entry) => [entry.path, entry]));
  const relocated = await readRelocated(prefix);
  if (relocated?.problem !== undefined) problems.add(`${relocationDone}: ${relocated.problem}`);
  for (const entry of wanted) {
    const actual = there.get(entry.path);
    const problem =
      actual === undefined ? 'is missing' : await entryProblem(prefix, entry, actual, relocated);
    if (problem !== undefined) problems.add(`${entry.path}: ${problem}`);
  }
  const ours = relocated === undefined ? [recordName] : [recordName, relocationDone];
  const known = new Set([...ours, ...wanted.map(({ path }) => path)]);
  const added = found.filter(({ path }) => !known.has(path));
  // Of a folder that was added, its name is enough.
  const folders = new Set(added.filter(({ type }) => type === 'folder').map(({ path }) => path));
  const own = added.filter(({ path }) => isSites(path));
  for (const { path } of added) {
    if (!isSites(path) && !folders.has(dirname(path))) problems.add(`${path}: was added`);
  }
  return own.length;
}

async function entryProblem(
  prefix: string,
  wanted: InstalledEntry,
  actual: WalkedEntry,
  relocated: Relocated | undefined,
): Promise<string | undefined> {
  if (wanted.type !== actual.type) return `is a ${actual.type}, not a ${wanted.type}`;
  if (wanted.type === 'symlink') {
    return actual.target === wanted.target
      ? undefined
      : `points to ${actual.target}, not to ${wanted.target}`;
  }
  const changed =
    wanted.type === 'file' ? await fileProblem(prefix, wanted.path, wanted.sha256 ?? '') : undefined;
  const original = changed === undefined ? undefined : await relocated?.originalSum(wanted.path);
  if (changed !== undefined && original !== wanted.sha256) return changed;
  // A folder may have got the setgid bit of the one above it.
  const mode = wanted.type === 'folder' ? actual.mode & 0o777 : actual.mode;
  return mode === wanted.mode ? undefined : `has mode ${mode.toString(8)}, not ${wanted.mode.toString(8)}`;
}

async function fileProblem(folder: string, name: string, sha256: string): Promise<string | undefined> {
  return sha256Plain(folder, name).then(
    (actual) => (actual.sha256 === sha256 ? undefined : 'was changed'),
    (error: unknown) => reasonOf(error),
  );
}

/** Lines that tell of a tree. */
export function formatInstalledReport({
  prefix,
  target,
  entries,
  outside,
  notes,
}: InstalledReport): string[] {
  const more = outside === 0 ? '' : `, and ${outside} module files and units outside of it`;
  return [
    `${prefix}  is ${target}: ${entries} files, folders and links are as they were installed${more}`,
    ...notes.map((note) => `note: ${note}`),
  ];
}
