import { basename } from 'node:path';
import { buildEnvironment } from '../base/environment.js';
import { ContainerError } from '../base/errors.js';
import type { Ports, RunOptions } from '../base/ports.js';
import { execArguments } from '../container/container.js';
import { engineEnvironment } from '../container/variables.js';
import { buildEnvironmentCommand } from '../spack/commands.js';
import { containerOf } from './confine.js';
import type { KeptBuild } from './kept.js';

/** What is run in a kept build. */
export interface ShellRequest {
  /** A shell where it is left out. */
  readonly command?: readonly [string, ...string[]];
  /** Whether there is a terminal that it may have. */
  readonly terminal: boolean;
}

/**
 * Runs a command in the build environment of the package that failed, in the folder that it is built in, with this
 * process's standard streams; in a build that failed otherwise, in the folder of its environment.
 * @returns its exit code
 * @throws ContainerError when the container is gone or can't be started
 */
export async function enterKept(
  kept: KeptBuild,
  { command = ['bash'], terminal }: ShellRequest,
  { process, env }: Pick<Ports, 'process' | 'env'>,
): Promise<number> {
  const { failed, layout } = kept;
  const { command: words, env: values } =
    failed === undefined ? { command, env: {} } : buildEnvironmentCommand(kept, failed.name, command);
  const cwd = failed?.stage ?? layout.environment;
  const options: RunOptions = { interactive: true };
  if (kept.engine === 'none') {
    const own = { ...buildEnvironment(env), ...terminalOf(env), HOME: layout.home, ...values };
    return (await process.run(words, { ...options, cwd, env: own })).exitCode;
  }
  const name = containerOf(kept.buildFolder);
  await requireContainer(kept.engine, name, process);
  const given = { ...values, ...terminalOf(env) };
  const arguments_ = execArguments(name, words, { cwd, env: given, stdin: true, terminal });
  const environment = engineEnvironment(env, given);
  return (await process.run([kept.engine, ...arguments_], { ...options, env: environment })).exitCode;
}

// What a shell writes over lines by.
const terminalOf = ({ TERM }: Ports['env']): Record<string, string> => (TERM === undefined ? {} : { TERM });

/** A container that was kept has stopped where the machine or its engine was started anew. */
async function requireContainer(
  engine: 'docker' | 'podman',
  name: string,
  process: Ports['process'],
): Promise<void> {
  const asked = await process.run([engine, 'inspect', '--format', '{{.State.Running}}', name]);
  if (asked.stdout.trim() === 'true') return;
  const started = await process.run([engine, 'start', name]);
  if (started.exitCode === 0) return;
  throw new ContainerError(
    `The container ${name} is gone or can't be started: ${started.stderr.trim()}`,
    'Remove what is left of it with slurm-factory clean, and keep another: build it again with --keep-container.',
    { containerId: name },
  );
}

/** What a kept build is, for people. */
export const describeKept = ({ identifier, failed, buildFolder, when }: KeptBuild): string => {
  const what =
    failed === undefined ? 'it failed' : `${failed.name}@${failed.version} failed in phase ${failed.phase}`;
  return `${identifier}: ${what} (${when.toISOString().slice(0, 16).replace('T', ' ')}, ${basename(buildFolder)})`;
};
