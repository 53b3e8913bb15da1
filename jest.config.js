import { accessSync, constants, statfsSync } from 'node:fs';
import vm from 'node:vm';

// Without this Jest would load ES modules as CommonJS and fail with errors that do not say so.
if (!('SourceTextModule' in vm)) {
  throw new Error('Run Jest with NODE_OPTIONS=--experimental-vm-modules: the project is made of ES modules.');
}

/** What the unit tests and the slow ones have in common: TypeScript through swc, ES modules as they are. */
export const common = {
  extensionsToTreatAsEsm: ['.ts'],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'cjs', 'json', 'node'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript', importAttributes: true }, target: 'es2022' },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  testEnvironment: 'node',
  // act and the builds leave whole copies of the project below these.
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/build/', '<rootDir>/.slurm-factory/'],
};

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
  setupFilesAfterEnv: ['<rootDir>/__tests__/support/contexts.ts', '<rootDir>/__tests__/support/forbid.ts'],
  collectCoverageFrom: ['src/**/*.ts', '!src/entry/**'],
  coverageDirectory: 'coverage',
};
