import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Results, StartupTimes } from '../../../bench/results.js';
import { projectRoot, temporaryFolder } from '../../support/prepare.js';

/** The bench as `npm run bench` compiles and starts it, on a project that consists of links. */

const root = temporaryFolder('bench');
const file = (name: string) => join(root, name);
const version = process.version;

beforeAll(async () => {
  for (const name of ['node_modules', 'package.json', 'dist'])
    await symlink(join(projectRoot, name), file(name));
  const compiler = join(projectRoot, 'node_modules/typescript/bin/tsc');
  const words = [compiler, '-p', join(projectRoot, 'bench'), '--outDir', file('build')];
  const compiled = spawnSync(process.execPath, words, { encoding: 'utf8' });
  expect(compiled).toMatchObject({ status: 0, stdout: '' });
  // No Node but this one.
  await mkdir(file('tools'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

function bench(...words: string[]) {
  const env = { ...process.env, SLURM_FACTORY_TEST_TOOLS: file('tools') };
  const ran = spawnSync(process.execPath, [file('build/bench/run.js'), ...words], {
    cwd: root,
    encoding: 'utf8',
    env,
  });
  return { code: ran.status, stdout: ran.stdout, stderr: ran.stderr };
}

const readResults = async (name: string): Promise<Results> => JSON.parse(await readFile(file(name), 'utf8'));

test('measures start-up, and tells the figures as JSON and as tables', async () => {
  const { code, stdout, stderr } = bench('--cases', 'startup', '--json', 'now.json');
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('-- Start-up') });
  const results = await readResults('now.json');
  expect(JSON.parse(stdout)).toEqual(results);
  const rounds = results.rounds.startup ?? [];
  expect(rounds).toHaveLength(9);
  const { node = 0, main = 0, cliVersion = 0 } = results.figures.startup?.[version] ?? {};
  expect(node).toBeGreaterThan(5);
  expect(main).toBeGreaterThan(node / 2);
  expect(cliVersion).toBeGreaterThan(node / 2);
  const mains = rounds.map((round) => round[version]?.main ?? 0).sort((a, b) => a - b);
  expect(main).toBe(mains[4]);
});

test('a figure that got worse is exit code 1, and stands on the page', async () => {
  const results = await readResults('now.json');
  const quick = ({ node, main, cliVersion }: StartupTimes) => ({
    ...{ node, main: main / 9 },
    cliVersion: cliVersion * 9,
  });
  const rounds = (results.rounds.startup ?? []).map((round) =>
    Object.fromEntries(Object.entries(round).map(([name, times]) => [name, quick(times)])),
  );
  await writeFile(file('then.json'), JSON.stringify({ ...results, rounds: { startup: rounds } }));
  const { code } = bench('--cases', 'startup', '--compare', 'then.json', '--markdown', 'page.md');
  expect(code).toBe(1);
  const page = await readFile(file('page.md'), 'utf8');
  expect(page).toMatch(new RegExp(`^\\| action's first line, Node ${version} .* WORSE \\|$`, 'm'));
  expect(page).toMatch(new RegExp(`^\\| slurm-factory version, Node ${version} .* better \\|$`, 'm'));
});

test('a case that failed is exit code 1, and no page is written of such a run', async () => {
  await rm(file('dist'));
  const page = ['--markdown', 'half.md'];
  const { code, stderr } = bench('--cases', 'startup', ...page);
  expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining('FAILED startup: ') });
  expect(existsSync(file('half.md'))).toBe(false);
  expect(bench('--cases', 'startup', ...page, '--keep-going').code).toBe(1);
  expect(await readFile(file('half.md'), 'utf8')).toContain(
    'Failed in this run, and so not measured: startup.',
  );
});

test.each([
  [['--compare', 'none.json'], 'none.json'],
  [['--cases', 'warm'], "there is no 'warm'"],
  [['--worm'], '--worm'],
])('%j is exit code 2, before anything is measured', (words, message) => {
  expect(bench(...words)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(message) });
});
