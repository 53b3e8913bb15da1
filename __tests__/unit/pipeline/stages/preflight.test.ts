import { expect, test } from '@jest/globals';
import { DiskSpaceError } from '../../../../src/base/errors.js';
import { exists, freeBytes } from '../../../../src/base/files.js';
import { resolveBuild } from '../../../../src/pipeline/resolve.js';
import { preflight } from '../../../../src/pipeline/stages/preflight.js';
import { buildRequest } from '../../../support/build.js';
import { fakePorts, temporaryFolder } from '../../../support/fakes.js';
import { fakeMachine } from '../../../support/machine.js';

const gigabyte = 1e9;
const plan = async () => resolveBuild(await buildRequest(), fakePorts({ process: fakeMachine() }));

test('enough disk: the folders of the build and of the result are there', async () => {
  const made = await plan();
  await preflight(made, async () => 2 * gigabyte);
  expect(await exists(made.buildFolder)).toBe(true);
  expect(await exists(made.outputDir)).toBe(true);
});

test.each([
  ['buildFolder', /--cache-dir/],
  ['outputDir', /another output-dir\.$/],
] as const)('too little in %s is told before the build, with what to choose', async (name, hint) => {
  const made = await plan();
  const attempt = preflight(made, async (folder) => (folder === made[name] ? 0.5 : 100) * gigabyte);
  await expect(attempt).rejects.toThrow(DiskSpaceError);
  await expect(attempt).rejects.toThrow(`${made[name]} has 500.0 MB free; a build needs 2.0 GB`);
  await expect(attempt).rejects.toMatchObject({ hint: expect.stringMatching(hint) });
});

test('a real file system has some number of free bytes', async () => {
  expect(await freeBytes(await temporaryFolder())).toBeGreaterThanOrEqual(0);
});
