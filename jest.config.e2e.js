import { existsSync } from 'node:fs';
import { common } from './jest.config.js';

const folders = ['__tests__/integration', '__tests__/e2e'];

/** The tests that start real processes, containers and runners: one after the other, with time to build. */
export default {
  ...common,
  displayName: 'e2e',
  roots: folders
    .filter((folder) => existsSync(new URL(folder, import.meta.url)))
    .map((folder) => `<rootDir>/${folder}`),
  maxWorkers: 1,
  testTimeout: 30 * 60 * 1000,
};
