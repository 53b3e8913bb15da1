import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getInput, setSecret } from '@actions/core';
import type { Trigger } from '../cache/policy.js';
import { inputNames, type RawInputs } from '../config/schema.js';

/** What the workflow says of the job. */
export interface JobContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly workspace: string;
  /** Folder for everything that the build needs on the way. */
  readonly workRoot: string;
  readonly trigger: Trigger;
  /** Web address of an artifact of this run by its number. */
  readonly artifactUrl: (id: number | undefined) => string;
}

// Read once; nothing later needs them in the environment. What other processes see is `hideSecrets`' part.
const secretNames: readonly string[] = ['gpg-private-key', 'gpg-passphrase', 'cache-secret', 'github-token'];
const secrets = inputNames.filter((name) => secretNames.includes(name));

/** The inputs as the workflow gave them; one that is missing is empty. Call it once: secrets are taken out. */
export function readInputs(): RawInputs {
  const inputs = Object.fromEntries(inputNames.map((name) => [name, getInput(name)]));
  for (const name of secrets) {
    if (inputs[name]) setSecret(inputs[name]);
    delete process.env[`INPUT_${name.toUpperCase()}`];
  }
  return inputs;
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
