import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { summary } from '@actions/core';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { writeCacheSummary, writeSummary } from '../../../src/action/summary.js';
import { lockKey } from '../../../src/cache/keys.js';
import { cacheUse } from '../../../src/cache/ledger.js';
import { temporaryFolder } from '../../support/fakes.js';
import { report } from '../../support/report.js';

let before: NodeJS.ProcessEnv;
beforeEach(() => {
  before = { ...process.env };
  // The toolkit remembers the file of the first summary.
  Object.assign(summary, { _filePath: undefined });
});
afterEach(() => {
  process.env = before;
});

test('the caches are a table of the entries and one of the totals; without entries there is none', async () => {
  const file = join(await temporaryFolder({ summary: '' }), 'summary');
  process.env['GITHUB_STEP_SUMMARY'] = file;
  await writeCacheSummary({ uses: [], stored: undefined, budget: 2e9 });
  expect(await readFile(file, 'utf8')).toBe('');
  const key = lockKey({ toolchain: 'bookworm', arch: 'amd64' }, 'f'.repeat(64));
  await writeCacheSummary({ uses: [cacheUse(key, 1_500_000, 'saved')], stored: 3e6, budget: 2e9 });
  const text = await readFile(file, 'utf8');
  expect(text).toContain('<h3>Caches</h3>');
  expect(text).toContain('<tr><td>lock fffffff</td><td>1.5 MB</td><td>saved</td></tr>');
  expect(text).toContain('<tr><td>Stored for this target</td><td>3.0 MB of 2.0 GB</td></tr>');
});

test('names are text in a summary, never tags, links or lines of Markdown', async () => {
  const file = join(await temporaryFolder({ summary: '' }), 'summary');
  process.env['GITHUB_STEP_SUMMARY'] = file;
  const evil = '"><img src=x>&\n\n[x](https://evil.test)';
  await writeSummary(
    report({
      identifier: evil,
      slurmVersion: evil,
      runtimePackages: [evil],
      described: [{ name: evil, size: 1, sha256: evil }],
      artifacts: [{ name: evil, url: `https://a.test/${evil}` }],
      smoke: {
        target: evil,
        prefix: evil,
        checks: [{ name: evil, status: 'failed', seconds: 1, detail: evil }],
      },
    }),
  );
  await writeCacheSummary({
    uses: [{ kind: 'lock', name: evil, key: evil, bytes: 1, outcome: 'saved' } as never],
    stored: undefined,
    budget: 2e9,
  });
  const text = await readFile(file, 'utf8');
  expect(text).not.toContain('<img');
  expect(text).not.toMatch(/"><|\n\n\[x\]/);
  expect(text.match(/&lt;img src=x&gt;&amp;\\x0a/g)?.length).toBeGreaterThan(6);
});
