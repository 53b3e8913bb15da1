import { type GraftedLibrary, graftRequest, readGraft } from '../../bundle/graft.js';
import type { Session } from '../../container/session.js';
import type { Project } from '../project.js';
import type { Stage } from '../stage.js';
import type { Installed } from './install.js';

/** The script that brings libraries into a tree: its parts, one behind the other. */
export async function graftScript(project: Project): Promise<string> {
  const parts = await Promise.all(['packages.py', 'graft.py'].map((name) => project.script(name)));
  return parts.join('\n');
}

/** Brings the libraries that Slurm links into the copied tree, but for a target that has the distribution's. */
export const graftStage: Stage<
  { readonly session: Session; readonly installed: Installed; readonly tree: string },
  { readonly grafted: readonly GraftedLibrary[] }
> = {
  id: 'graft',
  skip: ({ build }) => (build.target.dependencies === 'system' ? { grafted: [] } : undefined),
  run: async ({ build, request: { project }, ports }, { session, installed, tree }) => {
    const question = graftRequest(
      { tree, origin: installed.prefix },
      project.libraries,
      build.toolchain.packageManager,
    );
    const grafted = readGraft(
      await session.exec([session.python, '-c', await graftScript(project), question]),
    );
    const packages = new Set(grafted.map((library) => library.package));
    ports.logger.info(`${grafted.length} libraries of ${packages.size} packages came into the tree.`);
    return { grafted };
  },
};
