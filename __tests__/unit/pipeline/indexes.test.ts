import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { CacheEntries } from '../../../src/cache/entries.js';
import { layoutBelow } from '../../../src/container/layout.js';
import type { Session } from '../../../src/container/session.js';
import { arrivedIndexes, Indexes } from '../../../src/pipeline/indexes.js';
import type { Recorder } from '../../../src/pipeline/record.js';
import type { ResolvedBuild } from '../../../src/pipeline/resolve.js';
import { readFiles, temporaryFolder } from '../../support/fakes.js';

const commits = { spack: 'a'.repeat(40), packages: 'b'.repeat(40) };
const files = { 'patches/builtin.json': '{}', 'tags/builtin.json': '[]' };

/** Brings indexes, and says what was asked of the cache and done in the session. */
async function bring(shipped: typeof commits) {
  const hostLayout = layoutBelow(await temporaryFolder());
  const build = {
    ...{ hostLayout, overlayDigest: 'o', toolchain: { id: 'bookworm' }, target: { arch: 'amd64' } },
    pins: { spack: { commit: commits.spack }, packages: { commit: commits.packages } },
  } as unknown as ResolvedBuild;
  const asked: string[] = [];
  const ask = async (key: string) => {
    asked.push(key);
    return false;
  };
  const entries = { restore: ask, restoreNear: ask } as unknown as CacheEntries;
  const ran: string[] = [];
  const exec = async (command: readonly string[]) => {
    ran.push(command.join(' '));
    return { exitCode: 0, stdout: '', stderr: '' };
  };
  const session = { exec, layout: layoutBelow('/inside') } as unknown as Session;
  const saved: unknown[] = [];
  const recorder = { putSave: (save: unknown) => void saved.push(save) } as unknown as Recorder;
  const indexes = new Indexes(build, entries, async () => ({ ...shipped, files }));
  const whole = await indexes.bring(session);
  await indexes.keep(session, recorder);
  const arrived = await readFiles(arrivedIndexes(hostLayout)).catch(() => ({}));
  return { whole, asked, ran, saved, arrived };
}

test('those of the pinned commits come with the project: no cache is asked, and nothing saved', async () => {
  const { whole, asked, ran, saved, arrived } = await bring(commits);
  expect({ whole, asked, saved, arrived }).toEqual({ whole: true, asked: [], saved: [], arrived: files });
  const from = arrivedIndexes(layoutBelow('/inside'));
  expect(ran).toEqual([`cp -R ${from}/. ${join(layoutBelow('/inside').userCache, 'misc')}`]);
});

test('for other commits the cache is asked', async () => {
  const { whole, asked, arrived } = await bring({ ...commits, packages: 'c'.repeat(40) });
  expect({ whole, arrived }).toEqual({ whole: false, arrived: {} });
  expect(asked).toHaveLength(2);
});
