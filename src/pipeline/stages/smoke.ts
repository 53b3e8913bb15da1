import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ports } from '../../base/ports.js';
import { fileName } from '../../bundle/catalogue.js';
import { describeFile } from '../../bundle/sums.js';
import { smokeImage } from '../../smoke/plan.js';
import { SmokeError, type SmokeReport, smokeJunit } from '../../smoke/report.js';
import { smokeTest } from '../../smoke/run.js';
import { openSubject } from '../../smoke/subject.js';
import { containerOf } from '../confine.js';
import { loadImage } from '../mirror.js';
import { handOut } from '../output.js';
import type { Recorder } from '../record.js';
import type { BuildRequest, ResolvedBuild } from '../resolve.js';
import type { Stage } from '../stage.js';
import { addFile, type Described } from './describe.js';
import { uploadFiles } from './upload.js';

/**
 * Starts a cluster from the result in a fresh container, and adds the report to it. The report of a test that
 * failed is all that is handed out then.
 * @throws SmokeError when a check failed
 */
export async function smoke(
  build: ResolvedBuild,
  request: BuildRequest,
  described: Described,
  recorder: Recorder,
  ports: Ports,
): Promise<SmokeReport> {
  if (build.engine instanceof Error) throw build.engine;
  const name = containerOf(build.buildFolder, 'smoke');
  if (build.engine.kind !== 'none') {
    const program = build.engine.kind;
    recorder.addCleanup({ what: 'container', kind: 'smoke', program, name });
    const image = smokeImage(build.toolchain, described.facts.runtimePackages, build.options.containerImage);
    await loadImage(build.mirror, program, image.tag, ports);
  }
  const report = await smokeTest(
    {
      subject: await openSubject(join(described.folder, fileName(build.identifier, 'software'))),
      toolchain: build.toolchain,
      engine: build.engine,
      host: request.host,
      containerImage: build.options.containerImage,
      scripts: join(request.project.root, 'scripts', 'inside', 'smoke'),
      context: join(build.buildFolder, 'smoke-context'),
      name,
    },
    ports,
  ).catch(async (error: unknown) => {
    if (error instanceof SmokeError)
      await handOutReport(build, request, described.folder, error.report, ports);
    throw error;
  });
  await addFile(described, 'smoke', smokeJunit(report));
  return report;
}

async function handOutReport(
  build: ResolvedBuild,
  request: BuildRequest,
  folder: string,
  report: SmokeReport,
  ports: Ports,
): Promise<void> {
  const name = fileName(build.identifier, 'smoke');
  await writeFile(join(folder, name), smokeJunit(report));
  const place = { ...build, owner: request.host.owner };
  await handOut(place, folder, [await describeFile(join(folder, name))], false);
  if (build.options.upload) await uploadFiles(build, folder, [name], ports.artifacts, ports.logger);
}

/** Starts a cluster from the result, if the user wants it. */
export const smokeStage: Stage<
  { readonly described: Described },
  { readonly smoke: SmokeReport | undefined }
> = {
  id: 'smoke',
  skip: ({ build }) => (build.options.smokeTest ? undefined : { smoke: undefined }),
  run: async ({ build, request, recorder, ports }, { described }) => ({
    smoke: await smoke(build, request, described, recorder, ports),
  }),
};
