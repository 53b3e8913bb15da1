import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { RecordFile } from '../../../src/cli/records.js';
import { runCli } from '../../support/cli.js';
import { asRoot, mayBeRoot, temporaryFolder } from '../../support/prepare.js';
import { endedOwner, startedRecord } from '../../support/records.js';

/** The command line with what a killed build has left; it ends at once, over a release that there is not. */

const cache = temporaryFolder('records');
afterAll(() => rmSync(cache, { recursive: true, force: true }));

const records = join(cache, 'records');
const start = () => runCli(['build', '1.2.3', '--cache-dir', cache]);

const withMounts = mayBeRoot() ? test : test.skip;

withMounts('a record is kept until the folder of its build is gone', () => {
  const environment = join(cache, 'build', 'environment');
  mkdirSync(environment, { recursive: true });
  writeFileSync(join(environment, 'spack.lock'), '{}');
  const record = startedRecord(cache, {
    saves: [{ key: 'lock', directory: environment, files: ['spack.lock'] }],
  });
  const mount = join(record.buildFolder, 'still-in-use');
  mkdirSync(mount, { recursive: true });
  // Like a container that outlives its engine: nobody can remove the folder now.
  asRoot('mount', '-t', 'tmpfs', 'tmpfs', mount);
  try {
    writeFileSync(join(mount, 'file'), 'busy');
    new RecordFile(records, endedOwner()).save(record);
    const first = start();
    expect(first.stderr).toContain('An earlier build was killed');
    expect(first.stderr).toContain(`Could not remove ${record.buildFolder}`);
    expect(first.stderr).toContain('Saved to the cache: lock');
    expect(readdirSync(records)).toHaveLength(1);
    expect(existsSync(mount)).toBe(true);
  } finally {
    asRoot('umount', mount);
  }
  const second = start();
  expect(second.stderr).toContain('An earlier build was killed');
  expect(second.stderr).not.toMatch(/Could not remove|failed to save/);
  expect(existsSync(record.buildFolder)).toBe(false);
  expect(readdirSync(records)).toEqual([]);
  expect(start().stderr).not.toContain('An earlier build was killed');
});
