import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { ConfigurationError } from '../../../src/base/errors.js';
import { measuredPath, parseMeasured, workOf } from '../../../src/plan/work.js';
import { parseTarget } from '../../../src/targets/identifier.js';
import { measuredBuilds } from '../../support/fakes.js';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const measured = parseMeasured(read(measuredPath));

describe('what is measured becomes the work of any leg', () => {
  const work = workOf(measuredBuilds);

  test('an install is Slurm, but for what was built beside it', () => {
    expect(work.compile).toEqual({ cold: 100, 'other-release': 60, 'other-gpu': 60 });
    expect(work.rest).toEqual({ compiled: 10 + 40, found: 10 + 30 + 5 });
  });

  test('a kind of GPU brings the package of its header', () => {
    const names = (gpu: 'none' | 'cuda' | 'rocm' | 'all') =>
      work.packages('bundled', gpu).map(({ name }) => name);
    expect(names('none')).toEqual(['compiler-wrapper', 'gcc-runtime']);
    expect(names('rocm')).toEqual(names('none'));
    expect(names('cuda')).toEqual([...names('none'), 'nvml']);
    expect(names('all')).toEqual(names('cuda'));
  });

  test('of what was not measured that is told, and the others stand in for it', () => {
    expect(work.unmeasured('self-contained')).toBe(true);
    expect(work.unmeasured('system')).toBe(false);
    expect(work.packages('self-contained', 'none')).toEqual(work.packages('bundled', 'none'));
  });

  test('a busy machine gives lists of packages, not times', () => {
    const busy = {
      ...measuredBuilds.builds[0],
      compiled: 'cold',
      busy: true,
      install: undefined,
      rest: undefined,
    };
    const more = { ...measuredBuilds, builds: [...measuredBuilds.builds, busy] } as typeof measuredBuilds;
    expect(workOf(more).compile.cold).toBe(100);
  });
});

test('a file that is none is an error that names it', () => {
  expect(() => parseMeasured('{}')).toThrow(ConfigurationError);
  expect(() => parseMeasured('{}')).toThrow(/^data\/measured-builds\.json: /);
});

// What stages go by, seen in real locks.
describe('in the builds that were measured', () => {
  const hashes = measured.builds.flatMap(({ target, packages }) =>
    packages.flatMap(({ name, hash }) => (hash === undefined ? [] : [{ target, name, hash }])),
  );
  const versionOf = (target: string) => parseTarget(target)?.version;

  test('all packages but Slurm are the same in every release', () => {
    const shared = hashes.filter(({ name }) => name !== 'slurm');
    const names = new Set(shared.map(({ name }) => name));
    expect([...names]).toEqual(expect.arrayContaining(['compiler-wrapper', 'gcc-runtime']));
    const releases = new Set(shared.map(({ target }) => versionOf(target)));
    expect(releases.size).toBeGreaterThan(2);
    for (const wanted of names) {
      const own = shared.filter(({ name }) => name === wanted);
      expect(new Set(own.map(({ hash }) => hash)).size).toBe(1);
    }
  });

  test('Slurm is the same for system and bundled, and another one for each release', () => {
    const own = hashes.filter(({ name }) => name === 'slurm');
    expect(new Set(own.map(({ target }) => versionOf(target))).size).toBeGreaterThan(2);
    for (const one of own) {
      for (const other of own) {
        const gpus = [one, other].map(({ target }) => parseTarget(target)?.gpu);
        if (gpus[0] !== gpus[1]) continue;
        expect(one.hash === other.hash).toBe(versionOf(one.target) === versionOf(other.target));
      }
    }
  });
});

test('docs/scale.md: list scheduling takes at most 1.15 of the least that is possible', () => {
  const rows = [
    ...read('docs/scale.md').matchAll(/^\| `(\w+)` \| (\d+) \| \d+\.\d \| \d+\.\d \| (\d\.\d\d) \|/gm),
  ];
  expect(rows.map(([, sharing, runners]) => `${sharing} ${runners}`)).toEqual(
    ['none', 'compiles', 'all'].flatMap((sharing) =>
      [1, 5, 20, 60].map((runners) => `${sharing} ${runners}`),
    ),
  );
  for (const [, , , ratio] of rows) expect(Number(ratio)).toBeLessThanOrEqual(1.15);
});
