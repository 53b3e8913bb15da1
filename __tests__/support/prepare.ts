import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Gpu } from '../../src/targets/gpus.js';
import { type Arch, archOf, formatTarget } from '../../src/targets/identifier.js';
import { fillMirror, reachable, slurmRepository } from './sources.js';

export const projectRoot = resolve(import.meta.dirname, '..', '..');

/** What the tests keep between runs: tools, upstream sources. */
export const testCache = join(
  process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
  'slurm-factory-tests',
);

const compilerWrapper = 'https://github.com/spack/compiler-wrapper.git';
export const upstreams = [
  slurmRepository,
  compilerWrapper,
  'https://github.com/spack/spack.git',
  'https://github.com/spack/spack-packages.git',
];

/** What scripts/prepare.mjs tells of this machine: paths of act and a browser, Node 24's folder, what can't be had. */
export interface Prepared {
  readonly act?: string;
  readonly node?: string;
  readonly browser?: string;
  /** `Docker Engine: dockerd does not start: …` */
  readonly missing: readonly string[];
}

export function prepared(): Prepared {
  const text = process.env['SLURM_FACTORY_TEST_PREPARED'];
  if (text === undefined) throw new Error('Slow tests are prepared by Jest: run it with jest.config.e2e.js.');
  return JSON.parse(text);
}

/** What slow tests may need: tools, by their names in `Prepared`, and that upstream answers. */
export type Need =
  | 'Docker Engine'
  | 'Debian 13'
  | 'act'
  | 'Node 24'
  | 'Chromium'
  | 'docker-registry'
  | 'moto'
  | 'upstream';

/**
 * Whether the machine has all of this.
 * @returns false after one line that says what it lacks; the tests that need it are to be skipped then
 */
export async function isHere(...needs: readonly Need[]): Promise<boolean> {
  const missing = lacking(needs, prepared().missing);
  if (needs.includes('upstream')) {
    const answers = await Promise.all(upstreams.map(reachable));
    const silent = upstreams.filter((_, index) => !answers[index]);
    if (silent.length > 0) missing.push(`upstream: no answer from ${silent.join(', ')}`);
  }
  // Past Jest, which would put a trace of the stack below it.
  if (missing.length > 0) process.stderr.write(`skipped, not to be had here: ${missing.join('; ')}\n`);
  return missing.length === 0;
}

/** Of what is missing on a machine, the things that are needed; Docker needs its base image, too. */
export const lacking = (needs: readonly Need[], missing: readonly string[]): string[] =>
  missing.filter((line) =>
    needs.some(
      (need) => line.startsWith(`${need}:`) || (need === 'Docker Engine' && line.startsWith('image ')),
    ),
  );

/** The architecture that builds on this machine are for. */
export function hostArch(nodeArch: string = process.arch): Arch {
  const arch = archOf(nodeArch);
  if (arch === undefined) throw new Error(`there are no builds for ${nodeArch}`);
  return arch;
}

/** Name of what a build on this machine makes with the defaults: `slurm-24.11.6-glibc2.34-amd64`. */
export const hostTarget = (version: string, gpu: Gpu = 'none', arch: Arch = hostArch()): string =>
  formatTarget({ version, dependencies: 'bundled', platform: 'glibc2.34', gpu, arch });

/** As `hostTarget`, of a build with `dependencies: system`. */
export const hostSystemTarget = (version: string): string =>
  formatTarget({ version, dependencies: 'system', platform: 'bookworm', gpu: 'none', arch: hostArch() });

/** Whether this process may do what only root may, by sudo if need be. */
export const mayBeRoot = (): boolean =>
  process.getuid?.() === 0 || spawnSync('sudo', ['-n', 'true']).status === 0;

/** Runs a command as root. */
export function asRoot(...words: [string, ...string[]]): void {
  const [program, ...more] = process.getuid?.() === 0 ? words : (['sudo', '-n', ...words] as const);
  execFileSync(program, more);
}

/**
 * A Spack source mirror with what the builds of some releases fetch, made from the official repositories.
 * @returns its folder
 */
export async function sourceMirror(versions: readonly string[]): Promise<string> {
  const folder = join(testCache, 'source-mirror');
  await fillMirror(folder, projectRoot, versions);
  return folder;
}

/** The folder of the Node 24 that act's jobs run actions with. */
export async function prepareMachine(): Promise<string> {
  const { node } = prepared();
  if (node === undefined) throw new Error(`Node 24 is not here: ${prepared().missing.join('; ')}`);
  return node;
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
    ...['--filter', 'event=create', '--filter', 'label=slurm-factory.owner'],
    ...['--format', '{{.Actor.Attributes.name}}'],
  );
  return events.split('\n').filter((line) => line !== '');
}
