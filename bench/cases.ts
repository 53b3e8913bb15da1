// What can be measured, in the order in which it is.
import { loadavg } from 'node:os';
import type { CaseFigures, Results, Rounds } from './results.js';
import { medianOf } from './stats.js';

/**
 * `rounds` is how often a case is measured at least: the short ones are cheap to repeat, and need it most.
 * `needs` is what has to be there: nothing; clones and images; what the cold build left.
 */
const cases = {
  startup: { rounds: 9, needs: 'nothing' },
  first: { rounds: 1, needs: 'tools' },
  cold: { rounds: 1, needs: 'tools' },
  nothing: { rounds: 5, needs: 'cold' },
  packaging: { rounds: 3, needs: 'cold' },
  system: { rounds: 1, needs: 'cold' },
  cuda: { rounds: 1, needs: 'cold' },
  patch: { rounds: 1, needs: 'cold' },
  caches: { rounds: 3, needs: 'cold' },
  install: { rounds: 5, needs: 'cold' },
  bare: { rounds: 1, needs: 'cold' },
  worth: { rounds: 1, needs: 'cold' },
  plain: { rounds: 1, needs: 'tools' },
} as const;

export type CaseName = keyof typeof cases;
export const caseNames = Object.keys(cases) as CaseName[];

const isCase = (name: string): name is CaseName => Object.hasOwn(cases, name);
const startsFromCold = (name: CaseName): boolean => cases[name].needs === 'cold';

/** Whether a case wants clones and images. */
export const needsTools = (name: CaseName): boolean => cases[name].needs !== 'nothing';

/**
 * How often a case is measured.
 * @param repeat what the user wants of every case
 */
export const roundsOf = (name: CaseName, repeat: number): number => Math.max(cases[name].rounds, repeat);

/**
 * The cases to run, in order; `cold` comes along where another one starts from it.
 * @param text names with commas between them; all cases when left out
 * @throws when there is no such case
 */
export function selectCases(text: string | undefined): CaseName[] {
  const wanted = (text ?? caseNames.join(',')).split(',').map((name) => name.trim());
  const unknown = wanted.filter((name) => !isCase(name));
  if (unknown.length > 0) {
    throw new Error(`--cases: there is no '${unknown.join("', '")}'; there are ${caseNames.join(', ')}`);
  }
  const cold = wanted.some((name) => isCase(name) && startsFromCold(name));
  return caseNames.filter((name) => wanted.includes(name) || (cold && name === 'cold'));
}

/** How one round of each case is measured. */
export type Measurements = { readonly [K in CaseName]: () => Promise<CaseFigures[K]> };

export interface Course {
  /** What the user wants of every case, see `roundsOf`. */
  readonly repeat: number;
  readonly say: (text: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Runs the results' cases in their order, and writes their figures there. One that fails takes only those with it
 * that start from it; an aborted signal ends all, and what ended for it is no failure.
 */
export async function runCases(measurements: Measurements, results: Results, course: Course): Promise<void> {
  const { say, signal } = course;
  for (const name of results.cases) {
    if (signal.aborted) return;
    try {
      if (startsFromCold(name) && results.figures.cold === undefined)
        throw new Error('there is no cold build');
      await runCase(name, measurements, results, course);
    } catch (error) {
      if (signal.aborted) return;
      const { message, stack = message } = error instanceof Error ? error : new Error(String(error));
      say(`FAILED ${name}: ${stack}`);
      results.failed.push({ name, message });
    }
  }
}

async function runCase<K extends CaseName>(
  name: K,
  measurements: Measurements,
  { figures, rounds, peakLoads }: Results,
  { repeat, say, signal }: Course,
): Promise<void> {
  const times = roundsOf(name, repeat);
  const measured: CaseFigures[K][] = [];
  let peakLoad = loadavg()[0] ?? 0;
  const timer = setInterval(() => {
    peakLoad = Math.max(peakLoad, loadavg()[0] ?? 0);
  }, 5000);
  try {
    for (let round = 1; round <= times && !signal.aborted; round++) {
      say(`== ${name}${times > 1 ? `, ${round} of ${times}` : ''}`);
      measured.push(await measurements[name]());
    }
  } finally {
    clearInterval(timer);
  }
  if (signal.aborted) return;
  figures[name] = medianOf(measured);
  rounds[name] = measured as Rounds[K];
  peakLoads[name] = peakLoad;
}
