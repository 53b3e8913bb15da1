import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ports } from '../../base/ports.js';
import { formatJunit } from '../../smoke/junit.js';
import { SmokeError, type SmokeReport } from '../../smoke/report.js';
import { smokeTest } from '../../smoke/run.js';
import { openSubject } from '../../smoke/subject.js';
import { type BuildPlan, type BuildRequest, containerName } from '../plan.js';
import type { Recorder } from '../record.js';
import { resultFiles } from '../report.js';
import type { ResultFolder } from './pack.js';
import { publish } from './publish.js';

/**
 * Starts a cluster from the result in a fresh container.
 * @throws SmokeError when a check failed
 */
export async function smoke(
  plan: BuildPlan,
  request: BuildRequest,
  folder: ResultFolder,
  recorder: Recorder,
  ports: Ports,
): Promise<SmokeReport> {
  if (plan.engine instanceof Error) throw plan.engine;
  const name = `${containerName(plan)}-smoke`;
  if (plan.engine.kind !== 'none') recorder.update({ smoke: { program: plan.engine.kind, name } });
  const write = (report: SmokeReport) =>
    writeFile(join(plan.outputDir, smokeReportName(plan.identifier)), formatJunit(report));
  const report = await smokeTest(
    {
      subject: await openSubject(join(folder.host, resultFiles(plan.identifier).software)),
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
    if (error instanceof SmokeError) {
      await write(error.report);
      if (plan.options.upload) {
        await publish(plan, [smokeReportName(plan.identifier)], ports.artifacts, ports.logger);
      }
    }
    throw error;
  });
  await write(report);
  return report;
}

/** Name of the smoke test's JUnit file in the output folder. */
export const smokeReportName = (identifier: string): string => `${identifier}-smoke.xml`;
