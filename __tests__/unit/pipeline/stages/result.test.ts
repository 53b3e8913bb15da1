import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { PackagingError } from '../../../../src/base/errors.js';
import { CacheEntries } from '../../../../src/cache/entries.js';
import { resultKey } from '../../../../src/cache/keys.js';
import { checkOwnResult, makeResultFolder, restoreResult } from '../../../../src/pipeline/stages/result.js';
import { writeResult } from '../../../support/bundle.js';
import { memoryCache, temporaryFolder, writeFiles } from '../../../support/fakes.js';
import { stageBench } from '../../../support/stage.js';

const target = 'slurm-24.11.6-bookworm-amd64';

const nothingNewer = { outdated: async () => [] };

/** A plan and a cache; `store` puts a result into the cache under the plan's key. */
async function bench() {
  const made = await stageBench();
  const { plan, request, logger } = made;
  const entries = new CacheEntries(memoryCache(), plan.policy, logger, request.transfer);
  const store = async (odd: Parameters<typeof writeResult>[2]) => {
    const folder = await temporaryFolder();
    await writeResult(folder, target, odd);
    await entries.save(resultKey(plan.identifier, plan.contentKey), folder);
  };
  return { ...made, entries, store };
}

describe('makeResultFolder', () => {
  test('is empty, and for this user alone', async () => {
    const { plan } = await stageBench();
    await writeFiles(join(plan.buildFolder, 'result'), { 'left/over': 'of an earlier attempt' });
    const folder = await makeResultFolder(plan);
    expect(await readdir(folder)).toEqual([]);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
  });

  test('is not among the folders that a container gets', async () => {
    const { plan } = await stageBench();
    const folder = await makeResultFolder(plan);
    for (const mounted of Object.values(plan.hostLayout)) expect(`${folder}/`).not.toContain(`${mounted}/`);
  });
});

describe('restoreResult', () => {
  test('a miss is told and leaves nothing', async () => {
    const { plan, entries, logger } = await bench();
    expect(await restoreResult(plan, entries, nothingNewer, logger)).toBeUndefined();
    expect(logger.of('info')).toContain('The result cache has nothing for this content key.');
    expect(logger.of('warning')).toEqual([]);
  });

  test('a whole result of this target and content key is a hit', async () => {
    const { plan, entries, logger, store } = await bench();
    await store({ contentKey: plan.contentKey, smoke: true });
    const result = await restoreResult(plan, entries, nothingNewer, logger);
    expect(result?.folder).toBe(join(plan.buildFolder, 'result'));
    expect(result?.runtimePackages).toEqual(['libc6', 'libmunge2']);
    expect(result?.described.map(({ name }) => name).sort()).toEqual(
      (await readdir(result?.folder ?? '')).sort(),
    );
  });

  test.each<[string, object, RegExp]>([
    ['of another content key', { contentKey: 'e'.repeat(64), smoke: true }, /has another content key/],
    ['that was not tested', { smoke: false }, /has no report of a smoke test/],
    [
      'with the software of another target',
      { smoke: true, top: 'slurm-1.2.3-x-amd64' },
      /does not unpack into/,
    ],
  ])('a result %s is a warning and a miss', async (_, odd, reason) => {
    const { plan, entries, logger, store } = await bench();
    await store({ contentKey: plan.contentKey, ...odd });
    expect(await restoreResult(plan, entries, nothingNewer, logger)).toBeUndefined();
    expect(logger.of('warning').join('\n')).toMatch(reason);
  });
});

test('checkOwnResult refuses a file that does not belong to the target', async () => {
  const { plan } = await stageBench();
  const folder = await makeResultFolder(plan);
  await writeResult(folder, target, { contentKey: plan.contentKey, smoke: true });
  expect((await checkOwnResult(plan)).described).not.toEqual([]);
  await writeFiles(folder, { [`${target}-evil.tar.gz`]: 'bytes' });
  await expect(checkOwnResult(plan)).rejects.toThrow(PackagingError);
});
