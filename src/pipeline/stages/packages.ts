import { dirname } from 'node:path';
import { PackagingError } from '../../base/errors.js';
import type { Logger } from '../../base/ports.js';
import { lastLine, visible } from '../../base/text.js';
import { type Further, furtherRequest, noFurther, readFurther } from '../../bundle/further.js';
import type { Session } from '../../container/session.js';
import { modulesCommand } from '../../spack/commands.js';
import { paddingFolder, viewsFolder } from '../../spack/environment.js';
import type { Lock } from '../../spack/lock.js';
import { viewsOf } from '../../spack/merge.js';
import { moduleSystems, modulesFolder } from '../../spack/modules.js';
import { furtherFolder, relocationTemplate } from '../../targets/relocation.js';
import type { Project } from '../project.js';
import type { Stage } from '../stage.js';
import type { BuiltPackage, Installed } from './installed.js';

/** The script that brings further packages into a tree: its parts, one behind the other. */
export async function furtherScript(project: Project): Promise<string> {
  const names = ['elf.py', 'licences.py', 'further.py'];
  return (await Promise.all(names.map((name) => project.script(name)))).join('\n');
}

/** Brings the packages that were asked for beside Slurm into the copied tree, with module files and views. */
export const packagesStage: Stage<
  { readonly session: Session; readonly lock: Lock; readonly installed: Installed; readonly tree: string },
  { readonly further: Further }
> = {
  id: 'packages',
  skip: ({ build: { own } }) =>
    own.packages.length === 0 && own.yaml === undefined ? { further: noFurther } : undefined,
  run: async ({ build, request, ports: { logger } }, { session, lock, installed, tree }) => {
    const { layout } = session;
    const { project } = request;
    const packages = installed.further;
    const views = Object.keys(viewsOf(build.own.yaml?.['view']));
    tellExternals(lock, logger);
    if (packages.length === 0 && views.length === 0) return { further: noFurther };
    await makeModules(session, packages);
    const question = furtherRequest(
      {
        ...{ tree, store: layout.store, slurm: installed.prefix, packages },
        views: Object.fromEntries(views.map((name) => [name, `${viewsFolder(layout)}/${name}`])),
        modules: packages.length === 0 ? null : modulesFolder(layout),
        sources: [layout.fetched, layout.sources],
        folders: [paddingFolder, dirname(layout.store), layout.store, layout.buildStage],
      },
      project.selfContained,
      await project.template(relocationTemplate),
    );
    const script = await furtherScript(project);
    const further = readFurther(await session.exec([session.python, '-c', script, question]));
    logger.info(`${packages.length} packages came into ${furtherFolder}/ of the tree.`);
    if (further.unlicensed.length > 0) {
      logger.notice(
        `The sources of these packages have no file with a licence, so the tarball has none: ${further.unlicensed.join(', ')}.`,
      );
    }
    for (const link of further.dropped) logger.debug(`a link that led out of the tree was left out: ${link}`);
    return { further };
  },
};

/** Says what was asked for and does not come along, as it is the distribution's. */
function tellExternals({ further }: Lock, logger: Logger): void {
  const names = further.filter(({ external }) => external !== undefined).map(({ name }) => name);
  if (names.length === 0) return;
  logger.notice(`These are the distribution's own, and are not in the tarball: ${names.join(', ')}.`);
}

/** Lets Spack write module files of packages. */
async function makeModules(session: Session, packages: readonly BuiltPackage[]): Promise<void> {
  const hashes = packages.map(({ hash }) => hash);
  for (const system of hashes.length === 0 ? [] : moduleSystems) {
    const { command, env } = modulesCommand(session, system, hashes);
    const done = await session.exec(command, { env });
    if (done.exitCode === 0) continue;
    throw new PackagingError(
      `Spack could not write the module files for ${system}: ${visible(lastLine(done.stderr) || lastLine(done.stdout))}`,
      'Settings of `modules` in spack-yaml may be wrong.',
    );
  }
}
