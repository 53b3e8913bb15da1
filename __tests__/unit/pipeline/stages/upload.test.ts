import { expect, test } from '@jest/globals';
import type { ArtifactStore } from '../../../../src/base/ports.js';
import { resultFiles } from '../../../../src/bundle/catalogue.js';
import { resolveBuild } from '../../../../src/pipeline/resolve.js';
import { uploadFiles } from '../../../../src/pipeline/stages/upload.js';
import { buildRequest } from '../../../support/build.js';
import {
  fakePorts,
  recordingArtifacts,
  recordingLogger,
  temporaryFolder,
  writeFiles,
} from '../../../support/fakes.js';
import { fakeMachine } from '../../../support/machine.js';

/** A plan, and a folder with a finished result. */
async function finished() {
  const request = await buildRequest({ layers: [{ 'retention-days': '9' }] });
  const plan = await resolveBuild(request, fakePorts({ process: fakeMachine() }));
  const names = Object.values(resultFiles(plan.identifier));
  const folder = await temporaryFolder(Object.fromEntries(names.map((name) => [name, `bytes of ${name}`])));
  return { plan, names, folder };
}

test('each file becomes an artifact of its own, for the days that were asked for', async () => {
  const { plan, names, folder } = await finished();
  const artifacts = recordingArtifacts();
  const logger = recordingLogger();
  const uploaded = await uploadFiles(plan, folder, names, artifacts, logger);
  expect(uploaded.map((artifact) => artifact.name)).toEqual(names);
  expect(artifacts.uploads.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name))).toEqual(
    names.map((name) => ({ name, files: { [name]: `bytes of ${name}` }, retentionDays: 9 })),
  );
  expect(logger.of('warning')).toEqual([]);
});

test('what is named is uploaded, and nothing else of the folder', async () => {
  const { plan, names, folder } = await finished();
  await writeFiles(folder, { unrelated: 'not ours' });
  const artifacts = recordingArtifacts();
  await uploadFiles(plan, folder, names.slice(0, 2), artifacts, recordingLogger());
  expect(artifacts.uploads.map((upload) => upload.name).sort()).toEqual(names.slice(0, 2).sort());
});

test('a store that fails is a warning that says where the file is; the others are uploaded', async () => {
  const { plan, names, folder } = await finished();
  const working = recordingArtifacts();
  const artifacts: ArtifactStore = {
    ...working,
    uploadFile: async (file, days) => {
      if (file.endsWith('-software.tar.gz')) throw new Error('quota has been hit');
      return working.uploadFile(file, days);
    },
  };
  const logger = recordingLogger();
  const uploaded = await uploadFiles(plan, folder, names, artifacts, logger);
  expect(uploaded.map((artifact) => artifact.name)).toEqual(names.slice(1));
  expect(logger.of('warning')).toEqual([
    expect.stringMatching(new RegExp(`^${names[0]}.*quota has been hit.*${plan.outputDir}`)),
  ]);
});
