import { StringDecoder } from 'node:string_decoder';
import { getExecOutput } from '@actions/exec';
import { LineSplitter } from '../base/lines.js';
import type { ProcessRunner } from '../base/ports.js';

/** Runs processes with @actions/exec, silently: what a user should see, the logger shows. */
export const actionProcess: ProcessRunner = {
  async run(command, options = {}) {
    const [program, ...args] = command;
    const { onLine, cwd, env, input } = options;
    // The toolkit's own line events drop a last line that has no newline.
    const streams = (['stdout', 'stderr'] as const).map((name) => {
      const lines = new LineSplitter((line) => onLine?.(line, name));
      const decoder = new StringDecoder('utf8');
      return { lines, take: (data: Buffer) => lines.push(decoder.write(data)) };
    });
    try {
      // The toolkit reads its first argument as a command line, so a path with a space is quoted.
      const result = await getExecOutput(`"${program}"`, args, {
        silent: true,
        ignoreReturnCode: true,
        ...(cwd === undefined ? {} : { cwd }),
        ...(env === undefined ? {} : { env: { ...env } }),
        // An empty input would be written too, to a process that may have gone.
        ...(input ? { input: Buffer.from(input) } : {}),
        ...(onLine === undefined
          ? {}
          : { listeners: { stdout: streams[0]?.take, stderr: streams[1]?.take } }),
      });
      for (const { lines } of streams) lines.end();
      // A process that a signal ended has no exit code.
      return { exitCode: result.exitCode ?? 128, stdout: result.stdout, stderr: result.stderr };
    } catch (error) {
      // @actions/exec throws for a program that is not on PATH.
      if (error instanceof Error && /Unable to locate executable file|ENOENT/.test(error.message)) {
        return { exitCode: 127, stdout: '', stderr: `${program}: not found` };
      }
      throw error;
    }
  },
};
