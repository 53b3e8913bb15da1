/** One line of what a run printed. Lines of `act` itself have neither step nor stage. */
export interface LogLine {
  /** `<workflow>/<job>`, with `-<n>` behind it for the jobs of a matrix. */
  readonly job?: string;
  readonly step?: string;
  readonly stage?: Stage;
  readonly level: string;
  /** Without its line end; a workflow command stands as it was written (`::warning::…`). */
  readonly text: string;
  /** The workflow command, `summary`, `set-output` …; absent for ordinary output. */
  readonly command?: string;
}

export type Stage = 'Pre' | 'Main' | 'Post';
export type Outcome = 'success' | 'failure';

/** A step that ran. One that was skipped is not listed. */
export interface StepRun {
  /** The step's `id`, else its place in the job, counted from 0. */
  readonly id: string;
  readonly name: string;
  readonly stage: Stage;
  /** Absent when the run ended before the step did. */
  outcome?: Outcome;
  milliseconds?: number;
  readonly outputs: Record<string, string>;
  /** What the step wrote to GITHUB_STEP_SUMMARY. */
  summary: string;
  /** Its ordinary output. */
  readonly output: string[];
  /** What came by `::error::`, `::warning::` and `::notice::`, without title and place. */
  readonly annotations: { readonly level: 'error' | 'warning' | 'notice'; readonly text: string }[];
}

export interface JobRun {
  readonly name: string;
  readonly id: string;
  readonly matrix: Readonly<Record<string, unknown>>;
  /** Absent when `act` did not get to say it. */
  result?: Outcome;
  readonly steps: StepRun[];
  /** The summaries of all its steps, one behind the other, as GitHub shows them. */
  summary: string;
}

interface Entry {
  readonly level?: string;
  readonly msg?: string;
  readonly job?: string;
  readonly jobID?: string;
  readonly matrix?: Record<string, unknown> | null;
  readonly jobResult?: Outcome;
  readonly step?: string;
  readonly stepID?: string[];
  readonly stage?: Stage;
  readonly stepResult?: Outcome;
  readonly executionTime?: number;
  readonly command?: string;
  readonly name?: string;
  readonly arg?: string;
  readonly content?: string;
  readonly raw?: string;
  readonly raw_output?: boolean;
}

/** Gathers jobs, steps and lines from what `act --json` prints, line by line. */
export class ActLog {
  readonly lines: LogLine[] = [];
  readonly jobs: JobRun[] = [];

  /** Takes one line, and gives it back in the form that it is listed in. */
  add(line: string): LogLine {
    const entry = parse(line);
    const logged = describe(entry);
    this.lines.push(logged);
    if (entry.job !== undefined) {
      const job = this.#job(entry);
      if (entry.jobResult !== undefined) job.result = entry.jobResult;
      if (entry.stepID !== undefined && entry.stage !== undefined && concernsStep(entry)) {
        recordStep(job, stepOf(job, entry.stepID.join('/'), entry), entry, logged.text);
      }
    }
    return logged;
  }

  #job(entry: Entry): JobRun {
    const name = (entry.job ?? '').trim();
    const known = this.jobs.find((job) => job.name === name);
    if (known !== undefined) return known;
    const matrix = entry.matrix ?? {};
    const job: JobRun = { name, id: entry.jobID ?? name, matrix, steps: [], summary: '' };
    this.jobs.push(job);
    return job;
  }
}

/** act names a step in remarks of its own too, even for a stage that the step does not have. */
function concernsStep(entry: Entry): boolean {
  return (
    entry.raw_output === true ||
    entry.command !== undefined ||
    entry.stepResult !== undefined ||
    entry.msg?.startsWith('\u2b50 Run ') === true
  );
}

function parse(line: string): Entry {
  try {
    return JSON.parse(line) as Entry;
  } catch {
    return { level: line.startsWith('Error:') ? 'error' : 'info', msg: line };
  }
}

function describe(entry: Entry): LogLine {
  return {
    level: entry.level ?? 'info',
    text: (entry.raw ?? entry.msg ?? '').replace(/\r?\n$/, ''),
    ...(entry.job === undefined ? {} : { job: entry.job.trim() }),
    ...(entry.step === undefined ? {} : { step: entry.step }),
    ...(entry.stage === undefined ? {} : { stage: entry.stage }),
    ...(entry.command === undefined ? {} : { command: entry.command }),
  };
}

function stepOf(job: JobRun, id: string, entry: Entry): StepRun {
  const stage = entry.stage ?? 'Main';
  const known = job.steps.find((step) => step.id === id && step.stage === stage);
  if (known !== undefined) return known;
  const name = entry.step ?? id;
  const step: StepRun = { id, name, stage, outputs: {}, summary: '', output: [], annotations: [] };
  job.steps.push(step);
  return step;
}

function recordStep(job: JobRun, step: StepRun, entry: Entry, text: string): void {
  if (entry.stepResult !== undefined) step.outcome = entry.stepResult;
  if (entry.executionTime !== undefined) step.milliseconds = entry.executionTime / 1e6;
  if (entry.raw_output === true) step.output.push(text);
  switch (entry.command) {
    case 'set-output':
      if (entry.name !== undefined) step.outputs[entry.name] = entry.arg ?? '';
      break;
    case 'summary':
      step.summary += entry.content ?? '';
      job.summary += entry.content ?? '';
      break;
    case 'error':
    case 'warning':
    case 'notice':
      step.annotations.push({ level: entry.command, text: entry.arg ?? '' });
      break;
    default:
  }
}
