import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { inScope, resultKey } from '../../../src/cache/keys.js';
import { listBuilt } from '../../../src/local/built.js';
import { writeResult } from '../../support/bundle.js';
import { temporaryFolder, writeFiles } from '../../support/fakes.js';

const [first, second] = ['slurm-24.11.6-bookworm-amd64', 'slurm-24.11.6-bookworm-amd64-cuda'] as const;

test('lists what lies in output folders and in the cache, by its manifest', async () => {
  const root = await temporaryFolder();
  const [out, spackCache] = [join(root, 'out'), join(root, 'entries')];
  const entry = join(spackCache, inScope(resultKey(first, 'a'.repeat(64)), 'open'));
  await writeResult(out, second);
  const manifest = await writeResult(out, first);
  await writeResult(entry, first);
  await writeFiles(spackCache, {
    'notes/x': '',
    'slurm-factory-v4-open-lock-bookworm-amd64-x/spack.lock': '',
  });
  const found = await listBuilt({ outputDirs: [out, out, join(root, 'none')], spackCache });
  expect(found.map(({ identifier, folder, cached }) => [identifier, folder, cached])).toEqual([
    [first, entry, true],
    [first, out, false],
    [second, out, false],
  ]);
  expect(found[1]).toMatchObject({
    manifest: { slurmVersion: '24.11.6', gpu: 'none' },
    files: { software: join(out, `${first}-software.tar.gz`), modules: join(out, `${first}-modules.tar.gz`) },
  });
  expect(found[1]?.bytes).toBeGreaterThan(manifest.files.reduce((sum, { size }) => sum + size, 0));
  expect(Math.abs(Date.now() - (found[1]?.built.getTime() ?? 0))).toBeLessThan(60_000);
});

test('a target without a whole manifest is none', async () => {
  const out = await temporaryFolder();
  await writeResult(out, first);
  await writeResult(out, second, { manifest: { target: first } });
  await writeFiles(out, { 'notes-SHA256SUMS': '' });
  expect((await listBuilt({ outputDirs: [out] })).map(({ identifier }) => identifier)).toEqual([first]);
  await rm(join(out, `${first}-manifest.json`));
  expect(await listBuilt({ outputDirs: [out] })).toEqual([]);
});
