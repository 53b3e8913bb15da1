import { readdirSync, readFileSync } from 'node:fs';

export interface SignalRule {
  /** The first line whose text matches starts the clock. */
  readonly line: RegExp;
  readonly delayMs?: number;
  /** SIGINT where not given. */
  readonly signal?: NodeJS.Signals;
  /**
   * `act` (where not given): it kills the running steps with SIGKILL at once, then runs the post
   * steps and what has `if: always()`. `step`: the processes of the steps that run when the line
   * comes, and only those, as GitHub's runner does it.
   */
  readonly to?: 'act' | 'step';
}

/**
 * How GitHub's runner cancels a job: the step's process gets SIGINT, 7.5 s later SIGTERM, 2.5 s
 * later SIGKILL. To `act` the step has failed, so `cancelled()` is false and `failure()` true.
 */
export function githubCancel(line: RegExp): SignalRule[] {
  return [
    { line, to: 'step', signal: 'SIGINT' },
    { line, to: 'step', signal: 'SIGTERM', delayMs: 7_500 },
    { line, to: 'step', signal: 'SIGKILL', delayMs: 10_000 },
  ];
}

/** Watches the lines of a run, and sends the signals of the rules that they meet, once each. */
export class Signals {
  readonly #act: number;
  readonly #timers: NodeJS.Timeout[] = [];
  #waiting: readonly SignalRule[];

  constructor(act: number, rules: readonly SignalRule[]) {
    this.#act = act;
    this.#waiting = rules;
  }

  see(text: string): void {
    const met = this.#waiting.filter((rule) => rule.line.test(text));
    if (met.length === 0) return;
    this.#waiting = this.#waiting.filter((rule) => !met.includes(rule));
    const steps = childrenOf(this.#act);
    for (const { to, signal, delayMs } of met) {
      const targets = to === 'step' ? steps : [this.#act];
      this.#timers.push(setTimeout(() => send(targets, signal ?? 'SIGINT'), delayMs ?? 0));
    }
  }

  /** Signals that are not sent yet are dropped. */
  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }
}

function send(targets: readonly number[], signal: NodeJS.Signals): void {
  for (const target of targets) {
    try {
      process.kill(target, signal);
    } catch (error) {
      // Ended by itself in the meantime.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** The direct children of a process, whichever of its threads started them. */
function childrenOf(pid: number): number[] {
  const tasks = `/proc/${pid}/task`;
  return readdirSync(tasks)
    .flatMap((task) => readFileSync(`${tasks}/${task}/children`, 'utf8').trim().split(' '))
    .filter((word) => word !== '')
    .map(Number);
}
