import type { Staged, WorkLeg } from './stages.js';

/** A job of a schedule: what it takes, and which others it comes after, by their places in the list. */
export interface Job {
  readonly seconds: number;
  readonly after: readonly number[];
  readonly stage: number;
}

/** What a number of runners makes of some jobs, in seconds. */
export interface Makespan {
  readonly runners: number;
  /** A job starts as soon as those that it comes after are done and a runner is free. */
  readonly list: number;
  /** Stage after stage, as the jobs of a workflow that need each other: none starts before all of the stage before. */
  readonly staged: number;
  /** No schedule of these jobs takes less. */
  readonly bound: number;
}

/** The jobs of a schedule's legs. */
export const jobsOf = (legs: readonly Staged<WorkLeg>[]): Job[] =>
  legs.map(({ seconds, after, stage }) => ({ seconds, after, stage }));

/** How long `runners` take for all jobs, and how long they take at least. */
export function makespanOf(jobs: readonly Job[], runners: number): Makespan {
  const facts = reaches(jobs);
  return {
    runners,
    list: listSchedule(jobs, facts, runners),
    staged: stagedSchedule(jobs, runners),
    bound: lowerBound(jobs, facts, runners),
  };
}

/** Of each job: the longest way of others before it, and behind it. */
interface Reach {
  readonly head: readonly number[];
  readonly tail: readonly number[];
}

// A job comes after such as stand before it in the list.
function reaches(jobs: readonly Job[]): Reach {
  const head = jobs.map(() => 0);
  const tail = jobs.map(() => 0);
  for (const [index, { after }] of jobs.entries()) {
    for (const before of after) {
      head[index] = Math.max(head[index] ?? 0, (head[before] ?? 0) + (jobs[before]?.seconds ?? 0));
    }
  }
  for (const [index, { after, seconds }] of [...jobs.entries()].reverse()) {
    for (const before of after) tail[before] = Math.max(tail[before] ?? 0, (tail[index] ?? 0) + seconds);
  }
  return { head, tail };
}

/** List scheduling (Graham): of the jobs that may start the one with the longest way to the end is next. */
function listSchedule(jobs: readonly Job[], { tail }: Reach, runners: number): number {
  const open = jobs.map(({ after }) => after.length);
  const behind = jobs.map(() => [] as number[]);
  for (const [index, { after }] of jobs.entries()) for (const before of after) behind[before]?.push(index);
  const urgency = (index: number) => (jobs[index]?.seconds ?? 0) + (tail[index] ?? 0);
  const ready = new Heap((a, b) => urgency(b) - urgency(a) || a - b);
  const ends = new Map<number, number>();
  const running = new Heap((a, b) => (ends.get(a) ?? 0) - (ends.get(b) ?? 0) || a - b);
  for (const [index, count] of open.entries()) if (count === 0) ready.push(index);
  let now = 0;
  for (;;) {
    while (running.size < runners) {
      const next = ready.pop();
      if (next === undefined) break;
      ends.set(next, now + (jobs[next]?.seconds ?? 0));
      running.push(next);
    }
    const done = running.pop();
    if (done === undefined) return now;
    now = ends.get(done) ?? now;
    for (const index of behind[done] ?? []) {
      open[index] = (open[index] ?? 0) - 1;
      if (open[index] === 0) ready.push(index);
    }
  }
}

function stagedSchedule(jobs: readonly Job[], runners: number): number {
  const stages = Math.max(0, ...new Set(jobs.map(({ stage }) => stage + 1)));
  let sum = 0;
  for (let stage = 0; stage < stages; stage++) {
    const own = jobs.filter((job) => job.stage === stage).map((job) => ({ ...job, after: [] }));
    sum += listSchedule(own, reaches(own), runners);
  }
  return sum;
}

/**
 * A time that no schedule is below. Jobs that can't start before `h` and have at least `t` behind them have to be done
 * between: their time shared by all runners, or, as none is parted, as many whole ones as one runner gets at least.
 */
function lowerBound(jobs: readonly Job[], { head, tail }: Reach, runners: number): number {
  let best = 0;
  const heads = mostTelling(head);
  const tails = mostTelling(tail);
  for (const from of heads) {
    const late = jobs.map((_, index) => index).filter((index) => (head[index] ?? 0) >= from);
    for (const to of tails) {
      const times = late
        .filter((index) => (tail[index] ?? 0) >= to)
        .map((index) => jobs[index]?.seconds ?? 0);
      if (times.length > 0) best = Math.max(best, from + to + parallelBound(times, runners));
    }
  }
  return best;
}

function parallelBound(times: readonly number[], runners: number): number {
  const sorted = times.toSorted((a, b) => b - a);
  const area = times.reduce((sum, time) => sum + time, 0) / runners;
  let best = Math.max(area, sorted[0] ?? 0);
  // Of the k·N+1 longest some runner has k+1: the shortest of these at least.
  for (let count = 1; count * runners < sorted.length; count++) {
    const last = count * runners;
    const few = sorted.slice(last - count, last + 1);
    best = Math.max(
      best,
      few.reduce((sum, time) => sum + time, 0),
    );
  }
  return best;
}

/** Bounds for any choice of these hold, so that a great many need not all be tried. */
const mostTried = 40;

function mostTelling(values: readonly number[]): number[] {
  const distinct = [...new Set(values)].sort((a, b) => a - b);
  const step = Math.max(1, Math.ceil(distinct.length / mostTried));
  return distinct.filter((_, index) => index % step === 0);
}

/** A binary heap of places. */
class Heap {
  readonly #items: number[] = [];
  readonly #order: (a: number, b: number) => number;

  constructor(order: (a: number, b: number) => number) {
    this.#order = order;
  }

  get size(): number {
    return this.#items.length;
  }

  push(item: number): void {
    const items = this.#items;
    let index = items.push(item) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = items[parent] ?? 0;
      if (this.#order(above, item) <= 0) break;
      items[index] = above;
      index = parent;
    }
    items[index] = item;
  }

  pop(): number | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (first === undefined || last === undefined || items.length === 0) return first;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      if (left >= items.length) break;
      const right = left + 1;
      const child =
        right < items.length && this.#order(items[right] ?? 0, items[left] ?? 0) < 0 ? right : left;
      const below = items[child] ?? 0;
      if (this.#order(last, below) <= 0) break;
      items[index] = below;
      index = child;
    }
    items[index] = last;
    return first;
  }
}
