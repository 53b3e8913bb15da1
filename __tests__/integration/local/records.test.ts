import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { lockKey } from '../../../src/cache/keys.js';
import { RecordFile } from '../../../src/local/records.js';
import { storedRecord } from '../../../src/pipeline/record.js';
import { runCli } from '../../support/cli.js';
import { asRoot, mayBeRoot, temporaryFolder } from '../../support/prepare.js';
import { buildFolderName, endedOwner, placesIn, startedRecord } from '../../support/records.js';

/** The command line with what a killed build has left; it ends at once, over a release that there is not. */

const cache = temporaryFolder('records');
afterAll(() => rmSync(cache, { recursive: true, force: true }));

const records = join(cache, 'records');
const start = () => runCli(['build', '1.2.3', '--verbose', '--cache-dir', cache]);

const withMounts = mayBeRoot() ? test : test.skip;

withMounts('a record is kept until the folder of its build is gone', () => {
  const environment = join(cache, buildFolderName, 'environment');
  mkdirSync(environment, { recursive: true });
  writeFileSync(join(environment, 'spack.lock'), '{}');
  const record = startedRecord(cache, {
    saves: [
      {
        what: 'files',
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

/** A record as an older version wrote them: every folder that is to be saved or removed stands in it. */
const older = (theirs: string, own: string) => ({
  version: 1,
  identifier: 'slurm-24.11.6-bookworm-amd64',
  buildFolder: theirs,
  transfer: join(theirs, 'Documents'),
  policy: { restore: true, save: true },
  cacheBudget: 2e9,
  cacheUses: [],
  container: { program: 'docker', name: 'somebodys' },
  saves: [{ key: 'slurm-factory-v3-lock-bookworm-amd64-x', directory: theirs, files: ['shadow'] }],
  stage: join(own, 'stage'),
  succeeded: true,
  upload: false,
});

/** The same of this version, with names that lead out. */
const newer = (theirs: string, change: object) => ({
  ...storedRecord(startedRecord(cache, { succeeded: true })),
  keyring: theirs,
  ...change,
});

describe('a planted record', () => {
  test.each<[string, (theirs: string) => object]>([
    ['of an older version', (theirs) => older(theirs, cache)],
    ['with a key folder of its own', (theirs) => newer(theirs, {})],
    [
      'with a build folder elsewhere',
      (theirs) => newer(theirs, { keyring: undefined, build: `..${theirs}` }),
    ],
    [
      'with a file elsewhere',
      (theirs) =>
        newer(theirs, {
          keyring: undefined,
          saves: [
            {
              key: lockKey({ toolchain: 'bookworm', arch: 'amd64' }, 'x'),
              folder: `../../..${theirs}`,
              files: ['shadow'],
            },
          ],
        }),
    ],
  ])('%s removes nothing, keeps nothing, and is gone', (_, plant) => {
    const theirs = temporaryFolder('records-theirs');
    try {
      mkdirSync(join(theirs, 'Documents'));
      writeFileSync(join(theirs, 'Documents', 'letter'), 'mine');
      writeFileSync(join(theirs, 'shadow'), 'root:secret');
      mkdirSync(records, { recursive: true, mode: 0o700 });
      writeFileSync(join(records, `${endedOwner()}.json`), JSON.stringify(plant(theirs)), { mode: 0o600 });
      const { exitCode, stderr } = start();
      expect(exitCode).toBe(2);
      expect(stderr).not.toMatch(/^\s+at /m);
      expect(readdirSync(theirs).sort()).toEqual(['Documents', 'shadow']);
      expect(readdirSync(join(theirs, 'Documents'))).toEqual(['letter']);
      expect(readdirSync(join(cache, 'entries')).filter((name) => /-x$/.test(name))).toEqual([]);
      expect(readdirSync(records)).toEqual([]);
    } finally {
      rmSync(theirs, { recursive: true, force: true });
    }
  });

  test('that is a FIFO does not hold the build up', () => {
    mkdirSync(records, { recursive: true, mode: 0o700 });
    execFileSync('mkfifo', ['-m', '600', join(records, `${endedOwner()}.json`)]);
    const { exitCode, stderr } = start();
    expect(exitCode).toBe(2);
    expect(stderr).toContain('is not followed');
    expect(readdirSync(records)).toEqual([]);
  });
});
