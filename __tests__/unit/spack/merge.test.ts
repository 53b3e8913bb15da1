import { describe, expect, test } from '@jest/globals';
import { mergeEnvironment, mergeProblems } from '../../../src/spack/merge.js';

const ours = {
  specs: ['slurm@=24-11-6-1 ~nvml'],
  view: false,
  concretizer: { unify: true, reuse: false },
  config: { install_tree: { root: '/store', padded_length: 128 }, build_stage: ['/stage'], checksum: true },
  packages: {
    all: { require: ['target=x86_64'] },
    openssl: { buildable: false, externals: [{ spec: 'openssl@3', prefix: '/usr' }] },
  },
};
const merged = (own: Record<string, unknown>) => mergeEnvironment(ours, own, '/env/views');

describe('what is merged', () => {
  test('mappings become one, and nothing is told', () => {
    const { merged: all, overrides } = merged({
      packages: { all: { providers: { mpi: ['openmpi'] } }, lz4: { variants: '+shared' } },
      config: { install_tree: { projections: { all: '{name}' } } },
    });
    expect(all['packages']).toEqual({
      ...ours.packages,
      all: { require: ['target=x86_64'], providers: { mpi: ['openmpi'] } },
      lz4: { variants: '+shared' },
    });
    expect(all['config']).toMatchObject({
      install_tree: { root: '/store', padded_length: 128, projections: { all: '{name}' } },
    });
    expect(overrides).toEqual([]);
  });

  test('of lists the own one comes first, each entry once', () => {
    const own = { packages: { all: { require: ['%gcc', 'target=x86_64'] } } };
    expect(merged(own).merged['packages']).toMatchObject({ all: { require: ['%gcc', 'target=x86_64'] } });
  });

  test('further specs come behind Slurm', () =>
    expect(merged({ specs: ['lz4', { matrix: [['a'], ['%gcc']] }] }).merged['specs']).toEqual([
      'slurm@=24-11-6-1 ~nvml',
      'lz4',
      { matrix: [['a'], ['%gcc']] },
    ]));

  test('a value takes the place of ours, and that is told', () => {
    const { merged: all, overrides } = merged({
      concretizer: { reuse: true, unify: true },
      packages: { openssl: { buildable: true } },
    });
    expect(all['concretizer']).toEqual({ unify: true, reuse: true });
    expect(overrides).toEqual([
      { path: 'concretizer.reuse', before: 'false', after: 'true' },
      { path: 'packages.openssl.buildable', before: 'false', after: 'true' },
    ]);
  });

  test("a key with ':' puts all of it in the place of ours", () => {
    const { merged: all, overrides } = merged({
      packages: { 'openssl:': { buildable: true }, all: { 'require:': ['%clang'] } },
    });
    expect(all['packages']).toEqual({ openssl: { buildable: true }, all: { require: ['%clang'] } });
    expect(overrides.map(({ path }) => path)).toEqual(['packages.openssl', 'packages.all.require']);
  });

  test.each([
    [true, { default: { root: '/env/views/default' } }],
    [
      { tools: { root: '/elsewhere', select: ['lz4'] } },
      { tools: { root: '/env/views/tools', select: ['lz4'] } },
    ],
    [false, false],
  ])('the view %j', (view, expected) => expect(merged({ view }).merged['view']).toEqual(expected));
});

describe('what is refused', () => {
  test.each<[Record<string, unknown>, string[]]>([
    [{ config: { ccache: false }, packages: {}, modules: {}, toolchains: {} }, []],
    [{ package: {} }, ["'package' is no section of an environment. Did you mean 'packages'?"]],
    [
      { config: { install_tree: { root: '/opt' } } },
      ["config.install_tree.root can't be set: a build has its own store."],
    ],
    // An older form, and ways to replace all that is above it.
    [
      { config: { install_tree: '/opt' } },
      [
        "config.install_tree.root can't be set: a build has its own store.",
        "config.install_tree.padded_length can't be set: built packages must fit any path.",
      ],
    ],
    [{ config: { checksum: false } }, ["config.checksum can't be set: what is fetched is checked."]],
    [{ repos: { site: '/a' } }, ["repos can't be set: repositories are given by the input 'repos'."]],
    [{ mirrors: { built: 'https://a.test' } }, ["mirrors.built can't be set: the name is taken."]],
    [{ mirrors: { site: 'https://a.test' } }, []],
    [
      { packages: { slurm: { externals: [] } } },
      ["packages.slurm.externals can't be set: Slurm is what is built."],
    ],
    [{ specs: 'lz4' }, ['specs is not a list.']],
    [{ view: { '../a': {} } }, ['view.../a is no name for a folder.']],
    [{ view: 'a' }, ["view is neither true, false nor a mapping of views' names."]],
  ])('%j', (own, problems) => expect(mergeProblems(own)).toEqual(problems));

  test('replacing all of a section is setting all that is in it', () =>
    expect(mergeProblems({ 'config:': { ccache: true } }).length).toBeGreaterThan(4));
});
