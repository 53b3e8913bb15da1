// Moves `v1` and `v1.2` to a release, where it is the newest of those: `node scripts/move-tags.mjs v1.2.3`.
// Needs git with all tags, gh with a token that may write, and GITHUB_REPOSITORY.
import { execFileSync } from 'node:child_process';

const release = /^v(\d+)\.(\d+)\.(\d+)$/;

/**
 * The tags that follow a release, with the one they stay at where that is a newer one.
 * @param {string} tag `v1.2.3`
 * @param {readonly string[]} all tags of the repository
 * @returns {{tag: string, newest: string}[]} `v1` and `v1.2`; none for what is no plain release
 */
export function followers(tag, all) {
  const [, major, minor] = release.exec(tag) ?? [];
  if (major === undefined) return [];
  const releases = [...new Set([...all, tag])].filter((name) => release.test(name)).sort(byVersion);
  return [`v${major}`, `v${major}.${minor}`].map((follower) => ({
    tag: follower,
    newest: releases.findLast((name) => name.startsWith(`${follower}.`)),
  }));
}

const numbers = (tag) => release.exec(tag).slice(1).map(Number);

function byVersion(a, b) {
  const [left, right] = [numbers(a), numbers(b)];
  const at = left.findIndex((number, index) => number !== right[index]);
  return at === -1 ? 0 : left[at] - right[at];
}

function moveTag(tag, commit) {
  const git = `repos/${process.env.GITHUB_REPOSITORY}/git`;
  const gh = (...args) =>
    execFileSync('gh', ['api', '--silent', ...args], { stdio: ['ignore', 'inherit', 'pipe'] });
  const exists = execFileSync('git', ['tag', '--list', tag], { encoding: 'utf8' }).trim() !== '';
  if (exists)
    gh(
      '--method',
      'PATCH',
      `${git}/refs/tags/${tag}`,
      '--raw-field',
      `sha=${commit}`,
      '--field',
      'force=true',
    );
  else
    gh(
      '--method',
      'POST',
      `${git}/refs`,
      '--raw-field',
      `ref=refs/tags/${tag}`,
      '--raw-field',
      `sha=${commit}`,
    );
}

if (process.argv[1] === import.meta.filename) {
  const wanted = process.argv[2] ?? '';
  const git = (...args) => execFileSync('git', args, { encoding: 'utf8' });
  const commit = git('rev-parse', '--verify', `refs/tags/${wanted}^{commit}`).trim();
  for (const { tag, newest } of followers(wanted, git('tag', '--list').split('\n'))) {
    if (newest === wanted) moveTag(tag, commit);
    console.log(newest === wanted ? `${tag} is ${wanted} now.` : `${tag} stays at ${newest}.`);
  }
}
