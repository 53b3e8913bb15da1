import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Ports } from '../../base/ports.js';
import { lastLine, visible } from '../../base/text.js';
import { type Grafted, graftRequest, readGraft } from '../../bundle/graft.js';
import type { Layout } from '../../container/layout.js';
import type { Session } from '../../container/session.js';
import { parseDistribution } from '../../distro/distro.js';
import { distroOf } from '../../distro/distros.js';
import type { Outdated } from '../../distro/security.js';
import { paddingFolder } from '../../spack/environment.js';
import type { BuildContext } from '../context.js';
import { copyUpdates, updatesIn } from '../mirror.js';
import type { Project } from '../project.js';
import type { Stage } from '../stage.js';
import { outdatedLines } from '../updates.js';
import type { Builder } from './builder.js';
import type { Installed } from './installed.js';

/** The script that brings libraries into a tree: its parts, one behind the other. */
export async function graftScript(project: Project): Promise<string> {
  const names = ['packages.py', 'elf.py', 'licences.py', 'graft.py'];
  return (await Promise.all(names.map((name) => project.script(name)))).join('\n');
}

/** Brings the libraries that Slurm links into the copied tree, but for a target that has the distribution's. */
export const graftStage: Stage<
  {
    readonly builder: Builder;
    readonly session: Session;
    readonly installed: Installed;
    readonly tree: string;
  },
  { readonly grafted: Grafted }
> = {
  id: 'graft',
  skip: ({ build }) =>
    build.target.dependencies === 'system' ? { grafted: { libraries: [], updates: [] } } : undefined,
  run: async (context, { builder, session, installed, tree }) => {
    const { build, request, ports } = context;
    const { project } = request;
    const script = await graftScript(project);
    const { layout } = session;
    const place = {
      ...{ tree, origin: installed.prefix, built: installed.built },
      sources: [layout.fetched, layout.sources],
      folders: [paddingFolder, dirname(layout.store), layout.store, layout.buildStage],
    };
    const graft = async (outdated: readonly string[], folder?: string) => {
      const updates = { outdated, folder };
      const { libraries, selfContained } = project;
      const { packageManager } = build.toolchain;
      const question = graftRequest(place, libraries, selfContained, packageManager, updates);
      return readGraft(await session.exec([session.python, '-c', script, question]));
    };
    const outdated = await outdatedInstalled(context, session);
    let answer = await graft(outdated.map(({ name }) => name));
    if ('wanted' in answer) {
      const { wanted } = answer;
      const folder = await bringUpdates(
        context,
        builder,
        session.layout,
        outdated.filter(({ name }) => wanted.includes(name)),
      );
      answer = await graft([], folder);
    }
    // Nothing was called outdated the second time.
    const grafted = answer as Grafted;
    const packages = new Set(grafted.libraries.map((library) => library.package ?? library.spec));
    ports.logger.info(
      `${grafted.libraries.length} libraries of ${packages.size} packages came into the tree.`,
    );
    return { grafted };
  },
};

/** What is installed in the session and has a security update. */
export async function outdatedInstalled(
  { build, securityIndex }: BuildContext,
  session: Session,
): Promise<Outdated[]> {
  if (securityIndex.asked === undefined) return [];
  const listed = await session.exec(distroOf(build.toolchain.packageManager).inventoryCommand);
  return securityIndex.outdated([...parseDistribution(listed.stdout).values()]);
}

/**
 * Downloads the updates of packages. A build must not fail for want of them: who runs it is told.
 * @returns folder of the packages as the session sees it; undefined where they can't be had
 */
export async function bringUpdates(
  { build, securityIndex, recorder, ports }: BuildContext,
  builder: Builder,
  layout: Layout,
  outdated: readonly Outdated[],
): Promise<string | undefined> {
  const { asked } = securityIndex;
  if (asked === undefined) return undefined;
  const mirrored = updatesIn(build.mirror, build.target);
  if (build.mirror !== undefined && mirrored !== undefined) {
    const packages = outdated.map(({ name }) => name);
    await copyUpdates(build.mirror, mirrored, packages, join(build.hostLayout.fetched, updatesFolder));
    ports.logger.info(`Security updates came from the mirror:\n${outdatedLines(outdated)}`);
    return join(layout.fetched, updatesFolder);
  }
  const fetcher = await builder.startFetcher(recorder);
  try {
    const names = outdated.map(({ name }) => name);
    const folder = join(fetcher.layout.fetched, updatesFolder);
    const { files, env, commands } = asked.updates.download(asked.archive, names, {
      settings: join(fetcher.layout.arrivals, updatesFolder),
      scratch: join(fetcher.layout.buildStage, updatesFolder),
      caBundle: fetcher.caBundle,
    });
    await writeSettings(join(build.hostLayout.arrivals, updatesFolder), files);
    await fetcher.exec(['mkdir', '-p', folder]);
    for (const command of commands) {
      const done = await fetcher.exec(command, { cwd: folder, env });
      if (done.exitCode === 0) continue;
      tellMissing(outdated, done.stderr, ports.logger);
      return undefined;
    }
    ports.logger.info(`Security updates came for what is installed:\n${outdatedLines(outdated)}`);
  } finally {
    await fetcher.stop();
  }
  return join(layout.fetched, updatesFolder);
}

/** Folder of packages with security updates, among what was fetched. */
export const updatesFolder = 'security';

async function writeSettings(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
}

function tellMissing(outdated: readonly Outdated[], said: string, logger: Ports['logger']): void {
  logger.warning(
    `The tarball gets libraries that have security updates, since these can't be downloaded (${visible(lastLine(said)) || 'nothing was said'}):\n${outdatedLines(outdated)}`,
  );
}
