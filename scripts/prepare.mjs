// Prepares what the slow tests need, once: scripts/test.mjs and Jest (for a test file run alone) call it.
import { spawn } from 'node:child_process';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Name of the variable by which the tests are told what there is. */
export const preparedVariable = 'SLURM_FACTORY_TEST_PREPARED';

/** What the tests keep between runs. */
export const testCache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'slurm-factory-tests');

/**
 * What scripts/prepare-e2e.sh prints, read.
 * @returns {{act?: string, node?: string, browser?: string, dockerd?: string, missing: string[]}} act's path, the
 *   folder of Node 24, a browser's path, the id of a dockerd that was started, and what this machine can't have, with the reason
 */
export function parsePrepared(text) {
  const prepared = { missing: [] };
  for (const line of text.split('\n')) {
    const [, name, value] = /^(act|node|browser|dockerd|missing) (.+)$/.exec(line) ?? [];
    if (name === 'missing') prepared.missing.push(value);
    else if (name !== undefined) prepared[name] = value;
  }
  return prepared;
}

/**
 * Runs scripts/prepare-e2e.sh unless that was done for this process or one above it.
 * @returns what there is; undefined when it was done before
 */
export async function prepare() {
  if (process.env[preparedVariable] !== undefined) return undefined;
  const script = resolve(import.meta.dirname, 'prepare-e2e.sh');
  const child = spawn('bash', [script], {
    env: { ...process.env, SLURM_FACTORY_TEST_TOOLS: testCache },
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 20 * 60_000,
  });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  const code = await new Promise((ended, failed) => {
    child.once('error', failed);
    child.once('close', ended);
  });
  if (code !== 0) throw new Error(`scripts/prepare-e2e.sh ended with exit code ${code}`);
  const prepared = parsePrepared(text);
  process.env[preparedVariable] = JSON.stringify(prepared);
  return prepared;
}

/** Jest's global setup. */
export default async function setup() {
  await prepare();
}
