import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { InputError, type Problem } from '../base/errors.js';
import { makeFolder } from '../base/folders.js';
import type { Logger } from '../base/ports.js';
import { reasonOf } from '../bundle/contents.js';
import { type SharePolicy, sharePolicy, type Trigger } from '../cache/policy.js';
import type { BuildOptions } from '../config/resolve.js';
import type { Layout } from '../container/layout.js';
import type { Session } from '../container/session.js';
import type { SpackCommand } from '../spack/commands.js';
import type { LockedSpec } from '../spack/lock.js';
import {
  bringCommand,
  describeFault,
  type Fault,
  faultIn,
  indexCommand,
  loginVariables,
  lookCommand,
  pushCommand,
  readLook,
  renderScope,
  type SharedMirror,
  type SharedPlaces,
  sharingEnvironment,
} from '../spack/shared.js';
import { buildCacheName, isLoopback } from '../targets/build-cache.js';

/** A build cache that machines share, as a build uses it. */
export interface SharedCache extends SharedMirror, SharePolicy {
  /** Values of the login by the variables that Spack reads. They go into no file and no argument. */
  readonly values: Readonly<Record<string, string>>;
}

interface ShareRequest {
  readonly trigger: Trigger;
  /** Folder that relative paths start from. */
  readonly cwd: string;
  readonly variable?: ((name: string) => string | undefined) | undefined;
}

type ShareOptions = Pick<
  BuildOptions,
  'buildCache' | 'buildCacheLogin' | 'buildCacheEndpoint' | 'cache' | 'signing'
>;

/**
 * The build cache that the inputs name, with its login.
 * @throws InputError for a variable that is not there
 */
export function resolveShared(options: ShareOptions, request: ShareRequest): SharedCache | undefined {
  const { buildCache, buildCacheLogin, buildCacheEndpoint: endpoint, cache: mode, signing } = options;
  const policy = sharePolicy(mode, request.trigger);
  if (buildCache === undefined || !policy.read) return undefined;
  const cache =
    buildCache.kind === 'file' ? { ...buildCache, path: resolve(request.cwd, buildCache.path) } : buildCache;
  const names = Object.entries(buildCacheLogin ?? {}) as [keyof typeof loginVariables, string][];
  const found = names.map(([part, name]) => [part, name, request.variable?.(name) ?? ''] as const);
  const missing = found.filter(([, , value]) => value === '');
  // A fork's pull request has no secrets: what it can read without one it reads.
  if (missing.length > 0 && policy.push) throw new InputError(missing.map(([, name]) => notThere(name)));
  const login = missing.length > 0 ? [] : found;
  return {
    ...{ cache, endpoint, ...policy },
    login: login.map(([part]) => part),
    values: Object.fromEntries(login.map(([part, , value]) => [loginVariables[part], value])),
    // A registry's packages have no signatures of Spack's.
    signed: cache.kind !== 'oci' && signing !== undefined,
  };
}

/** What of a login no log may show. A user's name is no secret. */
export const secretsOf = ({ values }: SharedCache): string[] =>
  Object.entries(values).flatMap(([name, value]) => (name === loginVariables.id ? [] : [value]));

const notThere = (name: string): Problem => ({
  input: 'build-cache-login',
  message: `the variable ${name} is not set. Set it in the environment of the step or the command.`,
});

/** The network that leads to a build cache: none to a folder, this machine's own to a server on it. */
export function networkTo({ cache, endpoint }: SharedMirror): boolean | 'host' {
  if (cache.kind === 'file') return false;
  return isLoopback(endpoint ?? cache.url) ? 'host' : true;
}

/** What works with a shared build cache. */
export interface Sharer {
  readonly session: Session;
  readonly places: SharedPlaces;
  /** Fingerprint of the key that packages are signed with; undefined for none. */
  readonly key: string | undefined;
}

/** What a sharing session reads. */
export interface SharingFiles {
  readonly shared: SharedCache;
  readonly places: SharedPlaces;
  /** The session's layout. */
  readonly layout: Layout;
  /** Text of `look.py`. */
  readonly look: string;
  /** The build's environment on this machine; undefined where there is none. */
  readonly environment: string | undefined;
}

/**
 * Writes it; a build cache that is a folder is made where it lacks.
 * @param own folder on this machine
 */
export async function writeSharing(
  own: string,
  { shared, places, layout, look, environment }: SharingFiles,
): Promise<void> {
  if (shared.cache.kind === 'file') await makeFolder(shared.cache.path, { input: 'build-cache' });
  for (const name of ['scope', 'environment', 'stage']) await mkdir(join(own, name), { recursive: true });
  const files = { ...renderScope(shared, places, layout), 'look.py': look };
  for (const [name, text] of Object.entries(files)) await writeFile(join(own, 'scope', name), text);
  if (environment === undefined) return;
  const yaml = await readFile(join(environment, 'spack.yaml'), 'utf8');
  const text = sharingEnvironment(yaml, places.keyring !== undefined);
  await writeFile(join(own, 'environment', 'spack.yaml'), text);
  await copyFile(join(environment, 'spack.lock'), join(own, 'environment', 'spack.lock'));
}

/**
 * The packages of a lock in a build cache that machines share. A fault of the cache is a warning, and never ends a
 * build: what it does not bring is built.
 */
export class SharedPackages {
  readonly #wanted = new Map<string, LockedSpec>();
  #there: ReadonlySet<string> = new Set();
  /** Once it has failed it is not asked again: each question may take as long. */
  #failed = false;
  #waiting: string[] = [];
  #last: Promise<void> = Promise.resolve();
  #pushed = 0;

  constructor(
    private readonly shared: SharedCache,
    private readonly sharer: Sharer,
    private readonly logger: Logger,
    private readonly signal: AbortSignal,
    /** Hashes in Spack's database: it says that a package is installed some time before it writes it down. */
    private readonly database: () => Promise<Iterable<string>>,
  ) {}

  /**
   * Looks which packages are there, and installs those that are not here.
   * @param wanted all packages of the lock that Spack installs
   * @param here hashes of those that need not be brought
   */
  async bring(wanted: readonly LockedSpec[], here: readonly string[]): Promise<void> {
    for (const spec of wanted) this.#wanted.set(spec.hash, spec);
    try {
      await this.#bring(wanted, here);
    } catch (error) {
      // A container that died, say; a cancelled build ends.
      if (this.signal.aborted) throw error;
      this.#tell('is not used', { status: null, reason: reasonOf(error) });
    }
  }

  async #bring(wanted: readonly LockedSpec[], here: readonly string[]): Promise<void> {
    const name = buildCacheName(this.shared.cache);
    const hashes = wanted.map(({ hash }) => hash);
    const looked = await this.#run(lookCommand(this.#side, this.sharer.places, hashes));
    const { there, fault } = readLook(looked);
    this.#there = new Set(there);
    if (fault !== undefined) return this.#tell('is not used', fault);
    this.logger.info(`${there.length} of ${wanted.length} packages are in the build cache ${name}`);
    const asked = there.filter((hash) => !here.includes(hash));
    if (asked.length === 0) return;
    const done = await this.#run(bringCommand(this.#side, this.sharer.places, asked));
    if (done.exitCode !== 0) this.#tell('did not bring all that it has', faultIn(done));
  }

  /** Says that a package is installed: it is pushed, where the cache does not have it. */
  installed(hash: string): void {
    const whole = [...this.#wanted.keys()].find((one) => one.startsWith(hash));
    if (whole === undefined || this.#there.has(whole) || !this.shared.push) return;
    this.#waiting.push(whole);
    this.push();
  }

  /** Pushes what waits for it and is in Spack's database by now. */
  push(): void {
    this.#last = this.#last.then(() => this.#pushWaiting());
  }

  /** Ends once all is pushed that was installed. */
  async settled(): Promise<void> {
    this.push();
    await this.#last;
    if (this.#pushed > 0) {
      const name = buildCacheName(this.shared.cache);
      this.logger.info(`${this.#pushed} packages were pushed to the build cache ${name}`);
    }
  }

  get #side(): Pick<Session, 'layout' | 'python'> {
    return this.sharer.session;
  }

  async #pushWaiting(): Promise<void> {
    if (this.#waiting.length === 0 || this.#failed || this.signal.aborted) return;
    try {
      const known = new Set(await this.database());
      // One that is pushed takes along what was installed meanwhile.
      const hashes = this.#waiting.filter((hash) => known.has(hash));
      this.#waiting = this.#waiting.filter((hash) => !known.has(hash));
      if (hashes.length === 0) return;
      const command = pushCommand(this.#side, this.sharer.places, hashes, this.sharer.key);
      const done = await this.#run(command);
      if (done.exitCode === 0) this.#pushed += hashes.length;
      else this.#tell('did not take all packages, and the next build makes them again', faultIn(done));
    } catch (error) {
      if (!this.signal.aborted) this.#tell('is not pushed to', { status: null, reason: reasonOf(error) });
    }
  }

  #run(command: SpackCommand): ReturnType<Session['exec']> {
    return runShared(this.shared, this.sharer, command, this.logger);
  }

  #tell(what: string, fault: Fault): void {
    this.#failed = true;
    const name = buildCacheName(this.shared.cache);
    this.logger.warning(`The build cache ${name} ${what}: ${describeFault(fault)}.`);
  }
}

/** Runs a command of Spack's that has the login. */
function runShared(
  { values }: SharedCache,
  { session }: Sharer,
  { command, env }: SpackCommand,
  logger: Logger,
): ReturnType<Session['exec']> {
  const onLine = (line: string) => logger.debug(line);
  return session.exec(command, { env: { ...env, ...values }, onLine });
}

/** Writes the index of a build cache. Returns the fault that kept it from that. */
export async function writeIndex(
  shared: SharedCache,
  sharer: Sharer,
  logger: Logger,
): Promise<Fault | undefined> {
  const { session, places, key } = sharer;
  const done = await runShared(shared, sharer, indexCommand(session, places, key), logger);
  return done.exitCode === 0 ? undefined : faultIn(done);
}
