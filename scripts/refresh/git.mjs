// What the refresh scripts ask of git repositories. Every function that asks takes the one that runs git.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Runs git and gives the bytes of its output. */
export function runGit(...args) {
  return execFileSync('git', ['-c', 'core.askPass=true', '-c', 'credential.helper=', ...args], {
    maxBuffer: 2 ** 30,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/**
 * The commit that each tag names, of what `git ls-remote` says.
 * @param {string} listed a commit, a tab and a ref a line; `^{}` behind what a tag names
 * @returns {Map<string, string>}
 */
export function tagsIn(listed) {
  const found = [...listed.matchAll(/^([0-9a-f]{40})\trefs\/tags\/([^\s^]+)(\^\{\})?$/gm)];
  // What a tag names comes behind the tag itself.
  return new Map(found.map(([, commit, tag]) => [tag, commit]));
}

export const askTags = (repository, pattern, git = runGit) =>
  tagsIn(git('ls-remote', '--', repository, `refs/tags/${pattern}`).toString());

/**
 * Gives what is asked of some commits of a repository, fetched without what was before them.
 * @template T
 * @param {(clone: {date(commit: string): string, archiveSum(commit: string, folder: string): string}) => T} body
 * @returns {T}
 */
export function withCommits(repository, commits, body, git = runGit) {
  const folder = mkdtempSync(join(tmpdir(), 'slurm-factory-refresh-'));
  const inside = (...args) => git('--git-dir', folder, ...args);
  try {
    inside('init', '--quiet', '--bare');
    inside('fetch', '--quiet', '--depth', '1', '--no-tags', '--', repository, ...commits);
    return body({
      date: (commit) => inside('log', '-1', '--format=%cs', commit).toString().trim(),
      // Byte for byte what GitHub serves for a tag.
      archiveSum: (commit, prefix) => {
        const settings = [
          'tar.tar.gz.command=gzip -cn',
          'tar.umask=0002',
          'core.autocrlf=false',
          'core.eol=lf',
        ];
        const tar = inside(
          ...settings.flatMap((setting) => ['-c', setting]),
          ...['archive', '--format=tar.gz', `--prefix=${prefix}/`, commit],
        );
        return createHash('sha256').update(tar).digest('hex');
      },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Orders texts of numbers with anything between, as versions are. */
export function byNumbers(a, b) {
  const [left, right] = [a, b].map((text) => (text.match(/\d+/g) ?? []).map(Number));
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
