import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Trigger } from '../cache/policy.js';

/** What the workflow says of the job. */
export interface JobContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly workspace: string;
  /** Folder for everything that the build needs on the way. */
  readonly workRoot: string;
  /** Folder that cache entries pass through. */
  readonly transfer: string;
  readonly trigger: Trigger;
  /** Web address of an artifact of this run by its number. */
  readonly artifactUrl: (id: number | undefined) => string;
}

/** Reads the job's context from the runner's environment variables. */
export function readContext(): JobContext {
  const env = process.env;
  const workspace = env['GITHUB_WORKSPACE'] || process.cwd();
  const server = env['GITHUB_SERVER_URL'] ?? 'https://github.com';
  const run = `${server}/${env['GITHUB_REPOSITORY']}/actions/runs/${env['GITHUB_RUN_ID']}`;
  return {
    env,
    workspace,
    workRoot: join(env['RUNNER_TEMP'] || join(workspace, '.slurm-factory'), 'slurm-factory'),
    // The cache service finds an entry only from the folder that it was saved from.
    transfer: join(workspace, '.slurm-factory', 'transfer'),
    trigger: {
      event: env['GITHUB_EVENT_NAME'],
      ref: env['GITHUB_REF'],
      // pull_request_target too: it runs with the default branch's cache in reach.
      fromFork: /^pull_request/.test(env['GITHUB_EVENT_NAME'] ?? '') && isFork(env['GITHUB_EVENT_PATH']),
    },
    artifactUrl: (id) => (id === undefined ? run : `${run}/artifacts/${id}`),
  };
}

// Without the event's text the pull request is taken for a fork's: then nothing is saved.
function isFork(eventPath: string | undefined): boolean {
  try {
    const { pull_request: request } = JSON.parse(readFileSync(eventPath ?? '', 'utf8'));
    return request.head.repo.full_name !== request.base.repo.full_name;
  } catch {
    return true;
  }
}
