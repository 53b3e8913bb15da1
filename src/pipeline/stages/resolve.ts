import type { Ports } from '../../base/ports.js';
import { prepareOutput } from '../output.js';
import { type BuildRequest, type ResolvedBuild, resolveBuild } from '../resolve.js';

/** Takes all decisions of a build, tells of them, and finds what would keep its files from the output folder. */
export async function resolve(request: BuildRequest, ports: Ports): Promise<ResolvedBuild> {
  const build = await resolveBuild(request, ports.process);
  ports.logger.info(`Target ${build.identifier}, content key ${build.contentKey}`);
  await prepareOutput({ ...build, owner: request.host.owner });
  if (build.vulnerability !== undefined) ports.logger.warning(build.vulnerability);
  for (const notice of build.notices) ports.logger.notice(notice);
  return build;
}
