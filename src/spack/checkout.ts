import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { SpackUnreachableError } from '../base/errors.js';
import { exists } from '../base/files.js';
import type { ProcessRunner } from '../base/ports.js';
import { lastLine } from '../base/text.js';

/** One upstream repository at one commit. */
export interface Pin {
  readonly name: 'spack' | 'packages';
  readonly url: string;
  readonly commit: string;
  /** Bare repository on this machine that has the commit, in place of the address. */
  readonly mirror?: string;
}

// A wrong address must fail, not ask for a password.
export const git = ['git', '-c', 'core.askPass=true', '-c', 'credential.helper='] as const;

/**
 * Resolves a ref to a commit; a full commit needs no network.
 * @throws SpackUnreachableError when the repository can't be asked or has no such ref
 */
export async function resolveCommit(url: string, ref: string, process: ProcessRunner): Promise<string> {
  if (/^[0-9a-f]{40}$/.test(ref)) return ref;
  const patterns = [`refs/tags/${ref}^{}`, `refs/tags/${ref}`, `refs/heads/${ref}`];
  const listed = await process.run([...git, 'ls-remote', '--', url, ...patterns]);
  if (listed.exitCode !== 0) throw unreachable(url, listed.stderr);
  const lines = listed.stdout.trim().split('\n');
  const commits = new Map(lines.map((line) => line.split('\t').reverse() as [string, string]));
  const commit = patterns.map((pattern) => commits.get(pattern)).find((found) => found !== undefined);
  if (commit === undefined) {
    throw new SpackUnreachableError(
      `${url} has no tag or branch '${ref}'.`,
      'Name a full commit, a tag or a branch.',
    );
  }
  return commit;
}

/** Where a checkout came from. */
export type CheckoutSource = 'here already' | 'fetched';

/**
 * Brings a repository's files at a commit to a folder: whole or not at all, and without the repository.
 * @param scratch folder of this build alone, on the same file system
 * @throws SpackUnreachableError
 */
export async function checkOut(
  pin: Pick<Pin, 'url' | 'commit'>,
  folder: string,
  scratch: string,
  process: ProcessRunner,
): Promise<CheckoutSource> {
  if (await exists(folder)) return 'here already';
  const partial = join(scratch, basename(folder));
  const bare = `${partial}.git`;
  try {
    await mkdir(partial, { recursive: true });
    await mkdir(dirname(folder), { recursive: true });
    for (const command of checkoutCommands(pin, bare, partial)) {
      const result = await process.run(command);
      if (result.exitCode !== 0) throw unreachable(pin.url, result.stderr);
    }
    await put(partial, folder);
    return 'fetched';
  } finally {
    await rm(partial, { recursive: true, force: true });
    await rm(bare, { recursive: true, force: true });
  }
}

/**
 * The commands that bring a commit to a folder, which must be there, by way of a bare repository.
 * @param fetched what to check out of what came; of a tag or a branch that is FETCH_HEAD
 */
export function checkoutCommands(
  { url, commit, mirror }: Pick<Pin, 'url' | 'commit' | 'mirror'>,
  bare: string,
  folder: string,
  fetched = commit,
): [string, ...string[]][] {
  const run = (...words: string[]): [string, ...string[]] => [
    ...git,
    ...['--git-dir', bare, '--work-tree', folder, ...words],
  ];
  return [
    run('init', '--quiet'),
    run(...fetchWords({ url, mirror }, commit)),
    run('checkout', '--quiet', '--force', '--detach', fetched),
  ];
}

/**
 * Git's words that fetch a pin's commit, and nothing before it.
 * @param refspec what of it goes where
 */
export const fetchWords = (
  { url, mirror }: { readonly url: string; readonly mirror?: string | undefined },
  refspec: string,
): string[] => [
  ...['fetch', '--quiet', '--depth', '1', '--no-tags'],
  // A mirror may be another user's; what comes out of it is what the commit's hash says.
  ...(mirror === undefined
    ? ['--', url]
    : ['--upload-pack=git -c safe.directory=* upload-pack', '--', pathToFileURL(mirror).href]),
  refspec,
];

/** Moves something to its place. Another build on this machine may have been faster; what is there has the same content. */
export async function put(from: string, to: string): Promise<void> {
  await rename(from, to).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
  });
}

function unreachable(url: string, stderr: string): SpackUnreachableError {
  return new SpackUnreachableError(
    `${url} can't be reached: ${lastLine(stderr)}`,
    'Check the network and the proxy settings, or the inputs spack-ref, packages-ref and repos.',
  );
}
