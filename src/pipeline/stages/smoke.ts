import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ports } from '../../base/ports.js';
import { fileName } from '../../bundle/catalogue.js';
import { describeFile } from '../../bundle/sums.js';
import { formatJunit } from '../../smoke/junit.js';
import { SmokeError, type SmokeReport } from '../../smoke/report.js';
import { smokeTest } from '../../smoke/run.js';
import { openSubject } from '../../smoke/subject.js';
import { containerOf } from '../confine.js';
import { handOut } from '../output.js';
import type { BuildPlan, BuildRequest } from '../plan.js';
import type { Recorder } from '../record.js';
import type { Stage } from '../stage.js';
import { addFile, type Described } from './describe.js';
import { uploadFiles } from './upload.js';

/**
 * Starts a cluster from the result in a fresh container, and adds the report to it. The report of a test that
 * failed is all that is handed out then.
 * @throws SmokeError when a check failed
 */
export async function smoke(
  plan: BuildPlan,
  request: BuildRequest,
  described: Described,
  recorder: Recorder,
  ports: Ports,
): Promise<SmokeReport> {
  if (plan.engine instanceof Error) throw plan.engine;
  const name = containerOf(plan.buildFolder, 'smoke');
  if (plan.engine.kind !== 'none')
    recorder.addCleanup({ what: 'container', kind: 'smoke', program: plan.engine.kind, name });
  const report = await smokeTest(
    {
      subject: await openSubject(join(described.folder, fileName(plan.identifier, 'software'))),
      toolchain: plan.toolchain,
      engine: plan.engine,
      host: request.host,
      containerImage: plan.options.containerImage,
      scripts: join(request.project.root, 'scripts', 'inside', 'smoke'),
      context: join(plan.buildFolder, 'smoke-context'),
      name,
    },
    ports,
  ).catch(async (error: unknown) => {
    if (error instanceof SmokeError)
      await handOutReport(plan, request, described.folder, error.report, ports);
    throw error;
  });
  await addFile(described, 'smoke', formatJunit(report));
  return report;
}

async function handOutReport(
  plan: BuildPlan,
  request: BuildRequest,
  folder: string,
  report: SmokeReport,
  ports: Ports,
): Promise<void> {
  const name = fileName(plan.identifier, 'smoke');
  await writeFile(join(folder, name), formatJunit(report));
  const place = { ...plan, owner: request.host.owner };
  await handOut(place, folder, [await describeFile(join(folder, name))], false);
  if (plan.options.upload) await uploadFiles(plan, folder, [name], ports.artifacts, ports.logger);
}

/** Starts a cluster from the result, if the user wants it. */
export const smokeStage: Stage<
  { readonly described: Described },
  { readonly smoke: SmokeReport | undefined }
> = {
  id: 'smoke',
  skip: ({ plan }) => (plan.options.smokeTest ? undefined : { smoke: undefined }),
  run: async ({ plan, request, recorder, ports }, { described }) => ({
    smoke: await smoke(plan, request, described, recorder, ports),
  }),
};
