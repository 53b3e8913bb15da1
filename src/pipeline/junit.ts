import { writeFile } from 'node:fs/promises';
import { FactoryError, PackageBuildError } from '../base/errors.js';
import { formatJunit, type JunitCase, type JunitSuite } from '../base/junit.js';
import type { PhaseTime } from '../spack/progress.js';
import type { BuildContext } from './context.js';
import type { PackageTimes } from './report.js';
import { stageTitles, type Timing } from './stage.js';

/** What a report of a build tells of. */
export interface BuildTold {
  readonly identifier: string;
  readonly contentKey: string;
  readonly timings: readonly Timing[];
  readonly packages: readonly PackageTimes[];
  /** Why the build failed; its last stage is then the one that did. */
  readonly error?: unknown;
}

/**
 * A build as JUnit XML: a suite of the stages, and one for each package with a case for each of its phases. Spack's
 * own report (`spack install --log-format junit`) knows no phases and holds whole build logs.
 */
export function buildJunit({ identifier, contentKey, timings, packages, error }: BuildTold): string {
  const stages = timings.map(({ stage, seconds }, index): JunitCase => {
    const failed = error !== undefined && index === timings.length - 1;
    const detail = failed ? textOf(error) : '';
    return { name: stageTitles[stage], status: failed ? 'failed' : 'passed', seconds, detail };
  });
  const suite = { name: identifier, properties: { 'content-key': contentKey }, cases: stages };
  return formatJunit({
    name: 'slurm-factory build',
    suites: [suite, ...packages.map((one) => packageSuite(one, error))],
    seconds: timings.reduce((sum, { seconds }) => sum + seconds, 0),
  });
}

// Spack looks there for every package, and says so when there is nothing.
const lookUp = { begins: 'fetching from build cache', misses: 'no binary available' };

/** The phases of a package; that a build cache was asked in vain is one. */
function phasesOf({ phases }: PackageTimes): { readonly source: string; readonly phases: PhaseTime[] } {
  const [begun, missed] = [lookUp.begins, lookUp.misses].map((word) =>
    phases.find(({ phase }) => phase === word),
  );
  if (begun === undefined) return { source: 'source', phases: [...phases] };
  if (missed === undefined) return { source: 'build cache', phases: [...phases] };
  const asked = { phase: 'looking into the build cache', seconds: begun.seconds + missed.seconds };
  return { source: 'source', phases: [asked, ...phases.filter((one) => one !== begun && one !== missed)] };
}

function packageSuite(told: PackageTimes, error: unknown): JunitSuite {
  const { name, version, hash, outcome } = told;
  const { source, phases } = phasesOf(told);
  const cases = phases.map(
    ({ phase, seconds }): JunitCase => ({ name: phase, status: 'passed', seconds, detail: '' }),
  );
  const suite = { name: `${name}@${version}`, properties: { hash, source } };
  if (outcome === 'installed') return { ...suite, cases: [...cases, ended('installed', 'passed', '')] };
  if (outcome === 'failed') {
    const last = cases.pop() ?? ended('starting', 'failed', '');
    return { ...suite, cases: [...cases, { ...last, status: 'failed', detail: reasonOf(told, error) }] };
  }
  const why = outcome === 'waiting' ? 'It was not begun' : 'It was not finished';
  const { hash: itsHash } = suite.properties;
  const properties = outcome === 'waiting' ? { hash: itsHash } : suite.properties;
  return { ...suite, properties, cases: [...cases, ended('installed', 'skipped', `${why}.`)] };
}

// So that a package that took no time to speak of has a case too.
const ended = (name: string, status: JunitCase['status'], detail: string): JunitCase => ({
  ...{ name, status, detail },
  seconds: 0,
});

// Several may fail at once; the error tells of one.
function reasonOf({ name, version }: PackageTimes, error: unknown): string {
  const own = error instanceof PackageBuildError && error.failure.package === `${name}@${version}`;
  return own ? textOf(error) : 'It failed; the log has more.';
}

/** Of a package that failed its first error line, else the error's message; then what to do. */
function textOf(error: unknown): string {
  const hint = error instanceof FactoryError ? [error.hint] : [];
  if (error instanceof PackageBuildError)
    return [error.failure.firstError, error.message, ...hint].join('\n');
  return [error instanceof Error ? error.message : String(error), ...hint].join('\n');
}

/** Writes the report where the build was asked for one. What goes wrong with it is a warning: it is not the build. */
export async function writeBuildJunit(
  { build, packageTimes, ports }: BuildContext,
  timings: readonly Timing[],
  error?: unknown,
): Promise<void> {
  const { junit, identifier, contentKey } = build;
  if (junit === undefined) return;
  const told = { identifier, contentKey, timings, packages: packageTimes(), error };
  await writeFile(junit, buildJunit(told)).then(
    () => ports.logger.info(`Report of the build: ${junit}`),
    (fault: unknown) => ports.logger.warning(`The report ${junit} could not be written: ${String(fault)}`),
  );
}
