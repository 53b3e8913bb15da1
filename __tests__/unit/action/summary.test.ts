import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { summary } from '@actions/core';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { writeCacheSummary, writePublishSummary, writeSummary } from '../../../src/action/summary.js';
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
  expect(text).toMatch(
    /^<details><summary>Caches: .*saved 1\.5 MB, .*stored for this target 3\.0 MB of 2\.0 GB<\/summary>\n/,
  );
  expect(text).toContain('<tr><td>lock fffffff</td><td>1.5 MB</td><td>saved</td></tr>');
  expect(text).toMatch(/<\/table>\n<\/details>\n$/);
});

test('of a build: facts, files, what to do with them; and folded what the checks say', async () => {
  const file = join(await temporaryFolder({ summary: '' }), 'summary');
  process.env['GITHUB_STEP_SUMMARY'] = file;
  const identifier = 'slurm-24.11.6-bookworm-amd64';
  const sum = '0'.repeat(64);
  const check = (name: string, status: 'passed' | 'failed' | 'skipped', seconds: number) => ({
    ...{ name, status, seconds, detail: status === 'passed' ? '' : 'no such plugin' },
  });
  await writeSummary(
    report({
      described: [
        { name: `${identifier}-software.tar.gz`, size: 6_300_000, sha256: sum },
        { name: `${identifier}-software.tar.gz.asc`, size: 833, sha256: sum },
        { name: `${identifier}-SHA256SUMS.asc`, size: 1234, sha256: sum },
      ],
      artifacts: [{ name: `${identifier}-software.tar.gz`, url: 'https://a.test/1' }],
      attested: true,
      smoke: {
        target: identifier,
        prefix: '/opt/slurm',
        checks: [check('srun', 'passed', 0.4), check('rest', 'passed', 1.4), check('slurmdbd', 'skipped', 0)],
      },
    }),
    'us/slurm',
  );
  const text = await readFile(file, 'utf8');
  const [shown = '', ...folded] = text.split('<details>');
  expect(shown).toContain('<tr><td>Target</td><td>slurm-24.11.6-bookworm-amd64</td></tr>');
  expect(shown).toContain(
    `<td><a href="https://a.test/1">${identifier}-software.tar.gz</a></td><td>Slurm</td><td>6.3&nbsp;MB</td>`,
  );
  expect(shown).toContain(`.asc</td><td>signature: Slurm</td><td>833&nbsp;bytes</td>`);
  expect(shown).toContain(`.asc</td><td>signature: sums</td><td>1.2&nbsp;kB</td>`);
  expect(shown).toContain(`<pre lang="sh"><code>sha256sum --check ${identifier}-SHA256SUMS\ngpg --import`);
  expect(shown).toContain(`\ngh attestation verify ${identifier}-software.tar.gz --repo us/slurm\n`);
  expect(shown).toContain(`\nsudo sh ${identifier}-install.sh --prefix /opt/slurm</code></pre>`);
  expect(shown).toContain(`<td>${'f'.repeat(64)}</td>`);
  expect(folded.map((part) => /^<summary>(.*)<\/summary>$/m.exec(part)?.[1])).toEqual([
    'Smoke test: 2 passed, 1 skipped, in 1.8 s',
    'Times: 1 min 43 s',
    'SHA-256 of the files',
  ]);
  expect(folded[0]).toContain('<td>slurmdbd</td><td>skipped</td><td>0.00 s</td><td>no such plugin</td>');
  expect(folded[1]).toContain('<td>Install</td><td>1 min 40 s</td>');
  expect(folded[2]).toContain(`<code>${sum}  ${identifier}-software.tar.gz\n${sum}  ${identifier}-`);
  for (const part of folded) expect(part.trimEnd()).toMatch(/<\/(?:table|pre)>\n<\/details>$/);
  // A blank line would end the HTML, and what follows would be read as Markdown.
  expect(text.trimEnd()).not.toContain('\n\n');
});

test('of a release: its text is Markdown, which begins behind an empty line', async () => {
  const file = join(await temporaryFolder({ summary: '' }), 'summary');
  process.env['GITHUB_STEP_SUMMARY'] = file;
  await writePublishSummary({
    ...{ name: 'v1', folder: '/release', targets: ['slurm-24.11.6-bookworm-amd64'], missing: [] },
    files: [{ name: 'a', size: 6_300_000, sha256: '0'.repeat(64) }],
    fingerprint: undefined,
    release: { tag: 'v1', url: 'https://github.test/us/slurm/releases/tag/v1', before: false },
    notes: '| Slurm | for |\n| --- | --- |\n| 24.11.6 | bookworm |\n',
  });
  const text = await readFile(file, 'utf8');
  expect(text).toContain('</table>\n\n| Slurm | for |\n');
  expect(text).toContain('<a href="https://github.test/us/slurm/releases/tag/v1">');
  expect(text).toContain('<td>1, 6.3 MB</td>');
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
  expect(text.replaceAll('<pre lang="sh"><code>', '')).not.toMatch(/"><|\n\n\[x\]/);
  expect(text.match(/&lt;img src=x&gt;&amp;\\x0a/g)?.length).toBeGreaterThan(6);
});
