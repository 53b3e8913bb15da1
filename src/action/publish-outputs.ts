import { join } from 'node:path';
import { releaseFiles } from '../publish/names.js';
import type { PublishReport } from '../publish/publish.js';
import type { OutputOf } from './outputs.js';

const string = { type: 'string' } as const;
const list = { type: 'list', separator: '\n', 'list-item': { type: 'string' } } as const;

/** The outputs of the publish action. */
export const publishOutputs = {
  'release-url': {
    description: 'Address of the release on GitHub; empty where none was asked for.',
    metadata: string,
    value: ({ release }) => release?.url ?? '',
  },
  'release-dir': {
    description: 'Path of the directory with the files of the release.',
    metadata: string,
    value: ({ folder }) => folder,
  },
  index: {
    description: 'Path of index.json.',
    metadata: string,
    value: ({ folder }) => join(folder, releaseFiles.index),
  },
  sums: {
    description: 'Path of SHA256SUMS.',
    metadata: string,
    value: ({ folder }) => join(folder, releaseFiles.sums),
  },
  targets: {
    description: 'Identifiers of the targets in the release, one a line.',
    metadata: list,
    value: ({ targets }) => targets.join('\n'),
  },
  missing: {
    description: 'Identifiers of the targets that were planned and are missing, one a line.',
    metadata: list,
    value: ({ missing }) => missing.join('\n'),
  },
} as const satisfies Record<string, OutputOf<PublishReport>>;
