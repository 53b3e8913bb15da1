import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { EntryLimits } from '../../../src/cache/entries.js';

export interface CacheStep {
  readonly operation: 'save' | 'restore';
  readonly key: string;
  /** What is saved, or where what is restored goes. */
  readonly folder: string;
}

/** What a process of its own does to the cache, one entry a step. */
export interface CacheJob {
  readonly steps: readonly CacheStep[];
  readonly limits?: EntryLimits;
  /** All steps at the same time. */
  readonly atOnce?: boolean;
  /** Start of the address that requests to the runner's own cache server go through. */
  readonly through?: string;
}

/** What became of a step. */
export interface StepReport {
  /** undefined for a save */
  readonly restored?: boolean;
  readonly log: readonly { readonly level: 'info' | 'warning'; readonly message: string }[];
  readonly milliseconds: number;
}

const root = resolve(import.meta.dirname, '..', '..', '..');
/** Path of the program; for how it is called see there. */
export const cacheProgram = join(import.meta.dirname, 'program.mjs');

/** Compiles the project's sources, so that plain node can run them. Returns the folder. */
export async function compileSources(folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const done = await runNode([tsc, '--project', root, '--outDir', folder, '--declaration', 'false'], {});
  if (done.exitCode !== 0) throw new Error(`the sources do not compile:\n${done.output}`);
  return folder;
}

export interface FinishedJob {
  readonly exitCode: number | null;
  /** Its stdout and stderr: what the toolkit says. */
  readonly output: string;
  readonly milliseconds: number;
  readonly reports: readonly StepReport[];
}

/** Runs a job in a process of its own. */
export async function runCacheJob(
  built: string,
  scratch: string,
  job: CacheJob,
  env: Readonly<Record<string, string>>,
): Promise<FinishedJob> {
  mkdirSync(scratch, { recursive: true });
  const [jobFile, reportFile] = [join(scratch, 'job.json'), join(scratch, 'report.json')];
  writeFileSync(jobFile, JSON.stringify(job));
  const begun = Date.now();
  const done = await runNode([cacheProgram, built, jobFile, reportFile], env);
  const milliseconds = Date.now() - begun;
  if (done.exitCode !== 0) throw new Error(`the job failed:\n${done.output}`);
  return { ...done, milliseconds, reports: JSON.parse(readFileSync(reportFile, 'utf8')) };
}

function runNode(
  words: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ exitCode: number | null; output: string }> {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, words, {
    // Where the runner starts an action; the client looks from here for what it saves.
    cwd: env['GITHUB_WORKSPACE'],
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  return new Promise((ended, failed) => {
    child.once('error', failed);
    child.once('close', (exitCode) => ended({ exitCode, output }));
  });
}
