import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { storedRecord } from '../../../src/build/record.js';
import { lockKey } from '../../../src/cache/keys.js';
import { RecordFile } from '../../../src/cli/records.js';
import { runCli } from '../../support/cli.js';
import { asRoot, mayBeRoot, temporaryFolder } from '../../support/prepare.js';
import { buildFolderName, endedOwner, placesIn, startedRecord } from '../../support/records.js';

/** The command line with what a killed build has left; it ends at once, over a release that there is not. */

const cache = temporaryFolder('records');
afterAll(() => rmSync(cache, { recursive: true, force: true }));

const records = join(cache, 'records');
const start = () => runCli(['build', '1.2.3', '--cache-dir', cache]);

const withMounts = mayBeRoot() ? test : test.skip;

withMounts('a record is kept until the folder of its build is gone', () => {
  const environment = join(cache, buildFolderName, 'environment');
  mkdirSync(environment, { recursive: true });
  writeFileSync(join(environment, 'spack.lock'), '{}');
  const record = startedRecord(cache, {
    saves: [
      {
        key: lockKey({ toolchain: 'bookworm', arch: 'amd64' }, 'abc'),
        directory: environment,
        files: ['spack.lock'],
      },
    ],
  });
  const mount = join(record.buildFolder, 'still-in-use');
  mkdirSync(mount, { recursive: true });
  // Like a container that outlives its engine: nobody can remove the folder now.
  asRoot('mount', '-t', 'tmpfs', 'tmpfs', mount);
  try {
    writeFileSync(join(mount, 'file'), 'busy');
    new RecordFile(records, endedOwner(), placesIn(cache)).save(storedRecord(record));
    const first = start();
    expect(first.stderr).toContain('An earlier build was killed');
    expect(first.stderr).toContain(`Could not remove ${record.buildFolder}`);
    expect(first.stderr).toContain('Saved to the cache: slurm-factory-v4-open-lock-bookworm-amd64-abc');
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
