import { spawnSync } from 'node:child_process';
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
