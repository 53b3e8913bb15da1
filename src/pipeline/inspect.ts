import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { AuditReport } from '../audit/run.js';
import { InputError } from '../base/errors.js';
import type { Host } from '../base/host.js';
import type { Ports } from '../base/ports.js';
import { copyPlain, openPlain, PlainFileError } from '../base/safe.js';
import { withSignal } from '../base/signal.js';
import { unknownValue } from '../base/suggest.js';
import { visible } from '../base/text.js';
import { exampleName, targetOfFile } from '../bundle/catalogue.js';
import { type EngineChoice, image } from '../config/inputs.js';
import { containerNameFor } from '../container/container.js';
import { findEngine, tellEngine } from '../container/engine.js';
import { ensureImage } from '../container/image.js';
import { layoutBelow, places } from '../container/layout.js';
import { ensurePackages, ensurePython } from '../container/machine.js';
import { machineSession, type Session, startSession } from '../container/session.js';
import type { SmokeReport } from '../smoke/report.js';
import { smokeTest } from '../smoke/run.js';
import { openSubject, readManifest } from '../smoke/subject.js';
import { readChoiceWord } from '../targets/feature-choice.js';
import { type Target, withToolchain } from '../targets/identifier.js';
import { type FittedToolchain, fitToolchain, type Toolchain } from '../targets/toolchains.js';
import type { Project } from './project.js';
import { audit } from './stages/audit.js';

/** What a check of finished files needs. */
export interface InspectRequest {
  readonly project: Project;
  readonly host: Host;
  readonly engine: EngineChoice;
  /** Folder for what is kept between calls. */
  readonly workRoot: string;
  /** Environment of processes on the machine itself. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Audits a finished software tarball in its toolchain's builder image.
 * @throws InputError, NoEngineError, AuditError
 */
export async function auditFile(
  tarball: string,
  request: InspectRequest,
  given: Ports,
): Promise<AuditReport> {
  const ports = bound(given);
  const name = basename(resolve(tarball));
  const target = await targetOf(tarball);
  const toolchain = await toolchainOf(target, request.project);
  const path = await requireTarball(tarball);
  return withSession(request, toolchain, { path, name }, ports, (session) =>
    audit(`${session.layout.output}/${name}`, { target, toolchain }, request.project, session, ports.logger),
  );
}

/** Where a cluster is started. */
export interface SmokePlace {
  /** Folder to install in; a random one when left out. */
  readonly prefix?: string | undefined;
  /** Image of another distribution than the toolchain's, with the same package manager. */
  readonly containerImage?: string | undefined;
}

/**
 * Starts a cluster from a finished result.
 * @throws InputError, NoEngineError, SmokeError
 */
export async function smokeFile(
  tarball: string,
  where: SmokePlace,
  request: InspectRequest,
  given: Ports,
): Promise<SmokeReport> {
  const ports = bound(given);
  if (where.containerImage !== undefined && !image.test(where.containerImage)) {
    throw new InputError([
      {
        input: 'container-image',
        message: `'${visible(where.containerImage)}' is not the name of a container image.`,
      },
    ]);
  }
  const subject = await openSubject(tarball);
  const toolchain = await toolchainOf(subject.target, request.project);
  const engine = await findEngine(request.engine, request.host, toolchain, ports.process);
  tellEngine(engine, ports.logger);
  const scratch = await mkdtemp(join(tmpdir(), 'slurm-factory-smoke-'));
  try {
    return await smokeTest(
      {
        subject,
        toolchain,
        engine,
        host: request.host,
        scripts: join(request.project.root, 'scripts', 'inside', 'smoke'),
        context: join(scratch, 'context'),
        name: newName('smoke'),
        ...where,
      },
      ports,
    );
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

// An abort ends what runs, whoever started it.
const bound = (ports: Ports): Ports => ({ ...ports, process: withSignal(ports.process, ports.signal) });

const newName = (kind: 'audit' | 'smoke') => containerNameFor(randomBytes(6).toString('hex'), kind);

const refuse = (message: string): InputError => new InputError([{ input: 'tarball', message }]);

// A tarball that brings its libraries does not say by its name what it was built with: its manifest does.
async function targetOf(tarball: string): Promise<Target> {
  const path = resolve(tarball);
  const named = targetOfFile(basename(path), 'software');
  if (named === undefined) {
    throw refuse(`'${visible(tarball)}' is not named like ${exampleName('software')}.`);
  }
  return withToolchain(named) ?? (await readManifest(dirname(path), named)).target;
}

async function toolchainOf(
  { toolchain: id, arch, features, version }: Target,
  project: Project,
): Promise<FittedToolchain> {
  if (!project.toolchains.includes(id)) {
    throw refuse(unknownValue('toolchain', visible(id), project.toolchains));
  }
  const { toolchain } = await project.loadToolchain(id, arch);
  const fitted = fitToolchain(toolchain, project.features, readChoiceWord(features), version);
  if (Array.isArray(fitted)) throw refuse(`its name tells what can't be: ${fitted.join(' ')}`);
  return fitted;
}

/** Bytes that a tarball may have; Slurm's has some 10 MB, and unpacked no more than this is read. */
const largestTarball = 1 << 30;

/** Path of a tarball without links. What is no file is refused before anything waits for it. */
async function requireTarball(tarball: string): Promise<string> {
  try {
    const path = await realpath(tarball);
    const file = await openPlain(dirname(path), basename(path));
    const { size } = await file.stat().finally(() => file.close());
    if (size === 0) throw refuse(`'${visible(tarball)}' is empty.`);
    return path;
  } catch (error) {
    throw asInputError(tarball, error);
  }
}

function asInputError(tarball: string, error: unknown): unknown {
  if (error instanceof PlainFileError) return refuse(`'${visible(tarball)}' ${error.reason}.`);
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ENOTDIR') return refuse(`there is no file '${visible(tarball)}'.`);
  return code === undefined ? error : refuse(`'${visible(tarball)}' can't be read (${code}).`);
}

async function withSession<T>(
  request: InspectRequest,
  toolchain: Toolchain,
  tarball: { readonly path: string; readonly name: string },
  ports: Ports,
  body: (session: Session) => Promise<T>,
): Promise<T> {
  const { project, host } = request;
  const { requirements } = project;
  const engine = await findEngine(request.engine, host, toolchain, ports.process);
  tellEngine(engine, ports.logger);
  const scratch = await mkdtemp(join(tmpdir(), 'slurm-factory-audit-'));
  const layout = layoutBelow(scratch);
  const start = async (): Promise<Session> => {
    if (engine.kind === 'none') {
      await ensurePackages(toolchain, host, false, ports);
      const python = await ensurePython(request.workRoot, { toolchain, requirements }, host.caBundle, ports);
      return machineSession(layout, python, ports.process, request.env);
    }
    const { dockerfile } = await project.loadToolchain(toolchain.id, toolchain.arch);
    const definition = { toolchain, dockerfile, requirements, containerImage: undefined };
    const image = await ensureImage(engine.kind, definition, host, join(scratch, 'context'), ports);
    const build = {
      program: engine.kind,
      image: image.tag,
      kind: 'audit' as const,
      name: newName('audit'),
      host,
    };
    return startSession(build, layout, ports);
  };
  try {
    for (const place of places) await mkdir(layout[place], { recursive: true });
    // A copy, so that programs of the tarball see nothing else of the folder that it lies in.
    const { path, name } = tarball;
    await copyPlain(dirname(path), basename(path), join(layout.output, name), {
      mode: 0o444,
      limit: largestTarball,
    }).catch((error: unknown) => {
      throw error instanceof PlainFileError ? asInputError(path, error) : error;
    });
    ports.signal.throwIfAborted();
    const session = await start();
    try {
      return await body(session);
    } finally {
      await session.stop();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
