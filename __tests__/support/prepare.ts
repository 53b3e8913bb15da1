import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { mirrorArchives, mirrorWheel, reachable, type UpstreamArchive } from './sources.js';

const execute = promisify(execFile);

export const projectRoot = resolve(import.meta.dirname, '..', '..');

/** What the tests keep between runs: tools, upstream sources. */
export const testCache = join(
  process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
  'slurm-factory-tests',
);

const slurm = 'https://github.com/SchedMD/slurm.git';
const compilerWrapper = 'https://github.com/spack/compiler-wrapper.git';
export const upstreams = [
  slurm,
  compilerWrapper,
  'https://github.com/spack/spack.git',
  'https://github.com/spack/spack-packages.git',
];

/** The upstream addresses that can't be reached from here. */
export async function unreachableUpstreams(): Promise<string[]> {
  const answers = await Promise.all(upstreams.map(reachable));
  return upstreams.filter((_, index) => !answers[index]);
}

interface ReleasesFile {
  releases: Record<string, { version: string; tag: string; archiveSha256: string }[]>;
}

const readData = (name: string) => JSON.parse(readFileSync(join(projectRoot, 'data', name), 'utf8'));

/**
 * A Spack source mirror with what the builds of some releases fetch, made from the official repositories.
 * @returns its folder
 */
export async function sourceMirror(versions: readonly string[]): Promise<string> {
  const folder = join(testCache, 'source-mirror');
  mkdirSync(folder, { recursive: true });
  const file: ReleasesFile = readData('slurm-releases.json');
  const releases: UpstreamArchive[] = Object.values(file.releases)
    .flat()
    .filter((release) => versions.includes(release.version))
    .map((release) => ({
      repository: slurm,
      tag: release.tag,
      prefix: `slurm-${release.tag}`,
      sha256: release.archiveSha256,
    }));
  const { nvml, sources } = readData('pins.json');
  const { version, tag, archiveSha256 } = sources['compiler-wrapper'];
  const wrapper = {
    repository: compilerWrapper,
    tag,
    prefix: `compiler-wrapper-${version}`,
    sha256: archiveSha256,
  };
  await mirrorArchives(folder, [...releases, wrapper]);
  await mirrorWheel(folder, `${nvml.package}==${nvml.version}`, nvml.wheels.amd64.sha256);
  return folder;
}

/** Prepares Docker, act and Node 24; installs and starts what is missing. Returns Node 24's folder. */
export async function prepareMachine(): Promise<string> {
  const { stdout } = await execute(join(projectRoot, 'scripts', 'prepare-e2e.sh'), {
    env: { ...process.env, SLURM_FACTORY_TEST_TOOLS: testCache },
    timeout: 900_000,
  });
  return stdout.trim().split('\n').at(-1) ?? '';
}

/**
 * A git configuration for processes that see none of this machine's: where upstream repositories are found,
 * whichever file or variable says so here.
 * @param file where it is written
 * @returns the folders it points to
 */
export function gitConfiguration(file: string): string[] {
  const found = spawnSync('git', ['config', '--includes', '--get-regexp', '^url\\..*\\.insteadof$'], {
    encoding: 'utf8',
  });
  const rules = [...found.stdout.matchAll(/^url\.(.+)\.insteadof (.+)$/gim)];
  const lines = rules.map(([, base, instead]) => `[url "${base}"]\n\tinsteadOf = ${instead}\n`);
  writeFileSync(file, `[safe]\n\tdirectory = *\n${lines.join('')}`);
  return rules.flatMap(([, base = '']) => (base.startsWith('file://') ? [base.slice('file://'.length)] : []));
}

export const temporaryFolder = (name: string): string =>
  mkdtempSync(join(tmpdir(), `slurm-factory-${name}-`));

/** Runs docker and returns what it printed; its output is in the error when it fails. */
export function docker(...args: string[]): string {
  try {
    return execFileSync('docker', args, {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`docker ${args.join(' ')}\n${stdout.slice(-8000)}\n${stderr.slice(-4000)}`);
  }
}

/** Names of containers that carry the product's label and were created since a time (seconds since 1970). */
export function containersCreatedSince(since: number): string[] {
  const until = Math.ceil(Date.now() / 1000);
  const events = docker(
    'events',
    ...['--since', String(since), '--until', String(until)],
    ...['--filter', 'event=create', '--filter', 'label=slurm-factory=build'],
    ...['--format', '{{.Actor.Attributes.name}}'],
  );
  return events.split('\n').filter((line) => line !== '');
}
