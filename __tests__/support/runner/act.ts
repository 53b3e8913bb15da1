import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { prepared } from '../prepare.js';
import { ActLog, type JobRun, type LogLine, type StepRun } from './act-log.js';
import { type SignalRule, Signals } from './signals.js';

export type { JobRun, LogLine, Outcome, Stage, StepRun } from './act-log.js';
export { githubCancel, type SignalRule } from './signals.js';

export interface RunWorkflowOptions {
  /** The workflow file, absolute or relative to the workspace. */
  readonly workflow: string;
  /**
   * The checkout that the workflow runs for; `act` copies it for each job where a step
   * `uses: actions/checkout@…` stands (nothing is downloaded), without what git ignores.
   */
  readonly workspace: string;
  /** `workflow_dispatch` where `inputs` are given, else `push`. */
  readonly event?: string;
  /** More of the event's JSON: `github.event`. */
  readonly payload?: Readonly<Record<string, unknown>>;
  /** The inputs of `workflow_dispatch`. */
  readonly inputs?: Readonly<Record<string, string>>;
  /** Only this job, and what it needs. */
  readonly job?: string;
  /** Only the jobs of the matrix with these values. */
  readonly matrix?: Readonly<Record<string, string>>;
  /** Environment of every step. */
  readonly env?: Readonly<Record<string, string>>;
  /** `secrets`; GITHUB_TOKEN is also `github.token`. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Artifacts, and caches with `cache: 'v2'`, go to this service. */
  readonly service: { readonly url: string; readonly token: string };
  /** `v1`: act's own cache server; `v2`: the service; `none`: no cache service at all. */
  readonly cache?: 'v1' | 'v2' | 'none';
  /** Where act's cache server keeps its entries. */
  readonly cacheServerPath: string;
  /**
   * Holds HOME, RUNNER_TOOL_CACHE and, during the run, the jobs' workspaces. Give one to find
   * HOME again in a later run; a fresh one, removed afterwards, where not given.
   */
  readonly runnerDirectory?: string;
  /** The folder of the `node` that runs JavaScript actions; the first on PATH where not given. */
  readonly nodeDirectory?: string;
  /** `github.repository`. */
  readonly repository?: string;
  /** Actions by reference (`owner/name@v1`) that are taken from a folder on this machine. */
  readonly localActions?: Readonly<Record<string, string>>;
  /** Jobs at the same time; as many as there are processors where not given. */
  readonly concurrentJobs?: number;
  /** Labels of `runs-on` that are served, besides `ubuntu-latest`. */
  readonly labels?: readonly string[];
  /** Signals that are sent once a line comes; `githubCancel` makes those of a cancelled run. */
  readonly signalAfter?: SignalRule | readonly SignalRule[];
  /** After that long the run is ended by SIGTERM; 10 minutes where not given. */
  readonly timeoutMs?: number;
  /** Called with each line as it comes. */
  readonly onLine?: (line: LogLine) => void;
}

export interface WorkflowRun {
  /** 0 when all jobs succeeded; null when `act` was killed. */
  readonly exitCode: number | null;
  readonly timedOut: boolean;
  /** The command line, for messages of failing tests. */
  readonly command: readonly string[];
  readonly lines: readonly LogLine[];
  /** All text, a line each. */
  readonly log: string;
  readonly jobs: readonly JobRun[];
  /** The job with this id or name; throws where there is none. */
  job(id: string): JobRun;
  /** The step with this id or name in the one job that has it; throws where there is none. */
  step(id: string, stage?: StepRun['stage']): StepRun;
}

/** The `act` that was found or brought here; throws with the reason where there is none. */
export function findAct(): string {
  const { act, missing } = prepared();
  if (act === undefined) throw new Error(`act is not here: ${missing.join('; ')}`);
  return act;
}

/**
 * Runs a workflow with `act` on this machine itself (no containers around the jobs). Resolves
 * also when jobs fail; rejects only when `act` cannot be started.
 */
export async function runWorkflow(options: RunWorkflowOptions): Promise<WorkflowRun> {
  const scratch = mkdtempSync(join(tmpdir(), 'act-run-'));
  const runner = options.runnerDirectory ?? join(scratch, 'runner');
  const home = join(runner, 'home');
  mkdirSync(home, { recursive: true });
  const eventFile = join(scratch, 'event.json');
  const inputs = options.inputs === undefined ? {} : { inputs: options.inputs };
  writeFileSync(eventFile, JSON.stringify({ ...options.payload, ...inputs }));
  const command = [findAct(), ...actArguments(options, runner, eventFile)];
  try {
    const child = spawn(command[0] ?? '', command.slice(1), {
      cwd: options.workspace,
      env: runnerEnvironment(home, options.nodeDirectory),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const { log, exitCode, timedOut } = await follow(child, options);
    return finished(command, log, exitCode, timedOut);
  } finally {
    rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

/** Throws where a job has failed, with what the steps told and the end of the log. */
export function expectSuccess({ exitCode, jobs, log }: WorkflowRun): void {
  if (exitCode === 0) return;
  // The log's end is that of whichever job was last, not of the one that failed.
  const told = jobs.flatMap(({ steps }) =>
    steps.flatMap(({ id, annotations }) => annotations.map(({ text }) => `${id ?? ''}: ${text}`)),
  );
  throw new Error(`the workflow failed:\n${told.join('\n')}\n${log.slice(-12_000)}`);
}

/** The arguments of `act`, its command apart. */
export function actArguments(options: RunWorkflowOptions, runner: string, eventFile: string): string[] {
  const cache = options.cache ?? 'v1';
  const env: Record<string, string> = {
    ...options.env,
    ACTIONS_RESULTS_URL: options.service.url,
    ACTIONS_RUNTIME_TOKEN: options.service.token,
    ...(cache === 'v2' ? { ACTIONS_CACHE_SERVICE_V2: 'true' } : {}),
    GITHUB_REPOSITORY: options.repository ?? 'example/slurm-factory',
  };
  const list = (flag: string, values: Readonly<Record<string, string>> = {}, mark = '='): string[] =>
    Object.entries(values).flatMap(([name, value]) => [flag, `${name}${mark}${value}`]);
  return [
    options.event ?? (options.inputs === undefined ? 'push' : 'workflow_dispatch'),
    '--json',
    ...['--workflows', options.workflow],
    ...['ubuntu-latest', ...(options.labels ?? [])].flatMap((label) => ['-P', `${label}=-self-hosted`]),
    ...['--eventpath', eventFile],
    ...(options.job === undefined ? [] : ['--job', options.job]),
    ...['--action-cache-path', join(runner, 'work')],
    ...(cache === 'v1'
      ? ['--cache-server-addr', '127.0.0.1', '--cache-server-path', options.cacheServerPath]
      : ['--no-cache-server']),
    // Files that a workspace may hold for other uses, and that act would take as its own.
    ...['--env-file', '--secret-file', '--var-file', '--input-file'].flatMap((flag) => [flag, '/dev/null']),
    ...(options.concurrentJobs === undefined ? [] : ['--concurrent-jobs', String(options.concurrentJobs)]),
    ...list('--matrix', options.matrix, ':'),
    ...list('--input', options.inputs),
    ...list('--secret', options.secrets),
    ...list('--local-repository', options.localActions),
    ...list('--env', env),
  ];
}

/** What of this process's environment the steps may see: `act` hands all of its own on to them. */
const HANDED_ON =
  /^(DOCKER_HOST|CONTAINER_HOST|XDG_RUNTIME_DIR|LANG|LC_ALL|USER|LOGNAME|TMPDIR|HTTPS?_PROXY|https?_proxy|SSL_CERT_FILE|SSL_CERT_DIR|NODE_EXTRA_CA_CERTS|CURL_CA_BUNDLE|REQUESTS_CA_BUNDLE|GIT_SSL_CAINFO|GIT_CONFIG_.*|PIP_.*)$/;

function runnerEnvironment(home: string, nodeDirectory?: string): Record<string, string> {
  const handedOn = Object.entries(process.env).filter(([name]) => HANDED_ON.test(name));
  const path = process.env['PATH'] ?? '/usr/bin:/bin';
  const noProxy = [process.env['NO_PROXY'] ?? process.env['no_proxy'], '127.0.0.1,localhost'];
  const direct = noProxy.filter((part) => part !== undefined && part !== '').join(',');
  return {
    ...Object.fromEntries(handedOn.map(([name, value]) => [name, value ?? ''])),
    HOME: home,
    // Where git finds upstream repositories is the machine's affair.
    ...(process.env['GIT_CONFIG_GLOBAL'] === undefined
      ? { GIT_CONFIG_GLOBAL: join(homedir(), '.gitconfig') }
      : {}),
    XDG_CONFIG_HOME: join(home, '.config'),
    XDG_CACHE_HOME: join(home, '.cache'),
    PATH: nodeDirectory === undefined ? path : `${nodeDirectory}${delimiter}${path}`,
    NO_PROXY: direct,
    no_proxy: direct,
  };
}

async function follow(
  child: ChildProcess,
  options: RunWorkflowOptions,
): Promise<{ log: ActLog; exitCode: number | null; timedOut: boolean }> {
  const log = new ActLog();
  const signals = new Signals(child.pid ?? 0, [options.signalAfter ?? []].flat());
  let timedOut = false;
  const take = (text: string): void => {
    const line = log.add(text);
    options.onLine?.(line);
    signals.see(line.text);
  };
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) createInterface({ input: stream }).on('line', take);
  }
  const limit = options.timeoutMs ?? 600_000;
  const ending = setTimeout(() => {
    timedOut = true;
    child.kill('SIGTERM');
  }, limit);
  const killing = setTimeout(() => child.kill('SIGKILL'), limit + 30_000);
  try {
    const exitCode = await new Promise<number | null>((ended, failed) => {
      child.once('error', failed);
      child.once('close', ended);
    });
    return { log, exitCode, timedOut };
  } finally {
    clearTimeout(ending);
    clearTimeout(killing);
    signals.stop();
  }
}

function finished(
  command: readonly string[],
  log: ActLog,
  exitCode: number | null,
  timedOut: boolean,
): WorkflowRun {
  const { lines, jobs } = log;
  const text = lines.map((line) => line.text).join('\n');
  const missing = (what: string): Error => new Error(`${what} did not run; the log:\n${text}`);
  return {
    exitCode,
    timedOut,
    command,
    lines,
    log: text,
    jobs,
    job(id) {
      const found = jobs.find((job) => job.id === id || job.name === id);
      if (found === undefined) throw missing(`job ${id}`);
      return found;
    },
    step(id, stage = 'Main') {
      const all = jobs.flatMap((job) => job.steps);
      const found = all.find((step) => step.stage === stage && (step.id === id || step.name === id));
      if (found === undefined) throw missing(`step ${id} (${stage})`);
      return found;
    },
  };
}
