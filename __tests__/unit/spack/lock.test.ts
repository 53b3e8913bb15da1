import { describe, expect, test } from '@jest/globals';
import { ConfigurationError } from '../../../src/base/errors.js';
import { builtSpecs, furtherSpecs, linkedSpecs, parseLock } from '../../../src/spack/lock.js';

const hashes = { slurm: 's'.repeat(32), munge: 'm'.repeat(32), glibc: 'g'.repeat(32) };
const edge = { name: 'munge', hash: hashes.munge, parameters: { deptypes: ['build', 'link'], virtuals: [] } };
const lock = {
  _meta: { 'file-type': 'spack-lockfile', 'lockfile-version': 7 },
  roots: [{ hash: hashes.slurm, spec: 'slurm@=24-11-6-1' }],
  concrete_specs: {
    [hashes.munge]: { name: 'munge', version: '0.5.15', external: { path: '/usr', module: null }, hash: 'x' },
    [hashes.glibc]: { name: 'glibc', version: '2.36', external: { path: null, module: ['glibc'] } },
    [hashes.slurm]: {
      name: 'slurm',
      version: '24-11-6-1',
      arch: { platform: 'linux' },
      dependencies: [edge],
    },
  },
};

describe('parseLock', () => {
  test('gives the root, and each spec with where it comes from and what it depends on', () => {
    const slurm = {
      name: 'slurm',
      version: '24-11-6-1',
      hash: hashes.slurm,
      external: undefined,
      dependencies: [{ hash: hashes.munge, types: ['build', 'link'] }],
    };
    expect(parseLock(JSON.stringify(lock))).toEqual({
      root: slurm,
      further: [],
      specs: [
        { name: 'munge', version: '0.5.15', hash: hashes.munge, external: '/usr', dependencies: [] },
        { name: 'glibc', version: '2.36', hash: hashes.glibc, external: '', dependencies: [] },
        slurm,
      ],
    });
  });

  test("an external is not Spack's to build, even one without a prefix", () => {
    expect(builtSpecs(parseLock(JSON.stringify(lock))).map((spec) => spec.name)).toEqual(['slurm']);
  });

  test("what Spack builds for the root to link is told on all levels, each once; no tool, no copy of the compiler's", () => {
    const hash = (name: string) => name.padEnd(32, 'x');
    const spec = (name: string, ...needs: string[]) => [
      hash(name),
      {
        name,
        version: '1',
        dependencies: needs.map((need) => {
          const [type = '', other = ''] = need.split(' ');
          return { hash: hash(other), parameters: { deptypes: type.split('+') } };
        }),
      },
    ];
    const specs = [
      spec('slurm', 'build+link curl', 'build cmake', 'build+link munge', 'link gcc-runtime', 'link openssl'),
      spec('curl', 'link openssl', 'run perl'),
      spec('openssl', 'build nasm', 'link gcc-runtime'),
      ...['cmake', 'perl', 'nasm', 'gcc-runtime'].map((name) => spec(name)),
      [hash('munge'), { name: 'munge', version: '1', external: { path: '/usr' } }],
    ];
    const text = JSON.stringify({
      roots: [{ hash: hash('slurm'), spec: 'slurm' }],
      concrete_specs: Object.fromEntries(specs),
    });
    expect(linkedSpecs(parseLock(text)).map(({ name }) => name)).toEqual(['curl', 'openssl']);
  });

  test('what was asked for beside the root comes with what it needs to run, but for the root and what that needs', () => {
    const hash = (name: string) => name.padEnd(32, 'x');
    const needs = {
      slurm: ['link curl'],
      curl: [],
      openmpi: ['build+link slurm', 'link hwloc', 'build perl', 'run prrte', 'link gcc-runtime'],
      hwloc: ['link pci'],
      prrte: ['link hwloc', 'build compiler-wrapper'],
      pci: [],
      perl: [],
      ucx: [],
      'gcc-runtime': [],
      'compiler-wrapper': [],
    };
    const specs = Object.entries(needs).map(([name, edges]) => {
      const dependencies = edges.map((edge) => {
        const [types = '', other = ''] = edge.split(' ');
        return { hash: hash(other), parameters: { deptypes: types.split('+') } };
      });
      const external = name === 'ucx' ? { external: { path: '/usr' } } : {};
      return [hash(name), { name, version: '1', dependencies, ...external }];
    });
    const text = JSON.stringify({
      roots: ['slurm', 'openmpi', 'ucx'].map((name) => ({ hash: hash(name), spec: name })),
      concrete_specs: Object.fromEntries(specs),
    });
    const found = furtherSpecs(parseLock(text)).map(({ name }) => name);
    expect(found.sort()).toEqual(['hwloc', 'openmpi', 'pci', 'prrte']);
  });

  test.each<[string, string]>([
    ['nothing', ''],
    ['half a file', JSON.stringify(lock).slice(0, -20)],
    ['no roots', JSON.stringify({ ...lock, roots: [] })],
    ['a root that is not among the specs', JSON.stringify({ ...lock, roots: [{ hash: 'no', spec: 'no' }] })],
    ['a spec without a version', JSON.stringify({ ...lock, concrete_specs: { a: { name: 'a' } } })],
  ])('%s is a ConfigurationError', (_, text) => {
    expect(() => parseLock(text)).toThrow(ConfigurationError);
  });
});
