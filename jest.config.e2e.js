import { existsSync } from 'node:fs';
import { common } from './jest.common.js';

const wantsBare = ['1', 'check'].includes(process.env.SLURM_FACTORY_TEST_BARE ?? '');
/** Files that have nothing without their switch. */
const switched = [
  ['library', 'LIBRARY'],
  ['matrix', 'MATRIX'],
  ['packages', 'SPACK'],
  ['rpm', 'RPM'],
];
const folders = ['__tests__/integration', '__tests__/e2e'];

/** The tests that start real processes, containers and runners: one after the other, with time to build. */
export default {
  ...common,
  displayName: 'e2e',
  roots: folders
    .filter((folder) => existsSync(new URL(folder, import.meta.url)))
    .map((folder) => `<rootDir>/${folder}`),
  // Minutes to hours, by their switches only: left out they are no tests that were skipped.
  testPathIgnorePatterns: [
    ...(wantsBare ? [] : ['/e2e/bare\\.test']),
    ...switched
      .filter(([, name]) => process.env[`SLURM_FACTORY_TEST_${name}`] !== '1')
      .map(([file]) => `/e2e/${file}\\.test`),
  ],
  // A file that is run alone finds all that it needs, too.
  globalSetup: '<rootDir>/scripts/prepare.mjs',
  maxWorkers: 1,
  testTimeout: 30 * 60 * 1000,
};
