import type { Ports } from '../../base/ports.js';
import type { CustomSource } from '../../targets/source.js';
import { prepareOutput } from '../output.js';
import { type BuildRequest, type ResolvedBuild, resolveBuild } from '../resolve.js';

/** Takes all decisions of a build, tells of them, and finds what would keep its files from the output folder. */
export async function resolve(request: BuildRequest, ports: Ports): Promise<ResolvedBuild> {
  const build = await resolveBuild(request, ports);
  ports.logger.info(`Target ${build.identifier}, content key ${build.contentKey}`);
  await prepareOutput({ ...build, owner: request.host.owner });
  if (build.release.source !== undefined)
    ports.logger.info(`Source of Slurm: ${sourceLine(build.release.source)}`);
  if (build.unsupported !== undefined) ports.logger.notice(build.unsupported);
  if (build.vulnerability !== undefined) ports.logger.warning(build.vulnerability);
  for (const notice of build.notices) ports.logger.notice(notice);
  return build;
}

function sourceLine({ repository, tag, commit, archive, sha256, patches }: CustomSource): string {
  const base =
    commit === undefined
      ? `${archive ?? 'an archive of this machine'}, sha256 ${sha256}`
      : `${repository ?? 'a repository of this machine'}, ${tag === undefined ? '' : `tag ${tag}, `}commit ${commit}`;
  return [base, ...patches.map((patch) => `patch ${patch.name}`)].join('; ');
}
