import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { InputError, PackagingError } from '../../../../src/base/errors.js';
import { describeFile } from '../../../../src/bundle/sums.js';
import { completeStage } from '../../../../src/pipeline/stages/complete.js';
import { handOutStage } from '../../../../src/pipeline/stages/hand-out.js';
import { resolve } from '../../../../src/pipeline/stages/resolve.js';
import { makeResultFolder } from '../../../../src/pipeline/stages/result.js';
import { buildRequest, type RequestChange } from '../../../support/build.js';
import { writeResult } from '../../../support/bundle.js';
import { fakePorts } from '../../../support/fakes.js';
import { fakeMachine } from '../../../support/machine.js';
import { openedBuild } from '../../../support/stages.js';

/** A build whose result lies in its folder. */
async function withResult(change: RequestChange = {}) {
  const opened = await openedBuild({ request: change });
  const { build } = opened.context;
  const folder = await makeResultFolder(build);
  await writeResult(folder, build.identifier, { smoke: true, contentKey: build.contentKey });
  const described = { folder } as Parameters<typeof completeStage.run>[1]['described'];
  return { ...opened, build, folder, described };
}

const saves = ({ recorder }: Awaited<ReturnType<typeof withResult>>['context']) =>
  recorder.current.saves.flatMap((save) => (save.what === 'files' ? [save.key] : []));

test('a sound result is checked, and saved where it was tested', async () => {
  const { context, described, build } = await withResult();
  const { result } = await completeStage.run(context, { described });
  expect(result.described.map(({ name }) => name)).toContain(`${build.identifier}-software.tar.gz`);
  expect(saves(context)).toEqual([expect.stringContaining(build.contentKey)]);
});

test('a result that was changed is neither saved nor handed out', async () => {
  const { context, described, folder, build } = await withResult();
  await writeFile(join(folder, `${build.identifier}-software.tar.gz`), 'other');
  await expect(completeStage.run(context, { described })).rejects.toThrow(PackagingError);
  expect(saves(context)).toEqual([]);
});

test('the files and their signatures come into the output folder together', async () => {
  const { context, described, folder, build } = await withResult();
  const { result } = await completeStage.run(context, { described });
  const name = `${build.identifier}-software.tar.gz.asc`;
  await writeFile(join(folder, name), 'signature');
  const signatures = [await describeFile(join(folder, name))];
  const handed = await handOutStage.run(context, { result, signatures });
  expect((await readdir(build.outputDir)).sort()).toEqual(handed.described.map((file) => file.name).sort());
  expect(handed.described.map((file) => file.name)).toContain(name);
});

test('what keeps files from the output folder is found before anything else', async () => {
  const request = await buildRequest();
  const ports = fakePorts({ process: fakeMachine() });
  const first = await resolve(request, ports);
  expect(ports.logger.of('info')[0]).toBe(`Target ${first.identifier}, content key ${first.contentKey}`);
  await mkdir(join(first.outputDir, `${first.identifier}-software.tar.gz`));
  await expect(resolve(request, ports)).rejects.toThrow(InputError);
});
