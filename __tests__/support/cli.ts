import { execFile, spawn, spawnSync } from 'node:child_process';
import { cpSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { quotedWord } from '../../src/base/text.js';
import { projectRoot } from './prepare.js';

export interface CliRun {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly root?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Runs the command line as it is in dist/, from a project folder, to its end. */
export function runCli(args: readonly string[], options: CliOptions = {}): CliRun {
  const [program, words, settings] = callOf(args, options);
  const done = spawnSync(program, words, settings);
  return { exitCode: done.status, stdout: done.stdout, stderr: done.stderr };
}

/** The same while this process goes on, with a service that the command line asks for one. */
export const runCliBeside = (args: readonly string[], options: CliOptions = {}): Promise<CliRun> =>
  new Promise((done) => {
    const [program, words, settings] = callOf(args, options);
    const child = execFile(program, words, settings, (_, stdout, stderr) =>
      done({ exitCode: child.exitCode, stdout, stderr }),
    );
  });

const callOf = (args: readonly string[], { root = projectRoot, env, cwd = projectRoot }: CliOptions) =>
  [
    process.execPath,
    [join(root, 'dist', 'cli', 'index.js'), ...args],
    {
      ...{ encoding: 'utf8' as const, maxBuffer: 1 << 28, timeout: 20 * 60_000, cwd },
      env: { ...process.env, ...env },
    },
  ] as const;

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

/** A call of the command line in a terminal of its own. */
export interface TerminalCli {
  /** Resolves once all that the terminal was sent so far has a part that fits; rejects when it ends without one. */
  shows(pattern: RegExp): Promise<string>;
  /** Types into it; `\x03` is Ctrl-C. */
  type(keys: string): void;
  /** Its end, with all that the terminal was sent. */
  readonly ended: Promise<{ readonly exitCode: number | null; readonly text: string }>;
}

/** Starts the command line as it is in dist/ in a pseudo-terminal, which script(1) makes. */
export function startInTerminal(
  args: readonly string[],
  options: {
    readonly columns?: number;
    readonly env?: Readonly<Record<string, string>>;
    readonly cwd?: string;
  } = {},
): TerminalCli {
  const words = [process.execPath, join(projectRoot, 'dist', 'cli', 'index.js'), ...args].map(quotedWord);
  const command = `stty cols ${options.columns ?? 80} rows 40; exec ${words.join(' ')}`;
  const { CI: _, NO_COLOR: __, ...env } = process.env;
  const child = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
    cwd: options.cwd ?? projectRoot,
    env: { ...env, TERM: 'xterm', LC_ALL: 'C.UTF-8', ...options.env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let text = '';
  const watchers = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    for (const watch of watchers) watch();
  });
  const ended = new Promise<{ exitCode: number | null; text: string }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ exitCode, text }));
  });
  return {
    ended,
    type: (keys) => child.stdin.write(keys),
    shows: (pattern) =>
      new Promise((resolve, reject) => {
        const watch = () => {
          const found = pattern.exec(text)?.[0];
          if (found === undefined) return;
          watchers.delete(watch);
          resolve(found);
        };
        watchers.add(watch);
        watch();
        void ended.then(() => reject(new Error(`it ended without ${pattern}:\n${text.slice(-4000)}`)));
      }),
  };
}
