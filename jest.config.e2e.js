import { existsSync } from 'node:fs';
import { common } from './jest.common.js';

const wantsBare = ['1', 'check'].includes(process.env.SLURM_FACTORY_TEST_BARE ?? '');
const folders = ['__tests__/integration', '__tests__/e2e'];

/** The tests that start real processes, containers and runners: one after the other, with time to build. */
export default {
  ...common,
  displayName: 'e2e',
  roots: folders
    .filter((folder) => existsSync(new URL(folder, import.meta.url)))
    .map((folder) => `<rootDir>/${folder}`),
  // Minutes to hours, with nothing that changes often: by SLURM_FACTORY_TEST_BARE and SLURM_FACTORY_TEST_RPM only.
  testPathIgnorePatterns: [
    ...(wantsBare ? [] : ['/e2e/bare\\.test']),
    ...(process.env.SLURM_FACTORY_TEST_RPM === '1' ? [] : ['/e2e/rpm\\.test']),
    ...(process.env.SLURM_FACTORY_TEST_LIBRARY === '1' ? [] : ['/e2e/library\\.test']),
  ],
  // A file that is run alone finds all that it needs, too.
  globalSetup: '<rootDir>/scripts/prepare.mjs',
  maxWorkers: 1,
  testTimeout: 30 * 60 * 1000,
};
