import type { BuildFigures, ColdFigures, Results } from '../../bench/results.js';

/** Figures of a build as the bench measures them, of round numbers. */
export const buildFigures = (change: Partial<BuildFigures> = {}): BuildFigures => ({
  release: '24.11.6',
  total: 90,
  smokeTest: 10,
  withoutSmokeTest: 80,
  cacheHit: 'none',
  containers: { build: 1, fetch: 1, share: 0, audit: 0, smoke: 1 },
  concretized: 1,
  compiled: 3,
  fromCache: 0,
  compiledNames: ['compiler-wrapper', 'gcc-runtime', 'slurm'],
  concretize: 10,
  installAndPush: 60,
  tarball: 0.5,
  audit: 1,
  tarballBytes: 8e6,
  stages: [
    { stage: 'install', seconds: 60 },
    { stage: 'smoke', seconds: 10 },
  ],
  resources: { memory: 1e9, disk: 2e9, written: 3e9, received: 1e6 },
  ...change,
});

/** Figures of a cold build. */
export const coldFigures = (change: Partial<ColdFigures> = {}): ColdFigures => ({
  ...buildFigures(),
  entryBytes: { package: 9e6, lock: 8e4 },
  ...change,
});

const none = { concretized: 0, compiled: 0, compiledNames: [] };
const noContainers = { build: 0, fetch: 0, share: 0, audit: 0, smoke: 0 };

/** Results of a whole run, with figures that miss one target. */
export const results = (change: Partial<Results> = {}): Results => ({
  layout: 2,
  release: '24.11.6',
  nextRelease: '24.11.7',
  toolchain: 'bookworm',
  jobs: 2,
  cases: ['startup', 'first', 'cold', 'nothing', 'packaging', 'system', 'cuda', 'patch', 'bare', 'plain'],
  machine: {
    ...{ date: '2000-01-01T00:00:00.000Z', cpu: 'Some CPU', cores: 2, memoryBytes: 2 ** 33, node: 'v20.0.0' },
    ...{ system: 'Debian', kernel: '6.1', loadAtStart: 0.1 },
    ...{ engine: 'Docker 1, overlay2', otherContainers: 0 },
  },
  peakLoads: { cold: 2.2 },
  rounds: { cold: [coldFigures()] },
  failed: [],
  preparation: { sources: 1, clones: 2, builderImage: { seconds: 3, reused: true } },
  figures: {
    first: { ...buildFigures({ total: 120 }), fromFiles: { clones: 17e6, archive: 8e6 } },
    cold: coldFigures(),
    nothing: buildFigures({
      ...{ ...none, containers: noContainers, cacheHit: 'result' },
      ...{ total: 0.4, smokeTest: 0, withoutSmokeTest: 0.4 },
    }),
    packaging: buildFigures({ ...none, total: 14, withoutSmokeTest: 4, cacheHit: 'build-cache' }),
    system: buildFigures({
      ...{ ...none, total: 8, withoutSmokeTest: 3 },
      ...{ cacheHit: 'build-cache', tarballBytes: 4e6 },
    }),
    cuda: buildFigures({
      withoutSmokeTest: 36,
      compiled: 1,
      compiledNames: ['slurm'],
      tarballBytes: 8.5e6,
    }),
    patch: buildFigures({
      ...{ release: '24.11.7', withoutSmokeTest: 72 },
      ...{ compiled: 1, compiledNames: ['slurm'] },
    }),
    plain: {
      spec: 'slurm@=24-11-6-1',
      installedBytes: 400e6,
      buildCacheBytes: 150e6,
      missingPlugins: [],
      cold: {
        ...{ concretize: 20, install: 100, push: 10, installAndPush: 110, tarball: 15, total: 200 },
        ...{ tarballBytes: 160e6, fromSource: ['slurm'] },
      },
      warm: { concretize: 5, install: 5, tarball: 15, tarballBytes: 160e6, total: 40, fromSource: [] },
    },
    bare: { arguments: ['--disable-static'], configure: 10, make: 80, install: 10, total: 100 },
    caches: {
      entries: 5,
      directory: { bytes: 18e6, save: 0.2, restore: 0.1 },
      service: { bytes: 17e6, save: 0.8, restore: 0.6 },
    },
    install: { seconds: 0.5 },
    worth: {
      index: { bytes: 0.5e6, without: 20, with: 5 },
      ccache: { bytes: 10e6, without: 200, with: 150 },
      sources: { bytes: 12e6 },
    },
    startup: { 'v20.0.0': { node: 40, main: 110, cliVersion: 80 } },
  },
  ...change,
});
