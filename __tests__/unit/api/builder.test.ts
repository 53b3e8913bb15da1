import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { SlurmBuilder } from '../../../src/api/builder.js';
import { packageRoot } from '../../../src/api/root.js';
import { ConfigurationError, InputError, PackagingError } from '../../../src/base/errors.js';
import { writeResult } from '../../support/bundle.js';
import { recordingLogger, temporaryFolder } from '../../support/fakes.js';

async function builder() {
  const cwd = await temporaryFolder();
  const logger = recordingLogger();
  return { cwd, logger, made: new SlurmBuilder({ cwd, env: {}, cacheDir: 'cache', logger }) };
}

describe('SlurmBuilder', () => {
  test('reports every wrong input at once, and leaves no build', async () => {
    const { cwd, made } = await builder();
    const failed = made.build({ 'slurm-version': '1.2', gpu: 'vulkan' });
    await expect(failed).rejects.toThrow(InputError);
    await expect(failed).rejects.toThrow(/slurm-version: [\s\S]*gpu: /);
    expect(await readdir(join(cwd, 'cache'))).not.toContainEqual(expect.stringMatching(/^build-/));
  });

  test('verifies a folder, relative to its own', async () => {
    const { cwd, made } = await builder();
    const identifier = 'slurm-24.11.6-bookworm-amd64';
    await writeResult(join(cwd, 'out'), identifier);
    const report = await made.verify('out');
    expect(JSON.stringify(report)).toContain(identifier);
    await expect(made.verify('.')).rejects.toThrow(PackagingError);
  });

  test('refuses what is no tarball before anything is started', async () => {
    const { made } = await builder();
    await expect(made.audit('notes.txt')).rejects.toThrow(InputError);
    await expect(made.smokeTest('notes.txt')).rejects.toThrow(InputError);
  });
});

describe('packageRoot', () => {
  test('is the folder with the data, however deep the code lies', async () => {
    const root = await temporaryFolder({ 'data/pins.json': '{}', 'build/src/api/root.js': '' });
    expect(packageRoot(join(root, 'build', 'src', 'api'))).toBe(root);
  });

  test('half of an installation is an error that says so', () => {
    expect(() => packageRoot('/')).toThrow(ConfigurationError);
  });
});
