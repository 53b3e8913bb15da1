import { join } from 'node:path';
import { processOwner } from '../../src/base/owner.js';
import type { RecordPlaces } from '../../src/pipeline/confine.js';
import type { Cleanup, PostRecord } from '../../src/pipeline/record.js';

/** A process of this machine that has ended: this one's pid with another start time. */
export const endedOwner = (): string => [...processOwner().split('~').slice(0, 4), '1'].join('~');

/** Name of the folder of the build that `startedRecord` is of. */
export const buildFolderName = 'build-0123456789ab-7';

/** Where a record of a build in `root` may name something. */
export const placesIn = (root: string): RecordPlaces => ({
  workRoot: root,
  transfers: root,
  keyrings: ['/dev/shm'],
});

/** The record of a build in `root` that has just begun. */
export const startedRecord = (root: string, change: Partial<PostRecord> = {}): PostRecord => ({
  version: 4,
  toolchain: 'bookworm',
  identifier: 'slurm-24.11.6-bookworm-amd64',
  buildFolder: join(root, buildFolderName),
  transfer: join(root, 'transfer'),
  policy: { restore: true, save: true, scopes: ['open'] },
  cacheBudget: 2e9,
  cacheUses: [],
  cleanups: [],
  saves: [],
  buildStage: join(root, buildFolderName, 'stage'),
  succeeded: false,
  upload: true,
  ...change,
});

/** The container of a kind that a record says may still run. */
export const containerIn = (record: PostRecord | undefined, kind: string) =>
  record?.cleanups.find(
    (cleanup): cleanup is Extract<Cleanup, { what: 'container' }> =>
      cleanup.what === 'container' && cleanup.kind === kind,
  );

/** The folder with a signing key that a record names. */
export const keyringIn = (record: PostRecord | undefined): string | undefined =>
  record?.cleanups.flatMap((cleanup) => (cleanup.what === 'keyring' ? [cleanup.folder] : []))[0];
