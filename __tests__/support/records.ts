import { join } from 'node:path';
import { processOwner } from '../../src/base/owner.js';
import type { PostRecord } from '../../src/build/record.js';

/** A process of this machine that has ended: this one's pid with another start time. */
export const endedOwner = (): string => [...processOwner().split('~').slice(0, 4), '1'].join('~');

/** The record of a build in `root` that has just begun. */
export const startedRecord = (root: string, change: Partial<PostRecord> = {}): PostRecord => ({
  version: 1,
  identifier: 'slurm-24.11.6-bookworm-amd64',
  buildFolder: join(root, 'build'),
  transfer: join(root, 'transfer'),
  policy: { restore: true, save: true },
  cacheBudget: 2e9,
  cacheUses: [],
  saves: [],
  stage: join(root, 'build', 'stage'),
  succeeded: false,
  upload: true,
  ...change,
});
