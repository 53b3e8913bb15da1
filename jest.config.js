import { accessSync, constants, statfsSync } from 'node:fs';
import { common } from './jest.common.js';

/** Whether a folder is there to be written to, with room for the unit tests' small trees. */
function hasRoom(folder) {
  try {
    accessSync(folder, constants.W_OK);
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize > 512 * 1024 ** 2;
  } catch {
    return false;
  }
}

// The tests make thousands of small real files: in memory that takes half the time. Their workers inherit this.
if (process.env.TMPDIR === undefined && hasRoom('/dev/shm')) process.env.TMPDIR = '/dev/shm';
// A worker stays on one CPU (support/worker.ts), where one thread for files is quicker than four.
process.env.UV_THREADPOOL_SIZE ??= '1';

/** The unit tests: no process, no network, and they may run side by side. */
export default {
  ...common,
  displayName: 'unit',
  roots: ['<rootDir>/__tests__/unit'],
  // Each file loads its modules anew, and these two consist of hundreds: globalSetup makes one file of each.
  moduleNameMapper: {
    ...common.moduleNameMapper,
    '^zod$': '<rootDir>/node_modules/.cache/slurm-factory/zod.mjs',
    '^yaml$': '<rootDir>/node_modules/.cache/slurm-factory/yaml.cjs',
  },
  globalSetup: '<rootDir>/scripts/bundle-for-tests.mjs',
  // Jest's own choice leaves a core idle, which is half of a small machine.
  maxWorkers: '100%',
  // Against hangs: a busy machine takes seconds for what takes it milliseconds.
  testTimeout: 60_000,
  setupFilesAfterEnv: ['<rootDir>/__tests__/support/worker.ts', '<rootDir>/__tests__/support/forbid.ts'],
  collectCoverageFrom: ['src/**/*.ts', '!src/entry/**'],
  coverageDirectory: 'coverage',
};
