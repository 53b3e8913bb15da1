import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach } from '@jest/globals';
import { listFiles, sha256 } from '../../src/base/files.js';
import type { Host } from '../../src/base/host.js';
import type {
  ArtifactStore,
  CacheInventory,
  CacheStore,
  Logger,
  Ports,
  ProcessRunner,
  RunOptions,
  RunResult,
  WebClient,
} from '../../src/base/ports.js';
import type { Project } from '../../src/pipeline/project.js';
import type { MeasuredBuilds } from '../../src/plan/work.js';
import { defaultChoice, type Switches, switchVariants } from '../../src/targets/feature-choice.js';
import { featuresPath, parseFeatures } from '../../src/targets/features.js';
import { readTarget, type Target } from '../../src/targets/identifier.js';
import { librariesPath, parseLibraries } from '../../src/targets/libraries.js';
import type { Release } from '../../src/targets/releases.js';
import { parseSelfContained, selfContainedPath } from '../../src/targets/self-contained.js';
import { type FittedToolchain, parseToolchain, type Toolchain } from '../../src/targets/toolchains.js';
import { xzOf } from './xz.js';

/** Small builders and fakes at the core's seams, for the unit tests. */

const folders: string[] = [];

/** A new folder, gone behind the test. */
export async function temporaryFolder(
  files: Readonly<Record<string, string | Buffer>> = {},
): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'slurm-factory-unit-')));
  folders.push(folder);
  await writeFiles(folder, files);
  return folder;
}

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** Writes files by relative path, their folders with them. */
export async function writeFiles(
  folder: string,
  files: Readonly<Record<string, string | Buffer>>,
): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}

/** Text of all files below a folder by relative path. */
export async function readFiles(folder: string): Promise<Record<string, string>> {
  const names = await listFiles(folder);
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), 'utf8')] as const)),
  );
}

/** What a fake process answers; what is left out is success and silence. */
export type Answer = Partial<RunResult>;
type Script = (
  command: readonly string[],
  options: RunOptions,
) => Answer | undefined | Promise<Answer | undefined>;

export interface FakeProcess extends ProcessRunner {
  /** All commands, as they came. */
  readonly calls: { readonly command: readonly string[]; readonly options: RunOptions }[];
  /** The commands as text, words joined by a space. */
  readonly lines: readonly string[];
}

/**
 * A process runner that starts nothing: it notes each command and answers from the script. As a real one it
 * rejects once its signal is aborted, and ends what the script leaves without an answer by that alone.
 */
export function fakeProcess(script: Script = () => undefined): FakeProcess {
  const calls: { command: readonly string[]; options: RunOptions }[] = [];
  return {
    calls,
    get lines() {
      return calls.map(({ command }) => command.join(' '));
    },
    async run(command, options = {}) {
      options.signal?.throwIfAborted();
      calls.push({ command: [...command], options });
      const scripted = await Promise.race([script(command, options), abortOf(options.signal)]);
      options.signal?.throwIfAborted();
      const answer = { exitCode: 0, stdout: '', stderr: '', ...scripted };
      for (const stream of ['stdout', 'stderr'] as const) {
        for (const line of answer[stream].split('\n')) if (line !== '') options.onLine?.(line, stream);
      }
      return answer;
    },
  };
}

/** Rejects once a signal is aborted. */
const abortOf = (signal: AbortSignal | null | undefined) =>
  new Promise<never>((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  });

/** The answer of a process that only a signal ends. */
export const never = new Promise<never>(() => {});

export interface LogLine {
  readonly level: 'debug' | 'info' | 'notice' | 'warning' | 'error' | 'group' | 'mask';
  readonly message: string;
}

export interface RecordingLogger extends Logger {
  readonly log: LogLine[];
  of(level: LogLine['level']): string[];
}

export function recordingLogger(): RecordingLogger {
  const log: LogLine[] = [];
  const write = (level: LogLine['level']) => (message: string) => {
    log.push({ level, message });
  };
  return {
    log,
    of: (level) => log.filter((line) => line.level === level).map((line) => line.message),
    debug: write('debug'),
    info: write('info'),
    notice: write('notice'),
    warning: write('warning'),
    error: write('error'),
    mask: write('mask'),
    group: (name, body) => {
      write('group')(name);
      return body();
    },
  };
}

export interface MemoryCache extends CacheStore {
  /** Content by key, then by relative path; a test may damage it. */
  readonly entries: Map<string, Map<string, Buffer>>;
  readonly inventory: CacheInventory;
  /** When entries were last used, by key; the time of the test where it is left out. */
  readonly lastUse: Map<string, number>;
}

/** A cache service in memory. */
export function memoryCache(): MemoryCache {
  const entries = new Map<string, Map<string, Buffer>>();
  const lastUse = new Map<string, number>();
  return {
    entries,
    lastUse,
    inventory: {
      list: async (prefixes) =>
        [...entries]
          .filter(([key]) => prefixes.some((prefix) => key.startsWith(prefix)))
          .map(([key, content]) => ({
            id: key,
            key,
            size: [...content.values()].reduce((sum, { length }) => sum + length, 0),
            lastUse: lastUse.get(key) ?? Date.now(),
          })),
      remove: async ({ key }) => void entries.delete(key),
      usage: async () => undefined,
    },
    async find(key, prefixes) {
      const byPrefix = [...entries.keys()].filter((name) => prefixes.some((one) => name.startsWith(one)));
      return entries.has(key) ? key : byPrefix.at(-1);
    },
    async restore(key, prefixes, directory) {
      const byPrefix = prefixes.flatMap((prefix) =>
        [...entries.keys()].filter((name) => name.startsWith(prefix)),
      );
      // The one that was saved last.
      const found = entries.has(key) ? key : byPrefix.at(-1);
      for (const [name, content] of entries.get(found ?? '') ?? []) {
        await writeFiles(directory, { [name]: content });
      }
      return found;
    },
    async save(key, directory) {
      if (entries.has(key)) return 'exists';
      const content = new Map<string, Buffer>();
      for (const name of await listFiles(directory)) content.set(name, await readFile(join(directory, name)));
      entries.set(key, content);
      return 'saved';
    },
  };
}

/** A cache service that is down. */
export const brokenCache: CacheStore = {
  find: async () => {
    throw new Error('503 Service Unavailable');
  },
  restore: async () => {
    throw new Error('503 Service Unavailable');
  },
  save: async () => {
    throw new Error('503 Service Unavailable');
  },
};

export interface RecordingArtifacts extends Required<ArtifactStore> {
  /** What was uploaded: the files' texts by name, read at the time of the upload. */
  readonly uploads: {
    readonly name: string;
    readonly files: Readonly<Record<string, string>>;
    readonly retentionDays: number | undefined;
  }[];
}

export function recordingArtifacts(): RecordingArtifacts {
  const uploads: RecordingArtifacts['uploads'] = [];
  const done = (name: string) => ({
    name,
    id: uploads.length,
    url: `https://artifacts.test/${uploads.length}`,
  });
  return {
    uploads,
    async uploadFile(file, retentionDays) {
      const name = file.slice(dirname(file).length + 1);
      uploads.push({ name, files: { [name]: await readFile(file, 'utf8') }, retentionDays });
      return done(name);
    },
    async uploadFolder(name, folder, retentionDays) {
      uploads.push({ name, files: await readFiles(folder), retentionDays });
      return done(name);
    },
  };
}

/** All ports as fakes; a test brings those that it looks at. */
/** A web that gives the same for every address, a text packed with xz, and keeps what was asked. */
export function fakeWeb(given: string | Error | Uint8Array = '') {
  const asked: string[] = [];
  const web: WebClient & { readonly asked: readonly string[] } = {
    asked,
    get: async (address) => {
      asked.push(address);
      if (given instanceof Error) throw given;
      return typeof given === 'string' ? xzOf(given) : new Uint8Array(given);
    },
    download: async (address, file) => {
      asked.push(address);
      if (given instanceof Error) throw given;
      const bytes = Buffer.from(given);
      await writeFile(file, bytes, { flag: 'wx' });
      return { size: bytes.length, sha256: sha256(bytes) };
    },
  };
  return web;
}

export function fakePorts<T extends Partial<Ports>>(given: T) {
  return {
    process: fakeProcess(),
    web: fakeWeb(),
    logger: recordingLogger(),
    cache: memoryCache(),
    artifacts: recordingArtifacts(),
    state: { save: () => {} },
    env: { PATH: '/usr/bin:/bin' },
    signal: new AbortController().signal,
    ...given,
  };
}

/** A machine without proxy, CA bundle or GPU, with a distribution that no toolchain is. */
export function host(change: Partial<Host> = {}): Host {
  return {
    arch: 'x64',
    cpus: 4,
    memory: 8e9,
    uid: 1001,
    gid: 121,
    os: { id: 'ubuntu', version: '24.04' },
    caBundle: undefined,
    proxy: {},
    devices: [],
    owner: 'builder~boot~1~2~3',
    ...change,
  };
}

/** A release by its version; its commit and sum are made up. */
export function release(version: string): Release {
  const spack = `${version.replaceAll('.', '-')}-1`;
  return {
    version,
    series: version.split('.').slice(0, 2).join('.'),
    spack,
    tag: `slurm-${spack}`,
    commit: 'c'.repeat(40),
    archiveSha256: 'a'.repeat(64),
    date: '2026-01-01',
  };
}

/** A target that needs its distribution's libraries: 24.11.6 for bookworm unless told otherwise. */
export function systemTarget(change: Partial<Omit<Target, 'dependencies' | 'platform'>> = {}): Target {
  const { toolchain: id = 'bookworm' } = change;
  const platform = { dependencies: 'system', platform: id, toolchain: id } as const;
  return { version: '24.11.6', gpu: 'none', arch: 'amd64', ...change, ...platform };
}

/** A target that brings its libraries: 24.11.6 for glibc 2.34, built with bookworm, unless told otherwise. */
export function bundledTarget(change: Partial<Omit<Target, 'dependencies'>> = {}): Target {
  const target = { version: '24.11.6', gpu: 'none', arch: 'amd64', dependencies: 'bundled' } as const;
  return { ...target, platform: 'glibc2.34', toolchain: 'bookworm', ...change };
}

/** The target that an identifier names, built with bookworm where it does not say with what. */
export function targetNamed(identifier: string): Target {
  const target = readTarget(identifier, 'bookworm');
  if (target === undefined) throw new Error(`${identifier} is no target`);
  return target;
}

/** The recipe's own. */
export const recipe = parseFeatures(readFileSync(new URL(`../../${featuresPath}`, import.meta.url), 'utf8'));
export const { features } = recipe;

/** The project's own. */
export const libraries = parseLibraries(
  readFileSync(new URL(`../../${librariesPath}`, import.meta.url), 'utf8'),
);

/** The project's own. */
export const selfContained = parseSelfContained(
  readFileSync(new URL(`../../${selfContainedPath}`, import.meta.url), 'utf8'),
);

/** What an audit asks of the project. */
export const auditFacts = { features: recipe, libraries };

export const toolchainText = `
id: bookworm
name: Debian 12 (bookworm)
os: {id: debian, version: '12', spack: debian12}
packageManager: dpkg
base: {image: 'debian:bookworm', digest: null}
compiler:
  name: gcc
  version: 12.2.0
  glibc: '2.36'
  glibcxx: 3.4.30
  oldestGlibc: '2.34'
  languages: {c: /usr/bin/gcc, cxx: /usr/bin/g++, fortran: /usr/bin/gfortran}
security:
  archive: https://deb.debian.org/debian-security
  suite: bookworm-security
  components: [main]
  keyring: /usr/share/keyrings/debian-archive-keyring.gpg
buildPackages: [make, gcc, patchelf]
dependencies:
  - {spec: dbus, package: libdbus-1-dev, variants: build_system=autotools}
  - {spec: munge, package: libmunge-dev}
tools:
  - {spec: gmake, package: make}
  - {spec: gnuconfig, package: autotools-dev, prefix: /usr/share/misc}
`;

let parsed: Toolchain | undefined;

/** What a build with the default features has where a distribution lacks some variants. */
export function switchesWithout(lacking: readonly string[] = []): Switches {
  return switchVariants(defaultChoice, recipe.variants, '26.05.3', { id: 'bookworm', lacking }) as Switches;
}

export function toolchain(change: Partial<FittedToolchain> = {}): FittedToolchain {
  parsed ??= parseToolchain(toolchainText, 'the test', 'amd64', features);
  const { lacking } = { ...parsed, ...change };
  return { ...parsed, switches: switchesWithout(lacking), ...change };
}

/** The toolchain of the fake project: with all that an audit and a smoke test ask of it. */
export const projectToolchain = (): FittedToolchain =>
  toolchain({
    systemLibraries: ['libc.so.6', 'libmunge.so.2'],
    smoke: { packages: ['munge', 'mariadb-server'], unpacked: [] },
  });

export const pins = {
  spack: { git: 'https://git.test/spack.git', commit: '1'.repeat(40) },
  packages: { git: 'https://git.test/spack-packages.git', commit: '2'.repeat(40) },
  slurm: { git: 'https://git.test/slurm.git' },
};

/** Builds whose times are easy to add up, seconds: Slurm 100, or 60 by ccache, two small packages 1 each. */
export const measuredBuilds: MeasuredBuilds = {
  comment: '',
  machine: 'two cores',
  day: '2026-01-01',
  fresh: { seconds: 10, source: '' },
  builds: [
    {
      ...{ target: 'slurm-24.11.5-bookworm-amd64', gpu: 'none', dependencies: 'system', compiled: 'cold' },
      ...{ rest: 40, install: 102 },
      packages: [
        { name: 'compiler-wrapper', hash: 'w', seconds: 1 },
        { name: 'gcc-runtime', hash: 'g', seconds: 1 },
        { name: 'slurm', hash: 's' },
      ],
    },
    {
      ...{ target: 'slurm-24.11.6-bookworm-amd64', gpu: 'none', dependencies: 'system' },
      ...{ compiled: 'other-release', rest: 40, install: 60 },
      packages: [{ name: 'slurm', hash: 't' }],
    },
    {
      ...{ target: 'slurm-24.11.6-glibc2.34-amd64', gpu: 'none', dependencies: 'bundled', compiled: 'none' },
      ...{ rest: 30, install: 5 },
      packages: [],
    },
  ],
};

/** The project's files, without a file: three releases, one toolchain. */
export function fakeProject(change: Partial<Project> = {}): Project {
  return {
    root: '/project',
    releases: ['24.05.8', '24.11.5', '24.11.6'].map(release),
    advisories: [],
    support: [],
    features: recipe,
    libraries,
    selfContained,
    pins,
    toolchains: ['bookworm'],
    overlay: '/project/spack-repo',
    requirements: 'clingo==5.8.0 --hash=sha256:00\n',
    loadToolchain: async (_id, arch) => ({
      toolchain: { ...projectToolchain(), arch },
      dockerfile: 'FROM scratch\n',
    }),
    template: async () => 'whatis("Version: @VERSION@")\n',
    script: async (name) => `# ${name}\n`,
    sharing: async () => ({ look: '# look.py\n', dockerfile: 'FROM scratch\n', requirements: 'boto3==1\n' }),
    // Of other commits than the fake pins.
    shippedIndexes: async () => ({ spack: '', packages: '', files: {} }),
    measured: async () => measuredBuilds,
    digest: async (part) => `digest of ${part}`,
    ...change,
  };
}
