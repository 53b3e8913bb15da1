import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { sha256 } from '../../../src/base/files.js';
import { recordName, verifyInstalled } from '../../../src/bundle/installed.js';
import { readRelocated } from '../../../src/bundle/relocated.js';
import { relocationMark } from '../../../src/targets/relocation.js';
import { fakeProcess, temporaryFolder, writeFiles } from '../../support/fakes.js';

const width = 128;
const mark = relocationMark.padEnd(width, '_');
const list = `width\t${width}\ntext\ta.pc\nbinary\tb.so\n`;
/** As the tarball has them. */
const original = { 'a.pc': `prefix=${mark}/a:${mark}`, 'b.so': `\0${mark}/b\0`, 'c.txt': 'c' };

/** A tree whose packages have its path, with a record of what they were. */
async function tree() {
  const prefix = join(await temporaryFolder(), 'slurm');
  const place = `${prefix}/packages`;
  const files = {
    'packages/a.pc': `prefix=${place}/a:${place}`,
    'packages/b.so': `\0${place.padEnd(width, '/')}/b\0`,
    'packages/c.txt': 'c',
    'packages/relocate.list': list,
    'packages/relocate.done': `${place}\n`,
  };
  const sums = { ...original, 'relocate.list': list };
  const entries = Object.entries(sums).map(
    ([name, text]) => `entry file\t644\t${sha256(text)}\tpackages/${name}`,
  );
  const record = [
    'target slurm-24.11.6-bookworm-amd64',
    'entry folder\t755\t-\tpackages',
    ...entries,
    '',
  ].join('\n');
  await writeFiles(prefix, { ...files, [recordName]: record });
  return { prefix, files };
}

const verify = (prefix: string) => verifyInstalled(prefix, { env: {} }, fakeProcess());

test('what a path was written into is known by what it was before', async () => {
  const { prefix } = await tree();
  const relocated = await readRelocated(prefix);
  expect(relocated?.problem).toBeUndefined();
  expect(await relocated?.originalSum('packages/a.pc')).toBe(sha256(original['a.pc']));
  expect(await relocated?.originalSum('packages/b.so')).toBe(sha256(original['b.so']));
  expect(await relocated?.originalSum('packages/c.txt')).toBeUndefined();
  expect(await relocated?.originalSum('bin/a.pc')).toBeUndefined();
  expect(await verify(prefix)).toMatchObject({ entries: 5 });
});

test('what else was changed in such a file is found', async () => {
  const { prefix, files } = await tree();
  await writeFiles(prefix, { 'packages/a.pc': `${files['packages/a.pc']}:/usr` });
  await expect(verify(prefix)).rejects.toThrow('packages/a.pc: was changed');
});

test('a tree that was moved has another path in it', async () => {
  const { prefix } = await tree();
  await rename(prefix, `${prefix}-moved`);
  await expect(verify(`${prefix}-moved`)).rejects.toThrow(
    `packages/relocate.done: names ${prefix}/packages: run packages/relocate`,
  );
});

test('a tree without such packages has nothing to be undone', async () => {
  expect(await readRelocated(await temporaryFolder())).toBeUndefined();
});
