import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';

/** What the measurements take from the source is there: nothing else runs them between releases. */

const root = join(import.meta.dirname, '../../..');
const uses = readdirSync(join(root, 'bench'))
  .filter((file) => file.endsWith('.mjs'))
  .flatMap((file) => {
    const text = readFileSync(join(root, 'bench', file), 'utf8');
    return [...text.matchAll(/const \{([^}]+)\} = await library\('([^']+)'\)/g)].map(
      ([, names = '', path = '']) => [file, path, names.split(',').map((name) => name.trim())] as const,
    );
  });

describe('bench', () => {
  test.each(uses)('%s finds in %s what it takes: %j', async (_, path, names) => {
    const module = await import(join(root, 'src', path.replace(/\.js$/, '.ts')));
    expect(Object.keys(module)).toEqual(expect.arrayContaining(names));
  });

  test('takes a good part of it', () => {
    expect(uses.length).toBeGreaterThan(15);
  });
});
