import { appendFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { CompileCount, watchCompiling } from '../../../src/pipeline/compiling.js';
import { temporaryFolder } from '../../support/fakes.js';

const slurm = { name: 'slurm', version: '24-11-6-1' };
const log = `root/spack-stage-slurm-24-11-6-1-${'a'.repeat(32)}-x1.log`;
const compile = (name: string) => `/bin/sh ../libtool --mode=compile gcc -DX=1 -c -o ${name}.lo ${name}.c\n`;
const link = '/bin/sh ../libtool --mode=link gcc -o slurmd slurmd.o -c -lm\n';

test('each file that make compiles is counted once, also where a line comes in two pieces', async () => {
  const stage = await temporaryFolder({
    [log]: `checking for gcc\n${compile('a')}${link}`,
    'root/other.log': compile('b'),
  });
  const counter = new CompileCount(stage);
  expect(await counter.read(slurm)).toBe(1);
  const line = compile('c');
  await appendFile(join(stage, log), line.slice(0, 20));
  expect(await counter.read(slurm)).toBe(1);
  await appendFile(join(stage, log), `${line.slice(20)}gcc -c -o d.o d.c\n`);
  expect(await counter.read(slurm)).toBe(3);
  expect(await counter.read(slurm)).toBe(3);
});

test('a stage without a log has nothing to count', async () => {
  const stage = await temporaryFolder({ 'root/x/y.log': compile('a') });
  expect(await new CompileCount(stage).read(slurm)).toBe(0);
});

test('a link in the place of the log is not followed', async () => {
  const stage = await temporaryFolder();
  const outside = await temporaryFolder({ secret: compile('a') });
  await mkdir(join(stage, 'root'));
  await symlink(join(outside, 'secret'), join(stage, log));
  expect(await new CompileCount(stage).read(slurm)).toBe(0);
});

test('the count is told while a package is built, and when it has grown', async () => {
  const stage = await temporaryFolder({ [log]: compile('a') });
  const told: number[] = [];
  let current: typeof slurm | undefined = slurm;
  const end = watchCompiling(
    stage,
    () => current,
    (_, files) => told.push(files),
    5,
  );
  const until = async (condition: () => boolean) => {
    while (!condition()) await new Promise((passed) => setTimeout(passed, 5));
  };
  await until(() => told.length === 1);
  await writeFile(join(stage, log), compile('a') + compile('b'));
  await until(() => told.length === 2);
  current = undefined;
  end();
  expect(told).toEqual([1, 2]);
});
