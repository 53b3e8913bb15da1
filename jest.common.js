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
        sourceMaps: true,
      },
    ],
  },
  testEnvironment: 'node',
  // act and the builds leave whole copies of the project below these.
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/build/', '<rootDir>/.slurm-factory/'],
};
