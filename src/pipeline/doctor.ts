import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { formatBytes } from '../base/bytes.js';
import { freeBytes } from '../base/files.js';
import type { Host } from '../base/host.js';
import type { Ports, ProcessRunner } from '../base/ports.js';
import { sharedFolder } from '../base/private.js';
import { lastLine } from '../base/text.js';
import { askEngine } from '../container/engine.js';
import { git } from '../spack/checkout.js';
import { runs, type Toolchain } from '../targets/toolchains.js';
import type { Project } from './project.js';
import { neededBytes } from './stages/preflight.js';

/** What was found of one thing that builds need. */
export interface Finding {
  readonly check: string;
  /** `warning`: builds go on, with less. */
  readonly state: 'ok' | 'warning' | 'failed';
  readonly message: string;
  /** What to do, where it is not `ok`. */
  readonly hint?: string;
}

export interface Examination {
  readonly project: Project;
  readonly host: Host;
  readonly toolchain: Toolchain;
  readonly cacheDir: string;
  readonly buildDir: string;
  readonly outputDir: string;
  /** The user's home folder, which has the engines' logins. */
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly now: Date;
}

/** Milliseconds that an answer from the network may take. */
const patience = 20_000;
const ok = (check: string, message: string): Finding => ({ check, state: 'ok', message });
const bad = (check: string, state: 'warning' | 'failed', message: string, hint: string): Finding => ({
  ...{ check, state, message, hint },
});

/** Looks at all that a build needs of this machine; nothing is changed, and nothing is built. */
export async function examine(wanted: Examination, ports: Ports): Promise<Finding[]> {
  const groups = await Promise.all([
    checkEngine(wanted, ports.process),
    checkDisk(wanted),
    [checkMemory(wanted.host)],
    checkPrograms(ports.process),
    checkClones(wanted, ports),
    checkNetwork(wanted, ports),
    checkLogins(wanted),
    checkFolder(wanted.cacheDir),
  ]);
  return groups.flat();
}

async function checkEngine({ host, toolchain }: Examination, process: ProcessRunner): Promise<Finding[]> {
  const answers: string[] = [];
  for (const kind of ['docker', 'podman'] as const) {
    const answer = await askEngine(kind, process);
    if ('version' in answer) {
      const image = toolchain.base.image;
      const here = await process.run([kind, 'image', 'inspect', '--format', '{{.Id}}', image]);
      return [
        ok('engine', `${kind} ${answer.version} answers`),
        here.exitCode === 0
          ? ok('image', `${image} is here`)
          : bad(
              'image',
              'warning',
              `${image} is not here; the first build pulls it.`,
              `Try it: ${kind} pull ${image}`,
            ),
      ];
    }
    answers.push(`${kind}: ${answer.problem}`);
  }
  const told = answers.join('; ');
  if (runs(host.os, toolchain)) {
    const hint = 'Start Docker or Podman, or say --engine none if this is meant.';
    return [
      bad('engine', 'warning', `No engine answers (${told}); builds run on this machine itself.`, hint),
    ];
  }
  const hint = /permission denied/i.test(told)
    ? 'Let this user talk to it: sudo usermod -aG docker $USER, then log in again.'
    : 'Start Docker (sudo systemctl start docker), or install Podman.';
  return [bad('engine', 'failed', `No engine answers (${told}).`, hint)];
}

async function checkDisk({ cacheDir, buildDir, outputDir }: Examination): Promise<Finding[]> {
  const folders = [...new Set([cacheDir, buildDir, outputDir])];
  return Promise.all(
    folders.map(async (folder) => {
      const free = await freeBytes(await nearestFolder(folder));
      const message = `${formatBytes(free)} free for ${folder}`;
      if (free >= 2 * neededBytes) return ok('disk', message);
      const hint = `A build needs ${formatBytes(neededBytes)}. Free some, run slurm-factory clean, or choose another folder.`;
      return bad('disk', free < neededBytes ? 'failed' : 'warning', message, hint);
    }),
  );
}

/** The folder itself, or the nearest one above it that is there. */
async function nearestFolder(folder: string): Promise<string> {
  const there = await stat(folder).catch(() => undefined);
  return there !== undefined || folder === dirname(folder) ? folder : nearestFolder(dirname(folder));
}

/** bytes; a compiler of Slurm's takes up to 300 million, and the smoke test has a database */
const enoughMemory = 2e9;

function checkMemory({ memory, cpus }: Host): Finding {
  const message = `${formatBytes(memory)} for ${cpus} ${cpus === 1 ? 'core' : 'cores'}`;
  if (memory >= Math.max(enoughMemory, cpus * 0.5e9)) return ok('memory', message);
  return bad(
    'memory',
    'warning',
    message,
    `Build with fewer jobs: --jobs ${Math.max(1, Math.floor(memory / 0.5e9))}`,
  );
}

async function checkPrograms(process: ProcessRunner): Promise<Finding[]> {
  const about = [
    ['git', 'failed', 'Install it: Spack comes by git.'],
    ['gpg', 'warning', 'Install gnupg to sign files and to verify signatures.'],
  ] as const;
  return Promise.all(
    about.map(async ([program, state, hint]) => {
      const { exitCode, stdout } = await process.run([program, '--version']);
      if (exitCode === 0) return ok(program, stdout.split('\n')[0]?.trim() ?? '');
      return bad(program, state, 'not found', hint);
    }),
  );
}

async function checkClones(
  { project, buildDir }: Examination,
  { process, signal }: Ports,
): Promise<Finding[]> {
  const { spack, packages, slurm } = project.pins;
  const pins = [
    ['Spack', spack.git, join(buildDir, 'clones', `spack-${spack.commit}`), 'failed'],
    ['spack-packages', packages.git, join(buildDir, 'clones', `packages-${packages.commit}`), 'failed'],
    ['Slurm', slurm.git, undefined, 'warning'],
  ] as const;
  return Promise.all(
    pins.map(async ([name, url, clone, state]) => {
      const there = clone !== undefined && (await stat(clone).catch(() => undefined)) !== undefined;
      if (there) return ok(name, 'the pinned commit is here already');
      const why = await unreachable(url, process, signal);
      if (why === undefined) return ok(name, `${url} answers`);
      const hint = 'Check the network and https_proxy; git config url.<mirror>.insteadOf names a mirror.';
      return bad(name, state, `${url}: ${why}`, hint);
    }),
  );
}

async function unreachable(
  url: string,
  process: ProcessRunner,
  signal: AbortSignal,
): Promise<string | undefined> {
  const limit = AbortSignal.timeout(patience);
  try {
    const asked = await process.run([...git, 'ls-remote', '--quiet', '--', url, 'HEAD'], {
      signal: AbortSignal.any([signal, limit]),
    });
    return asked.exitCode === 0 ? undefined : lastLine(asked.stderr) || `exit code ${asked.exitCode}`;
  } catch (error) {
    if (limit.aborted) return `no answer within ${patience / 1000} s`;
    throw error;
  }
}

/** What is asked of the network is the security archive's list, which says for when it is: that tells of the clock. */
async function checkNetwork({ toolchain, now }: Examination, { web, signal }: Ports): Promise<Finding[]> {
  const { security } = toolchain;
  if (security === undefined || toolchain.packageManager !== 'dpkg') return [];
  const address = `${security.archive}/dists/${security.suite}/InRelease`;
  try {
    const text = Buffer.from(await web.get(address, { bytes: 1e6, milliseconds: patience }, signal)).toString(
      'utf8',
    );
    return [ok('network', `${security.archive} answers`), checkClock(text, now)];
  } catch (error) {
    if (signal.aborted) throw error;
    const why = `${security.archive}: ${(error as Error).message}`;
    const hint = 'Check the network and https_proxy. Without it, tarballs get no security updates.';
    return [
      bad('network', 'warning', why, hint),
      bad('clock', 'warning', now.toISOString(), 'Nothing could be asked.'),
    ];
  }
}

/** @param list `InRelease` of an archive: signed dates, between which it holds */
export function checkClock(list: string, now: Date): Finding {
  const date = (name: string) => Date.parse(new RegExp(`^${name}: (.+)$`, 'm').exec(list)?.[1] ?? '');
  const [made, until] = [date('Date'), date('Valid-Until')];
  const hint = 'Set the clock (timedatectl set-ntp true): signatures and certificates go by it.';
  if (now.getTime() < made) {
    return bad('clock', 'failed', `${now.toISOString()} is before a list that was made already.`, hint);
  }
  if (now.getTime() > until) {
    return bad(
      'clock',
      'warning',
      `${now.toISOString()} is after a list of now has run out, or a mirror is old.`,
      hint,
    );
  }
  return ok('clock', now.toISOString());
}

const loginsSchema = z.object({
  auths: z.record(z.string(), z.unknown()).optional(),
  credHelpers: z.record(z.string(), z.unknown()).optional(),
});

/** At which registries the engines are logged in, by their own files; no secret is read from them. */
async function checkLogins({ env, home }: Examination): Promise<Finding[]> {
  const files = [
    join(env['DOCKER_CONFIG'] || join(home, '.docker'), 'config.json'),
    ...(env['REGISTRY_AUTH_FILE'] ? [env['REGISTRY_AUTH_FILE']] : []),
    ...(env['XDG_RUNTIME_DIR'] ? [join(env['XDG_RUNTIME_DIR'], 'containers', 'auth.json')] : []),
  ];
  const names = new Set<string>();
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    try {
      const { auths = {}, credHelpers = {} } = loginsSchema.parse(JSON.parse(text));
      for (const name of [...Object.keys(auths), ...Object.keys(credHelpers)]) names.add(name);
    } catch {
      return [bad('logins', 'warning', `${file} is damaged.`, 'Log in again: docker login <registry>')];
    }
  }
  const none = 'at no registry; public images need none';
  return [ok('logins', names.size === 0 ? none : [...names].sort().join(', '))];
}

async function checkFolder(cacheDir: string): Promise<Finding[]> {
  const folder = await nearestFolder(cacheDir);
  const shared = folder === cacheDir ? sharedFolder(folder) : undefined;
  if (shared === undefined) return [ok('cache folder', cacheDir)];
  const hint = 'Take its write permission from others (chmod go-w), or name another folder with --cache-dir.';
  return [
    bad('cache folder', 'warning', `${shared}: whoever that is decides what builds take from it.`, hint),
  ];
}
