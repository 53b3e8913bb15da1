import { StringDecoder } from 'node:string_decoder';
import { exec } from '@actions/exec';
import { publicEnvironment } from '../base/environment.js';
import { Ending, LineSplitter } from '../base/lines.js';
import { keptOutput, type ProcessRunner } from '../base/ports.js';

// The toolkit leaves standard input open where there is none, which a reader would wait for, and dies of
// input that a program does not take. The words stay words: the shell only sees its own "$@".
const noInput = 'exec "$@" </dev/null';
const takeAllInput = '"$@"; code=$?; cat >/dev/null; exit "$code"';
// A file that is there, or a link, is an error (noclobber).
const intoFile = 'set -C; file=$1; shift; exec "$@" </dev/null >"$file"';

/**
 * Runs processes with @actions/exec, silently: what a user should see, the logger shows. The toolkit hands out no
 * process that a signal could end. None is aborted in a workflow: GitHub ends the step itself, with all that it runs.
 */
export const actionProcess: ProcessRunner = {
  async run(command, options = {}) {
    options.signal?.throwIfAborted();
    const { onLine, cwd, env = publicEnvironment(process.env), input, stdoutFile } = options;
    const intoOne = stdoutFile === undefined ? undefined : ['-c', intoFile, 'sh', stdoutFile, ...command];
    const script = input ? takeAllInput : noInput;
    // The toolkit's own line events drop a last line that has no newline.
    const streams = (['stdout', 'stderr'] as const).map((name) => {
      const lines = new LineSplitter((line) => onLine?.(line, name));
      const kept = new Ending(onLine === undefined ? Number.POSITIVE_INFINITY : keptOutput);
      const decoder = new StringDecoder('utf8');
      const take = (data: Buffer) => {
        const text = decoder.write(data);
        kept.push(text);
        if (onLine !== undefined) lines.push(text);
      };
      return { lines, kept, take };
    });
    // `getExecOutput` would keep all of it.
    const exitCode = await exec('/bin/sh', intoOne ?? ['-c', script, 'sh', ...command], {
      silent: true,
      ignoreReturnCode: true,
      ...(cwd === undefined ? {} : { cwd }),
      // The toolkit would hand on all that the workflow gave, the runner's tokens too.
      env: { ...env },
      ...(input ? { input: Buffer.from(input) } : {}),
      listeners: { stdout: streams[0]?.take, stderr: streams[1]?.take },
    });
    for (const { lines } of streams) lines.end();
    // A process that a signal ended has no exit code.
    const [stdout = '', stderr = ''] = streams.map(({ kept }) => kept.text);
    return { exitCode: exitCode ?? 128, stdout, stderr };
  },
};
