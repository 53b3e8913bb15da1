import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { CliRun } from './cli.js';
import { docker } from './prepare.js';

/** What builds that were ended have left in a folder of the caches, and on the machine. */

/** Containers of ours, running or not. */
export const ownContainers = (): string =>
  docker('ps', '--all', '--quiet', '--filter', 'label=slurm-factory.owner').trim();

/** What a build must not leave behind: containers, mounts, build folders, halves of anything. */
export function expectNothingLeft(cache: string): void {
  expect(ownContainers()).toBe('');
  expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(`${cache}/`);
  const left = readdirSync(cache).filter(
    (name) => !['clones', 'entries', 'logs', 'timings.json'].includes(name),
  );
  expect(left.flatMap((name) => readdirSync(join(cache, name)).map((child) => `${name}/${child}`))).toEqual(
    [],
  );
  const entries = existsSync(join(cache, 'entries')) ? readdirSync(join(cache, 'entries')) : [];
  expect(entries.filter((name) => name.startsWith('.'))).toEqual([]);
  expect(readdirSync(join(cache, 'clones')).filter((name) => name.includes('partial'))).toEqual([]);
}

/** Names of the packages that are in a cache folder's entries. */
export const keptPackages = (cache: string): string[] =>
  !existsSync(join(cache, 'entries'))
    ? []
    : readdirSync(join(cache, 'entries')).flatMap((name) => /-p128-(.+)-[a-z0-9]{32}$/.exec(name)?.[1] ?? []);

/** Names of the packages that a run compiled, or began to. */
export const compiled = (run: CliRun): string[] => [
  ...new Set(
    [...run.stderr.matchAll(/^\[\d+\/\d+\] (\S+)@\S+: no binary available$/gm)].map((m) => m[1] ?? ''),
  ),
];

/** Names of the objects that a running build's compilers have made so far, once there are so many. */
export async function compiledObjects(cache: string, wanted: number): Promise<string[]> {
  const build = readdirSync(cache).find((name) => name.startsWith('build-')) ?? '';
  const folder = join(cache, build, 'user-cache', 'ccache');
  const made = () =>
    existsSync(folder)
      ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('R'))
      : [];
  while (made().length < wanted) await new Promise((passed) => setTimeout(passed, 200));
  return made();
}

/** Names of the objects in the one entry of ccache's. */
export function keptObjects(cache: string): string[] {
  const keys = readdirSync(join(cache, 'entries')).filter((name) => name.includes('-ccache-'));
  expect(keys).toHaveLength(1);
  const archive = join(cache, 'entries', keys[0] ?? '', 'ccache.tar');
  return execFileSync('tar', ['--list', '--file', archive], { encoding: 'utf8' }).split('\n');
}
