import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { longestPrefix, relocationMark, relocationTemplate } from '../../../src/targets/relocation.js';
import { file, type Member, smallTarget, smallTree, writeSmallResult } from '../../support/installer.js';
import { projectRoot } from '../../support/prepare.js';

/** install.sh with further packages, which it writes the prefix into. */

const root = realpathSync(mkdtempSync(join(tmpdir(), 'sf-relocation-')));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const width = 128;
const mark = relocationMark.padEnd(width, '_');
const program = readFileSync(join(projectRoot, 'templates', relocationTemplate), 'utf8');
const [text, binary] = ["packages/it's/two.pc", 'packages/bin/one'];
const folder = (path: string): Member => ({ path, type: '5', mode: 0o755 });

const tree: readonly Member[] = [
  ...smallTree,
  ...['packages', 'packages/bin', "packages/it's"].map(folder),
  file('packages/relocate', program),
  file('packages/relocate.list', `width\t${width}\nbinary\tbin/one\ntext\tit's/two.pc\n`, 0o644),
  file(binary, `\0${mark}/bin/one\0next`),
  file(text, `prefix=${mark}/two\nagain=${mark}`, 0o644),
];

function result(name: string, members = tree) {
  const { script } = writeSmallResult(join(root, name), smallTarget, members, {
    ...{ tree: members, room: longestPrefix(width) },
  });
  return (...words: string[]) => {
    const done = spawnSync('sh', [script, '--force', ...words], { encoding: 'utf8', cwd: root });
    return { exitCode: done.status, stdout: done.stdout, stderr: done.stderr };
  };
}

test('the prefix is in the files before they are in their place, and the uninstaller knows them', () => {
  const run = result('whole');
  const prefix = join(root, 'a.b+c');
  expect(run('--prefix', prefix)).toMatchObject({ exitCode: 0 });
  expect(readFileSync(join(prefix, text), 'utf8')).toBe(
    `prefix=${prefix}/packages/two\nagain=${prefix}/packages`,
  );
  expect(readFileSync(join(prefix, binary), 'utf8')).toBe(
    `\0${`${prefix}/packages`.padEnd(width, '/')}/bin/one\0next`,
  );
  expect(readFileSync(join(prefix, 'packages/relocate.done'), 'utf8')).toBe(`${prefix}/packages\n`);
  const removed = run('--uninstall', '--prefix', prefix);
  expect([removed.exitCode, removed.stdout, removed.stderr]).toEqual([0, `${prefix} is removed\n`, '']);
  expect(existsSync(prefix)).toBe(false);
});

test('a prefix that is longer than there is room for is refused', () => {
  const prefix = join(root, 'p'.repeat(longestPrefix(width) - root.length));
  const refused = result('long')('--prefix', prefix);
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toContain('the prefix is longer than 119 characters');
});

test('where a file has no room for it, nothing is installed', () => {
  const wrong = tree.map((member) => (member.path === text ? file(text, 'prefix=/usr\n', 0o644) : member));
  const before = readdirSync(root);
  const failed = result('wrong', wrong)('--prefix', join(root, 'failed'));
  expect(failed.exitCode).toBe(1);
  expect(failed.stderr).toMatch(/these files do not name .*\/failed\/packages: .*two\.pc/);
  expect(readdirSync(root).filter((name) => !before.includes(name))).toEqual(['wrong']);
});
