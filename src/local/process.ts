import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { type Env, publicEnvironment } from '../base/environment.js';
import { LineSplitter } from '../base/lines.js';
import type { ProcessRunner, RunOptions, RunResult } from '../base/ports.js';

/** Runs processes with node:child_process; never through a shell, and never with the whole environment. */
export const nodeProcess: ProcessRunner = { run: (command, options) => run(command, options) };

/** The same for an environment of the caller's, of which `publicEnvironment` is handed on. */
export const nodeProcessIn = (env: Env): ProcessRunner => ({
  run: (command, options) => run(command, { env: publicEnvironment(env), ...options }),
});

function run(command: readonly [string, ...string[]], options: RunOptions = {}): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const [program, ...args] = command;
    const env = options.env ?? publicEnvironment(process.env);
    const out = options.stdoutFile === undefined ? 'pipe' : openSync(options.stdoutFile, 'wx');
    const stdio = ['pipe', out, 'pipe'] as const;
    const child = spawn(program, args, { cwd: options.cwd, env, stdio: [...stdio] });
    if (out !== 'pipe') closeSync(out);
    const stdout = collect(child.stdout, 'stdout', options);
    const stderr = collect(child.stderr, 'stderr', options);
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') resolve({ exitCode: 127, stdout: '', stderr: `${program}: not found` });
      else reject(error);
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input ?? '');
    child.on('close', (code) =>
      resolve({ exitCode: code ?? 128, stdout: stdout.join(''), stderr: stderr.join('') }),
    );
  });
}

function collect(
  stream: NodeJS.ReadableStream | null,
  name: 'stdout' | 'stderr',
  { onLine }: Pick<RunOptions, 'onLine'>,
): string[] {
  const parts: string[] = [];
  if (stream === null) return parts;
  stream.setEncoding('utf8');
  stream.on('data', (part: string) => parts.push(part));
  if (onLine !== undefined) {
    const lines = new LineSplitter((line) => onLine(line, name));
    stream.on('data', (part: string) => lines.push(part)).on('end', () => lines.end());
  }
  return parts;
}
