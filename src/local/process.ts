import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Env, publicEnvironment } from '../base/environment.js';
import { Ending, LineSplitter } from '../base/lines.js';
import { keptOutput, type ProcessRunner, type RunOptions, type RunResult } from '../base/ports.js';

type Command = readonly [string, ...string[]];

/** Runs processes with node:child_process; never through a shell, and never with the whole environment. */
export const nodeProcess: ProcessRunner = { run: (command, options) => run(command, options) };

/** The same for an environment of the caller's, of which `publicEnvironment` is handed on. */
export const nodeProcessIn = (env: Env): ProcessRunner => ({
  run: (command, options) => run(command, { env: publicEnvironment(env), ...options }),
});

/** How long processes have between SIGTERM and SIGKILL, and after it, in milliseconds. */
const grace = 5_000;
const lastGrace = 1_000;
const interval = 20;

async function run(command: Command, options: RunOptions = {}): Promise<RunResult> {
  const { signal } = options;
  signal?.throwIfAborted();
  const group = signal != null && options.terminal !== true && options.interactive !== true;
  const child = start(command, options, group);
  const ended = resultOf(child, command[0], options);
  if (signal == null) return ended;
  let onAbort = () => {};
  const aborted = new Promise<void>((resolve) => {
    onAbort = resolve;
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    await Promise.race([ended, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
  if (!signal.aborted) return ended;
  ended.catch(() => {});
  await end(child, group);
  // Whoever left the group and holds the other end is not waited for.
  for (const stream of child.stdio) stream?.destroy();
  throw signal.reason;
}

// A group of its own takes in what the process starts, so that all of it can be ended at once.
function start([program, ...args]: Command, options: RunOptions, group: boolean): ChildProcess {
  const env = options.env ?? publicEnvironment(process.env);
  const out = options.stdoutFile === undefined ? 'pipe' : openSync(options.stdoutFile, 'wx');
  try {
    return spawn(program, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env,
      stdio: options.interactive === true ? 'inherit' : ['pipe', out, 'pipe'],
      detached: group,
    });
  } finally {
    if (out !== 'pipe') closeSync(out);
  }
}

function resultOf(child: ChildProcess, program: string, options: RunOptions): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const stdout = collect(child.stdout, 'stdout', options);
    const stderr = collect(child.stderr, 'stderr', options);
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') resolve({ exitCode: 127, stdout: '', stderr: `${program}: not found` });
      else reject(error);
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input ?? '');
    child.on('close', (code) => resolve({ exitCode: code ?? 128, stdout: stdout.text, stderr: stderr.text }));
  });
}

function collect(
  stream: NodeJS.ReadableStream | null,
  name: 'stdout' | 'stderr',
  { onLine }: Pick<RunOptions, 'onLine'>,
): Ending {
  const kept = new Ending(onLine === undefined ? Number.POSITIVE_INFINITY : keptOutput);
  if (stream === null) return kept;
  stream.setEncoding('utf8');
  stream.on('data', (part: string) => kept.push(part));
  if (onLine !== undefined) {
    const lines = new LineSplitter((line) => onLine(line, name));
    stream.on('data', (part: string) => lines.push(part)).on('end', () => lines.end());
  }
  return kept;
}

/** Ends a process, with its group where it has one of its own; returns once nothing of it runs. */
async function end(child: ChildProcess, group: boolean): Promise<void> {
  if (child.pid === undefined) return;
  const target = group ? -child.pid : child.pid;
  const runs = () => (group || (child.exitCode === null && child.signalCode === null)) && send(target, 0);
  send(target, 'SIGTERM');
  await until(() => !runs(), grace);
  if (!runs()) return;
  send(target, 'SIGKILL');
  await until(() => !runs(), lastGrace);
}

async function until(condition: () => boolean, milliseconds: number): Promise<void> {
  const deadline = performance.now() + milliseconds;
  while (!condition() && performance.now() < deadline) await sleep(interval);
}

/** Sends a signal; 0 only asks whether anything is there to get one. */
function send(target: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(target, signal);
  } catch (error) {
    // What belongs to another user (sudo) runs on.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
