import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { AuditReport } from '../audit/run.js';
import { InputError } from '../base/errors.js';
import { exists } from '../base/files.js';
import type { Host } from '../base/host.js';
import type { Ports } from '../base/ports.js';
import { findEngine } from '../container/engine.js';
import { ensureImage } from '../container/image.js';
import { layoutBelow, places } from '../container/layout.js';
import { ensurePackages, ensurePython } from '../container/machine.js';
import { machineSession, type Session, startContainer } from '../container/session.js';
import type { EngineChoice } from '../options/schema.js';
import type { SmokeReport } from '../smoke/report.js';
import { smokeTest } from '../smoke/run.js';
import { openSubject } from '../smoke/subject.js';
import { parseTarget, type Target } from '../targets/identifier.js';
import type { Toolchain } from '../targets/toolchains.js';
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
  ports: Ports,
): Promise<AuditReport> {
  const path = resolve(tarball);
  const target = await targetOf(path);
  const { toolchain } = await request.project.loadToolchain(target.toolchain);
  return withSession(request, toolchain, dirname(path), ports, (session) =>
    audit(
      `${session.layout.output}/${basename(path)}`,
      { target, toolchain },
      request.project,
      session,
      ports.logger,
    ),
  );
}

/**
 * Starts a cluster from a finished result.
 * @param prefix where to install; a random folder when left out
 * @throws InputError, NoEngineError, SmokeError
 */
export async function smokeFile(
  tarball: string,
  prefix: string | undefined,
  request: InspectRequest,
  ports: Ports,
): Promise<SmokeReport> {
  const subject = await openSubject(tarball);
  const { toolchain } = await request.project.loadToolchain(subject.target.toolchain);
  const scratch = await mkdtemp(join(tmpdir(), 'slurm-factory-smoke-'));
  try {
    return await smokeTest(
      {
        subject,
        toolchain,
        engine: await findEngine(request.engine, request.host, toolchain, ports.process),
        host: request.host,
        scripts: join(request.project.root, 'scripts', 'inside', 'smoke'),
        context: join(scratch, 'context'),
        name: basename(scratch).toLowerCase(),
        prefix,
      },
      ports,
    );
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function targetOf(path: string): Promise<Target> {
  const identifier = basename(path).replace(/-software\.tar\.gz$/, '');
  const target = parseTarget(identifier);
  const problem = (message: string) => new InputError([{ input: 'tarball', message }]);
  if (target === undefined || identifier === basename(path)) {
    throw problem(`'${path}' is not named like slurm-24.11.6-bookworm-amd64-software.tar.gz.`);
  }
  if (!(await exists(path))) throw problem(`there is no file '${path}'.`);
  return target;
}

async function withSession<T>(
  request: InspectRequest,
  toolchain: Toolchain,
  output: string,
  ports: Ports,
  body: (session: Session) => Promise<T>,
): Promise<T> {
  const { project, host } = request;
  const scratch = await mkdtemp(join(tmpdir(), 'slurm-factory-audit-'));
  const layout = { ...layoutBelow(scratch), output };
  for (const place of places) await mkdir(layout[place], { recursive: true });
  const engine = await findEngine(request.engine, host, toolchain, ports.process);
  const start = async (): Promise<Session> => {
    if (engine.kind === 'none') {
      await ensurePackages(toolchain, host, false, ports);
      const python = await ensurePython(request.workRoot, project.requirements, host.caBundle, ports);
      return machineSession(layout, python, ports.process, request.env);
    }
    const { dockerfile } = await project.loadToolchain(toolchain.id);
    const definition = {
      toolchain,
      dockerfile,
      requirements: project.requirements,
      containerImage: undefined,
    };
    const image = await ensureImage(engine.kind, definition, host, join(scratch, 'context'), ports);
    const name = basename(scratch).toLowerCase();
    return startContainer({ program: engine.kind, image: image.tag, name, host }, layout, ports.process);
  };
  try {
    const session = await start();
    // Whatever runs in the session then fails, and the folders go.
    const cancel = () => void session.stop();
    ports.signal.addEventListener('abort', cancel, { once: true });
    try {
      ports.signal.throwIfAborted();
      return await body(session);
    } finally {
      ports.signal.removeEventListener('abort', cancel);
      await session.stop();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
