import type { Ports } from '../../base/ports.js';
import { prepareOutput } from '../output.js';
import { type BuildPlan, type BuildRequest, planBuild } from '../plan.js';

/** Takes all decisions of a build, tells of them, and finds what would keep its files from the output folder. */
export async function resolve(request: BuildRequest, ports: Ports): Promise<BuildPlan> {
  const plan = await planBuild(request, ports.process);
  ports.logger.info(`Target ${plan.identifier}, content key ${plan.contentKey}`);
  await prepareOutput({ ...plan, owner: request.host.owner });
  for (const notice of plan.notices) ports.logger.notice(notice);
  return plan;
}
