import { join } from 'node:path';
import { processOwner } from '../../src/base/owner.js';
import type { RecordPlaces } from '../../src/pipeline/confine.js';
import type { PostRecord } from '../../src/pipeline/record.js';

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
  version: 2,
  identifier: 'slurm-24.11.6-bookworm-amd64',
  buildFolder: join(root, buildFolderName),
  transfer: join(root, 'transfer'),
  policy: { restore: true, save: true, scopes: ['open'] },
  cacheBudget: 2e9,
  cacheUses: [],
  saves: [],
  stage: join(root, buildFolderName, 'stage'),
  succeeded: false,
  upload: true,
  ...change,
});
