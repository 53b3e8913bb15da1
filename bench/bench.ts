// What all measurements have at hand.
import { execFileSync } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '../src/base/host.js';
import type { Logger } from '../src/base/ports.js';
import type { ResolvedBuild } from '../src/pipeline/resolve.js';
import type { Release } from '../src/targets/releases.js';
import { baseReference } from '../src/targets/toolchains.js';

/** What is built, and of which sources. */
export interface Settings {
  readonly release: string;
  readonly nextRelease: string;
  readonly toolchain: string;
  /** Folder of the source mirror. */
  readonly mirror: string;
}

export interface Bench {
  /** Folder of the project that is measured. */
  readonly root: string;
  readonly settings: Settings;
  /** Folder for all that the run makes; it goes at the end. */
  readonly work: string;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

/** With a folder that the clones lie in, for `--build-dir`. */
export interface BenchOfBuilds extends Bench {
  readonly buildDir: string;
}

/** With what the builds need brought already, so that it counts on no side. */
export interface Prepared extends BenchOfBuilds {
  readonly plan: ResolvedBuild;
  readonly release: Release;
  readonly host: Host;
  /** Tag of the builder image. */
  readonly image: string;
}

/** What the cold build left for others. */
export interface Left {
  readonly cacheDir: string;
  readonly output: string;
}

/** Seconds that a promise's work takes, and what it gives. */
export async function timed<T>(body: () => Promise<T>): Promise<{ seconds: number; value: T }> {
  const start = performance.now();
  const value = await body();
  return { seconds: (performance.now() - start) / 1000, value };
}

/** Runs docker and returns what it printed. */
export const docker = (...words: readonly string[]): string =>
  execFileSync('docker', words, {
    encoding: 'utf8',
    // Jest's tests have an environment of their own, which is not what a process gets without this.
    env: process.env,
    maxBuffer: 1 << 26,
    stdio: ['ignore', 'pipe', 'inherit'],
  }).trim();

/** A logger that says what a user should know, and keeps what went wrong to itself. */
export function quietLogger(say: (text: string) => void, faults: string[] = []): Logger {
  const fault = (message: string) => void faults.push(message);
  const nothing = () => {};
  return {
    ...{ debug: nothing, info: nothing, notice: say, warning: fault, error: fault, mask: nothing },
    group: (_, body) => body(),
  };
}

/** Bytes of all files below a folder. */
export async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async (file) => (await stat(join(file.parentPath, file.name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Where a Spack source mirror has an archive. */
export const archiveBelow = (mirror: string, sha256: string): string =>
  join(mirror, '_source-cache', 'archive', sha256.slice(0, 2), `${sha256}.tar.gz`);

/** The toolchain's own image by digest, or by its name alone where no registry has answered for it. */
export function presentBase({ plan }: Prepared): string {
  const reference = baseReference(plan.toolchain, plan.options.containerImage);
  try {
    execFileSync('docker', ['image', 'inspect', reference], { stdio: 'ignore' });
    return reference;
  } catch {
    return reference.replace(/@sha256:[0-9a-f]+$/, '');
  }
}

let images = 0;

/**
 * The toolchain's image under a name of its own, with a label more, to `body`: all that is made of it is made
 * anew, since nothing of the engine's own cache fits. It goes afterwards, and what was made of it.
 */
export async function withNewBase<T>(bench: Prepared, body: (name: string) => Promise<T>): Promise<T> {
  images += 1;
  const mark = `${process.pid}-${images}`;
  const name = `slurm-factory/bench-base:${mark}`;
  const label = `slurm-factory.bench=${mark}`;
  execFileSync('docker', ['build', '--quiet', '--label', label, '--tag', name, '-'], {
    input: `FROM ${presentBase(bench)}\n`,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  try {
    return await body(name);
  } finally {
    // An image has the labels of the one that it is made of.
    const made = docker('image', 'ls', '--all', '--quiet', '--no-trunc', '--filter', `label=${label}`);
    const ids = [...new Set(made.split('\n').filter((id) => id !== ''))];
    removeImages(ids);
  }
}

// Those that others are made of can't go first.
function removeImages(ids: readonly string[]): void {
  for (let left = [...ids]; left.length > 0; ) {
    const stay = left.filter((id) => {
      try {
        execFileSync('docker', ['image', 'rm', '--force', id], { stdio: 'ignore' });
        return false;
      } catch {
        return !isGone(id);
      }
    });
    if (stay.length === left.length) throw new Error(`docker can't remove the images ${stay.join(', ')}`);
    left = stay;
  }
}

function isGone(id: string): boolean {
  try {
    execFileSync('docker', ['image', 'inspect', id], { stdio: 'ignore' });
    return false;
  } catch {
    return true;
  }
}
