import type { Ports } from '../../src/base/ports.js';
import type { BuildReport } from '../../src/pipeline/report.js';
import { promisedChecks } from '../../src/smoke/plan.js';
import { buildRequest, type RequestChange } from './build.js';
import { type brokenCache, fakePorts, fakeWeb, memoryCache, switchesWithout, targetNamed } from './fakes.js';
import { fakeMachine, type MachineScript } from './machine.js';
import { runAndFinish } from './run.js';

/** The target that `build` builds, and the checks of its smoke test. */
export const target = 'slurm-24.11.6-bookworm-amd64';
export const checks = promisedChecks(targetNamed(target), { switches: switchesWithout() }, ['lmod', 'tcl']);

/** A build and what follows it, as the action runs them; the record passes through text. */
export async function build(
  given: {
    cache?: ReturnType<typeof memoryCache> | typeof brokenCache;
    script?: MachineScript;
    request?: RequestChange;
    signal?: AbortSignal;
    web?: ReturnType<typeof fakeWeb>;
    attest?: Ports['attest'];
  } = {},
) {
  const process = fakeMachine(given.script);
  const ports = fakePorts({
    process,
    cache: given.cache ?? memoryCache(),
    web: given.web ?? fakeWeb(),
    ...(given.signal === undefined ? {} : { signal: given.signal }),
    ...(given.attest === undefined ? {} : { attest: given.attest }),
  });
  const request = await buildRequest(given.request);
  return { ...(await runAndFinish(request, ports)), ports, process, request };
}

/** The files of the one result in a cache, without the cache's own. */
export const resultsIn = ({ entries }: ReturnType<typeof memoryCache>) =>
  [...entries]
    .filter(([key]) => key.includes('-result-'))
    .flatMap(([, content]) => [...content.keys()])
    .filter((name) => !name.startsWith('ENTRY.'))
    .sort();

export const restored = (report: BuildReport | undefined) =>
  report?.caches.filter(({ outcome }) => outcome === 'restored');

/** The commands of an audit and of a smoke test. */
export const inspections = (lines: readonly string[]) =>
  lines.filter((line) => /elf_inventory|slurm-factory\/smoke|--checks|docker info/.test(line));

export const spackVerbs = (lines: readonly string[]) =>
  lines.flatMap((line) => /\/bin\/spack .* (concretize|install) /.exec(`${line} `)?.[1] ?? []);

/** The last commands to the engine. */
export const afterwards = (lines: readonly string[]) =>
  lines.filter((line) => line.startsWith('docker ')).slice(-2);
