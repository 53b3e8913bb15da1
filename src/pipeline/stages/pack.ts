import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PackagingError } from '../../base/errors.js';
import { lastLine } from '../../base/text.js';
import { type ArchivePlan, packCommand } from '../../bundle/archive.js';
import { fileName, resultFiles } from '../../bundle/catalogue.js';
import { moduleFiles, moduleTemplates } from '../../bundle/modules.js';
import type { Session } from '../../container/session.js';
import { examplePaths } from '../../targets/examples.js';
import type { Project } from '../project.js';
import type { ResolvedBuild } from '../resolve.js';
import type { Stage } from '../stage.js';
import type { Installed } from './installed.js';

/** The folder that a result comes together in, as this machine and as the session see it. */
export interface ResultFolder {
  readonly host: string;
  readonly session: string;
  /** Names of the tarballs in it. */
  readonly tarballs: readonly string[];
}

/** Where debuggers find debug files: in a folder beside each program. */
const debugFolder = '.debug';

/** What the tarballs are made from, as the session sees it. */
export interface PackedTrees {
  /** Slurm's prefix: what Spack installed. The debug files are in it. */
  readonly prefix: string;
  /** The tree of the software tarball, see `copyTree`. */
  readonly tree: string;
}

/**
 * Copies an installed tree to where the session may change it before it is packed: without Spack's own files
 * and the debug files. The copy shares blocks with the original where the file system can do that, but no
 * inodes, so a program that rewrites files in place leaves the original alone.
 * @returns the copy's folder, as the session sees it
 * @throws PackagingError
 */
export async function copyTree(session: Session, prefix: string): Promise<string> {
  const tree = `${session.layout.store}/tree`;
  await run(session, ['cp', '--archive', '--reflink=auto', '--no-target-directory', prefix, tree]);
  await run(session, ['find', '.', '(', ...leftOut, ')', '-prune', '-exec', 'rm', '-rf', '{}', '+'], tree);
  return tree;
}

/**
 * Puts the example configurations into a copied tree. This machine writes them where the session only reads.
 * @throws PackagingError
 */
export async function addExamples(
  build: Pick<ResolvedBuild, 'hostLayout'>,
  project: Project,
  session: Session,
  tree: string,
): Promise<void> {
  for (const path of examplePaths) {
    const file = join(build.hostLayout.output, 'examples', path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, await project.template(path));
  }
  const from = `${session.layout.output}/examples`;
  await run(session, ['cp', '--recursive', '--no-target-directory', from, tree]);
}

const leftOut = ['-path', './.spack', '-o', '-name', debugFolder];

async function run(session: Session, command: [string, ...string[]], cwd?: string): Promise<void> {
  const { exitCode, stderr } = await session.exec(command, cwd === undefined ? {} : { cwd });
  if (exitCode === 0) return;
  throw new PackagingError(
    `The tree of the tarball could not be made: ${lastLine(stderr) || `exit code ${exitCode}`}`,
    'Check the free disk space and build again.',
  );
}

/**
 * Makes the tarballs.
 * @throws PackagingError
 */
export async function pack(
  build: ResolvedBuild,
  project: Project,
  session: Session,
  { prefix, tree }: PackedTrees,
): Promise<ResultFolder> {
  const names = resultFiles(build.identifier);
  const folder = {
    host: join(build.hostLayout.output, 'result'),
    session: `${session.layout.output}/result`,
  };
  await rm(folder.host, { recursive: true, force: true });
  await mkdir(folder.host, { recursive: true });
  await writeModules(build, project);
  const archives: NamedArchive[] = [
    { name: names.software, folder: tree, top: build.identifier },
    { name: names.modules, folder: `${session.layout.output}/modules`, top: 'modulefiles' },
  ];
  if (build.options.debug) archives.push(await debugArchive(build, session, prefix));
  const packed = await Promise.allSettled(
    archives.map((archive) => packOne(session, archive, folder.host, build.jobs)),
  );
  for (const one of packed) if (one.status === 'rejected') throw one.reason;
  return { ...folder, tarballs: archives.map(({ name }) => name) };
}

/** A tarball by its file name. */
type NamedArchive = Omit<ArchivePlan, 'archive' | 'jobs'> & { readonly name: string };

async function writeModules(build: ResolvedBuild, project: Project): Promise<void> {
  const [lmod, tcl] = await Promise.all([
    project.template(moduleTemplates.lmod),
    project.template(moduleTemplates.tcl),
  ]);
  for (const { path, text } of moduleFiles(build.target, { lmod, tcl })) {
    const file = join(build.hostLayout.output, 'modules', path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

async function debugArchive(build: ResolvedBuild, session: Session, prefix: string): Promise<NamedArchive> {
  const found = await session.exec(['find', '.', '-type', 'd', '-name', debugFolder], { cwd: prefix });
  const members = found.stdout.split('\n').filter((line) => line !== '');
  if (members.length === 0) {
    throw new PackagingError('The build left no debug files.', 'Build again with cache: false.');
  }
  return {
    name: fileName(build.identifier, 'debug'),
    folder: prefix,
    top: build.identifier,
    members: members.sort(),
  };
}

// tar writes to standard output, and this machine to a file in its own folder: the build can't say where to.
async function packOne(
  session: Session,
  { name, ...archive }: NamedArchive,
  folder: string,
  jobs: number,
): Promise<void> {
  const command = packCommand({ ...archive, archive: '-', jobs });
  const result = await session.exec(command, { stdoutFile: join(folder, name) });
  if (result.exitCode === 0) return;
  throw new PackagingError(
    `${name} could not be made: ${result.stderr.trim()}`,
    'Check the free disk space and read the lines above.',
  );
}

/** Copies what was installed to where later stages may change it, and adds what is not the recipe's. */
export const treeStage: Stage<
  { readonly session: Session; readonly installed: Installed },
  { readonly tree: string }
> = {
  id: 'tree',
  run: async ({ build, request }, { session, installed }) => {
    const tree = await copyTree(session, installed.prefix);
    await addExamples(build, request.project, session, tree);
    return { tree };
  },
};

/** Makes the tarballs of the copied tree. */
export const packStage: Stage<
  { readonly session: Session; readonly installed: Installed; readonly tree: string },
  { readonly packed: ResultFolder }
> = {
  id: 'pack',
  run: async ({ build, request }, { session, installed, tree }) => ({
    packed: await pack(build, request.project, session, { prefix: installed.prefix, tree }),
  }),
};
