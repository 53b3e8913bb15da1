import { describe, expect, test } from '@jest/globals';
import {
  environmentWord,
  noOwn,
  type OwnEnvironment,
  summarize,
} from '../../../src/targets/own-environment.js';

const word = (own: Partial<OwnEnvironment>) => environmentWord(summarize({ ...noOwn, ...own }));
const repo = { namespace: 'site', folder: '/a', place: '0/spack_repo/site', digest: 'f'.repeat(64) };

describe('the word of an environment', () => {
  test('is none where nothing is added', () => {
    expect(word({})).toBeUndefined();
    expect(word({ tests: 'all' })).toBeUndefined();
    // It is the layout of further packages' modules, and there are none.
    expect(word({ moduleLayout: 'hierarchical' })).toBeUndefined();
  });

  test('is another one for each thing that is added', () => {
    const all: Partial<OwnEnvironment>[] = [
      { spec: ['cflags=-O3'] },
      { spec: ['cflags=-O2'] },
      { packages: ['lz4'] },
      { packages: ['lz4'], moduleLayout: 'hierarchical' },
      { yaml: { concretizer: { reuse: true } } },
      { yaml: { specs: ['lz4'] } },
      { yaml: { specs: ['lz4'] }, moduleLayout: 'hierarchical' },
      { repos: [repo] },
      { repos: [{ ...repo, digest: 'e'.repeat(64) }] },
      { lock: '{}' },
    ];
    const words = all.map(word);
    for (const one of words) expect(one).toMatch(/^e[0-9a-f]{12}$/);
    expect(new Set(words).size).toBe(all.length);
  });

  test('does not tell where a repository was found', () => {
    const git = { url: 'https://git.test/site.git', commit: 'a'.repeat(40) };
    expect(word({ repos: [{ ...repo, folder: '/b', git }] })).toBe(word({ repos: [repo] }));
  });

  test('is the same of a summary that was written and read again', () => {
    const summary = summarize({ ...noOwn, spec: ['+a'], packages: ['lz4'], repos: [repo], lock: '{}' });
    expect(environmentWord(JSON.parse(JSON.stringify(summary)))).toBe(environmentWord(summary));
  });
});
