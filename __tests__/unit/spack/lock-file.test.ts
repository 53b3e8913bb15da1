import { describe, expect, test } from '@jest/globals';
import { parseLock } from '../../../src/spack/lock.js';
import { type LockOrigin, lockMismatches, madeWith, publishedLock } from '../../../src/spack/lock-file.js';

const [slurm, openssl] = ['a'.repeat(32), 'b'.repeat(32)];
const text = JSON.stringify({
  roots: [{ hash: slurm, spec: 'slurm' }],
  concrete_specs: {
    [slurm]: { name: 'slurm', version: '24-11-6-1', dependencies: [] },
    [openssl]: { name: 'openssl', version: '3.0.19', external: { path: '/usr' } },
  },
});
const origin: LockOrigin = {
  spack: '1'.repeat(40),
  packages: '2'.repeat(40),
  recipes: '3'.repeat(64),
  specs: ['slurm@=24-11-6-1 +hdf5'],
};
const check = (change: Partial<LockOrigin> = {}, version = '3.0.19') =>
  lockMismatches(
    { lock: parseLock(text), origin: { ...origin, ...change } },
    { origin, versions: new Map([['openssl', version]]) },
  );

test('a lock that is handed out is one for Spack, and says what it was made with', () => {
  const out = publishedLock(text, origin);
  expect(parseLock(out)).toEqual(parseLock(text));
  expect(madeWith(out)).toEqual(origin);
  expect(publishedLock(text, origin)).toBe(out);
});

test("Spack's own lock is refused, since it tells no recipes", () =>
  expect(() => madeWith(text)).toThrow('it does not say what it was made with'));

describe('a lock', () => {
  test('fits the build that it is of', () => expect(check()).toEqual([]));

  test.each<[Partial<LockOrigin>, RegExp]>([
    [{ spack: '9'.repeat(40) }, /^it was made with Spack 999999999999\. Give that as spack-ref\.$/],
    [{ packages: '9'.repeat(40) }, /packages-ref/],
    [{ recipes: '9'.repeat(64) }, /other recipes/],
    [{ yaml: '9'.repeat(64) }, /another spack-yaml/],
    [{ specs: ['slurm@=24-11-6-1 ~hdf5'] }, /'slurm@=24-11-6-1 ~hdf5', and this build is of '.*\+hdf5'/],
  ])('made with %j does not', (change, message) => {
    const found = check(change);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatch(message);
  });

  test('of other versions of the distribution does not, and all that differs is told', () =>
    expect(check({ recipes: '' }, '3.0.20')).toEqual([
      expect.stringContaining('other recipes'),
      'openssl 3.0.19 is 3.0.20 here. Take the image that it was made with as container-image.',
    ]));
});
