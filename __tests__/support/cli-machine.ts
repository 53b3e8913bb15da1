import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { processOwner } from '../../src/base/owner.js';
import { runCli } from '../../src/cli/main.js';
import type { Machine } from '../../src/local/machine.js';
import type { Project } from '../../src/pipeline/project.js';
import { fakePorts, fakeProject, host, memoryCache, temporaryFolder } from './fakes.js';
import { fakeMachine, type MachineScript } from './machine.js';

/** A user's folder, a machine that is faked at its ports, and what calls of the command line made of them. */
export async function machine(
  script: MachineScript = {},
  change: { readonly project?: Partial<Project>; readonly isTTY?: boolean } = {},
) {
  const cwd = await temporaryFolder();
  const process = fakeMachine(script);
  const cache = memoryCache();
  const project = fakeProject({ overlay: join(cwd, 'project', 'spack-repo'), ...change.project });
  const fake: Machine = {
    inspectHost: async () => host({ owner: processOwner() }),
    openProject: async () => project,
    process: () => process,
    ports: ({ logger, signal, record, progress }) =>
      fakePorts({
        ...{ process, logger, cache, signal },
        ...(record === undefined ? {} : { state: record }),
        ...(progress === undefined ? {} : { progress }),
      }),
  };
  const run = async (words: readonly string[], env: Record<string, string> = {}) => {
    const text = { out: '', err: '' };
    const sink = (name: 'out' | 'err') => ({
      ...{ isTTY: change.isTTY === true, columns: 80 },
      write: (part: string) => (text[name] += part),
    });
    const invocation = { argv: [...words], env: { XDG_CACHE_HOME: cwd, XDG_CONFIG_HOME: cwd, ...env }, cwd };
    const streams = { out: sink('out'), err: sink('err') };
    const exitCode = await runCli('/project', '1.2.3', streams, invocation, async () => fake);
    return { exitCode, ...text };
  };
  const records = () => readdir(join(cwd, 'slurm-factory', 'records')).catch(() => []);
  return { cwd, process, run, records };
}
