import { spawn, spawnSync } from 'node:child_process';
import { cpSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './prepare.js';

export interface CliRun {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line as it is in dist/, from a project folder, to its end. */
export function runCli(
  args: readonly string[],
  options: {
    readonly root?: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly cwd?: string;
  } = {},
): CliRun {
  const done = spawnSync(
    process.execPath,
    [join(options.root ?? projectRoot, 'dist', 'cli', 'index.js'), ...args],
    {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
      timeout: 20 * 60_000,
      cwd: options.cwd ?? projectRoot,
      env: { ...process.env, ...options.env },
    },
  );
  return { exitCode: done.status, stdout: done.stdout, stderr: done.stderr };
}

/** A project folder whose Spack repository may be changed; all else is the real one. */
export function projectWithOwnRecipes(folder: string): string {
  cpSync(join(projectRoot, 'spack-repo'), join(folder, 'spack-repo'), { recursive: true });
  cpSync(join(projectRoot, 'dist'), join(folder, 'dist'), { recursive: true });
  for (const part of ['data', 'toolchains', 'templates', 'scripts'])
    symlinkSync(join(projectRoot, part), join(folder, part));
  return folder;
}

/** A call of the command line that is still running. */
export interface StartedCli {
  readonly pid: number;
  /** Resolves with its first line on standard error that fits; rejects when it ends without one. */
  line(pattern: RegExp): Promise<string>;
  /** Its end; the exit code is null after a signal. */
  readonly ended: Promise<CliRun>;
  kill(signal: NodeJS.Signals): void;
}

/** Starts the command line as it is in dist/, to be watched and to be killed. */
export function startCli(args: readonly string[]): StartedCli {
  const child = spawn(process.execPath, [join(projectRoot, 'dist', 'cli', 'index.js'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  const watchers = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (part: string) => {
      text[name] += part;
      for (const watch of watchers) watch();
    });
  }
  const ended = new Promise<CliRun>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ exitCode, ...text }));
  });
  return {
    pid: child.pid ?? 0,
    ended,
    kill: (signal) => child.kill(signal),
    line: (pattern) =>
      new Promise((resolve, reject) => {
        const watch = () => {
          const found = text.stderr.split('\n').find((line) => pattern.test(line));
          if (found === undefined) return;
          watchers.delete(watch);
          resolve(found);
        };
        watchers.add(watch);
        watch();
        void ended.then(() => reject(new Error(`it ended without ${pattern}:\n${text.stderr.slice(-4000)}`)));
      }),
  };
}
