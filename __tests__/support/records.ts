import { join } from 'node:path';
import type { PostRecord } from '../../src/build/record.js';

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
