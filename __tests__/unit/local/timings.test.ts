import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { countFiles, earlierBuild, keepTimings } from '../../../src/local/timings.js';
import { readFiles, recordingLogger, temporaryFolder } from '../../support/fakes.js';

const timings = [
  { stage: 'lock', seconds: 4.04 },
  { stage: 'install', seconds: 90.26 },
] as const;
const report = (slurmVersion: string, cacheHit: 'none' | 'build-cache' | 'result' = 'none') => ({
  ...{ slurmVersion, cacheHit, timings },
});
const keep = (folder: string, ...words: Parameters<typeof report>) =>
  keepTimings(folder, report(...words), 930, recordingLogger());

test('a build from source is what the next one of its series goes by, else any', async () => {
  const folder = await temporaryFolder();
  expect(await earlierBuild(folder, '24.11.6')).toBeUndefined();
  await keep(folder, '24.11.6');
  const expected = { stages: { lock: 4, install: 90.3 }, files: 930 };
  expect(await earlierBuild(folder, '24.11.7')).toEqual(expected);
  expect(await earlierBuild(folder, '25.05.1')).toEqual(expected);
  await keepTimings(folder, report('25.05.1'), 1000, recordingLogger());
  expect(await earlierBuild(folder, '25.05.2')).toMatchObject({ files: 1000 });
  expect(await earlierBuild(folder, '24.11.7')).toMatchObject({ files: 930 });
  expect(Object.keys(await readFiles(folder))).toEqual(['timings.json']);
});

test.each(['build-cache', 'result'] as const)('a %s says nothing of a compile', async (hit) => {
  const folder = await temporaryFolder();
  await keep(folder, '24.11.6', hit);
  expect(await readFiles(folder)).toEqual({});
});

test.each([
  '',
  '{',
  '[]',
  '{"version":2,"builds":{}}',
  '{"version":1,"builds":{"24.11":{"stages":{"lock":-1},"files":1}}}',
])('a file that holds %j is none, and is written anew', async (text) => {
  const folder = await temporaryFolder({ 'timings.json': text });
  expect(await earlierBuild(folder, '24.11.6')).toBeUndefined();
  await keep(folder, '24.11.6');
  expect(await earlierBuild(folder, '24.11.6')).toMatchObject({ files: 930 });
});

test('a folder that can not be written is told in the debug log, no more', async () => {
  const logger = recordingLogger();
  await keepTimings('/proc/none', report('24.11.6'), 930, logger);
  expect(logger.log).toEqual([{ level: 'debug', message: expect.stringContaining('are not kept') }]);
});

test('the names of objects are no series', async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'timings.json'), '{"version":1,"builds":{}}');
  expect(await earlierBuild(folder, '__proto__')).toBeUndefined();
});

test('files are counted, and what is told is handed on', () => {
  const told: string[] = [];
  const counted = countFiles(({ what }) => told.push(what));
  for (const files of [3, 7, 5]) counted.progress({ what: 'compiled', name: 'slurm', files });
  counted.progress({ what: 'stage', stage: 'lock' });
  expect(counted.files()).toBe(7);
  expect(told).toEqual(['compiled', 'compiled', 'compiled', 'stage']);
});
