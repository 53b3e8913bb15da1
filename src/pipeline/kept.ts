import { readdir, stat, writeFile } from 'node:fs/promises';
import { basename, join, posix, relative } from 'node:path';
import { z } from 'zod';
import { PackageBuildError } from '../base/errors.js';
import { parseJson } from '../base/json.js';
import type { Ports } from '../base/ports.js';
import { readPlain } from '../base/safe.js';
import { quotedWord } from '../base/text.js';
import { type Layout, places } from '../container/layout.js';
import type { Session } from '../container/session.js';
import { isBuildName } from './confine.js';
import type { Recorder } from './record.js';
import type { ResolvedBuild } from './resolve.js';

/** What a kept build's folder says of it, in a file that no build can write. */
const keptName = 'kept.json';
const mostKeptBytes = 1 << 20;

const keptSchema = z.object({
  schema: z.literal(1),
  /** The target. */
  identifier: z.string(),
  engine: z.enum(['docker', 'podman', 'none']),
  /** Python of the session, and its folders as it sees them. */
  python: z.string(),
  layout: z.record(z.enum(places), z.string()),
  /** The package that failed, where one did, and the folder that it is built in. */
  failed: z
    .object({ name: z.string(), version: z.string(), phase: z.string(), stage: z.string().optional() })
    .optional(),
});

/** A failed build that was kept for a look into it. */
export interface KeptBuild extends z.infer<typeof keptSchema> {
  readonly layout: Layout;
  /** Its folder on this machine, whose name is the container's too. */
  readonly buildFolder: string;
  readonly when: Date;
}

/** Leaves what a failed build ran in, and says how to look into it and how to remove it. */
export async function keepForDebugging(
  build: ResolvedBuild,
  session: Session,
  error: unknown,
  recorder: Recorder,
  logger: Ports['logger'],
): Promise<void> {
  const folder = `rm -rf ${quotedWord(build.buildFolder)}`;
  const kept = session.container?.keep();
  recorder.update({ kept: true });
  const failed = error instanceof PackageBuildError ? await failedPackage(build, session, error) : undefined;
  const engine = build.engine instanceof Error ? 'none' : build.engine.kind;
  const told = {
    schema: 1,
    identifier: build.identifier,
    engine,
    python: session.python,
    layout: session.layout,
  };
  await writeFile(
    join(build.buildFolder, keptName),
    JSON.stringify({ ...told, ...(failed === undefined ? {} : { failed }) }),
    { mode: 0o600 },
  );
  const enter = `Look into it: slurm-factory shell ${build.identifier}`;
  logger.notice(
    session.container === undefined || kept === undefined
      ? `The build's folder is kept: ${build.buildFolder}. ${enter}. Remove it: slurm-factory clean, or ${folder}`
      : `The container ${session.container.name} is kept. ${enter}, or ${kept.enter}. Remove it: slurm-factory clean, or ${kept.remove} && ${folder}`,
  );
}

async function failedPackage(
  { hostLayout }: ResolvedBuild,
  { layout }: Session,
  { failure }: PackageBuildError,
): Promise<z.infer<typeof keptSchema>['failed']> {
  const [, name, version] = /^([^@]+)@(.+)$/.exec(failure.package) ?? [];
  if (name === undefined || version === undefined) return undefined;
  const stage = await stageOf(hostLayout.buildStage, `spack-stage-${name}-${version}-`);
  return {
    ...{ name, version, phase: failure.phase },
    ...(stage === undefined ? {} : { stage: posix.join(layout.buildStage, stage) }),
  };
}

/** Folder of a package's source below the build stage, which has a folder for each user; its stage without one. */
async function stageOf(root: string, start: string): Promise<string | undefined> {
  const folders = [root, ...(await foldersIn(root))];
  for (const folder of folders) {
    const stage = (await foldersIn(folder)).find((path) => basename(path).startsWith(start));
    if (stage === undefined) continue;
    const source = (await foldersIn(stage)).find((path) => basename(path) === 'spack-src');
    return relative(root, source ?? stage);
  }
  return undefined;
}

// No link is followed: a build writes there.
async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
}

/**
 * The failed builds that were kept on this machine, the newest first.
 * @param buildDir folder that builds work in
 */
export async function listKept(buildDir: string): Promise<KeptBuild[]> {
  const names = await readdir(buildDir).catch(() => [] as string[]);
  const found = await Promise.all(names.filter(isBuildName).map((name) => readKept(join(buildDir, name))));
  return found.filter((kept) => kept !== undefined).sort((a, b) => b.when.getTime() - a.when.getTime());
}

async function readKept(buildFolder: string): Promise<KeptBuild | undefined> {
  const text = await readPlain(buildFolder, keptName, mostKeptBytes).catch(() => undefined);
  const parsed = keptSchema.safeParse(text === undefined ? undefined : parseJson(text.toString('utf8')));
  if (!parsed.success) return undefined;
  const { mtime } = await stat(join(buildFolder, keptName));
  return { ...parsed.data, buildFolder, when: mtime };
}
