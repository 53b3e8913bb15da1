import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { notice, setSecret } from '@actions/core';
import { type Env, isSecretName } from '../base/environment.js';
import { ownerEnded, processOwner } from '../base/owner.js';
import { loginVariables } from '../config/build-cache-inputs.js';
import { inputNames, inputVariable, isSecret } from '../config/inputs.js';
import { isInputVariable } from './inputs.js';
import { secretsVariable as fileVariable } from './start.js';

/*
 * The runner gives an action its secrets by variables, and what a process was started with stays readable
 * in /proc/<pid>/environ for every other process of the user, whatever the process deletes later. So this
 * process starts itself anew, under the same id, without them; they come over by a file in memory that is
 * gone before anything is started.
 */

/** Inputs that are secret, by the names that the runner gives them. */
const secretInputs = inputNames.filter(isSecret).map(inputVariable);
/** What the toolkit's clients read themselves, for as long as the process runs. */
const toolkitSecrets = ['ACTIONS_RUNTIME_TOKEN', 'ACTIONS_ID_TOKEN_REQUEST_TOKEN'] as const;
const kept: readonly string[] = [...secretInputs, ...toolkitSecrets];

/** Whether this action needs a secret: as an input, for the toolkit, or as a part of a login that an input names. */
function isKept(name: string, env: Env): boolean {
  if (kept.includes(name)) return true;
  const [user, ...secrets] = loginVariables(env[inputVariable('build-cache-login')] ?? '');
  // A user's name is none, unless its variable says so.
  return secrets.includes(name) || (name === user && isSecretName(name));
}

/** In the place of a value that nobody reads. */
const hiddenValue = '***';

const folderPrefix = 'slurm-factory-secrets~';

export interface Split {
  /**
   * What the process starts anew with: no secret, by name or by what we know of it. Of an input that no action has, and
   * that sounds like one, the name stays.
   */
  readonly open: Record<string, string>;
  /** The secrets that this action needs; all others are dropped. */
  readonly secrets: Record<string, string>;
}

/** Parts the environment; an empty variable is no secret, and is left where it is. */
export function splitEnvironment(env: Env): Split {
  const split: Split = { open: {}, secrets: {} };
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue;
    const needed = isKept(name, env);
    if (value === '' || !(needed || isSecretName(name))) split.open[name] = value;
    else if (needed) split.secrets[name] = value;
    // A misspelt input is told, whatever its name sounds like.
    else if (isInputVariable(name)) split.open[name] = hiddenValue;
  }
  return split;
}

/** The parts of a process that starting anew takes; `process` itself in life. */
export interface Self {
  env: Record<string, string | undefined>;
  readonly execPath: string;
  readonly execArgv: readonly string[];
  readonly argv: readonly string[];
  /** Node's own, since 22.15; it does not return. */
  readonly execve?: ((file: string, args: string[], env: Record<string, string>) => void) | undefined;
}

/**
 * Takes the secrets out of what other processes can see of this one. Call it first: where the process has
 * secrets in its environment it starts anew, and this call does not return.
 * Afterwards `env` holds the secrets so that the toolkit finds them and a copy of `env` does not have them.
 * @param folders where the file for them may lie, best first; the first that can be written is taken
 */
export function hideSecrets(self: Self, folders: readonly string[] = secretFolders(self.env)): void {
  removeLeftovers(folders);
  const path = self.env[fileVariable];
  const brought = path === undefined ? {} : takeFile(path);
  const { open, secrets } = splitEnvironment(self.env);
  delete open[fileVariable];
  // A second start that still finds some would be a loop.
  if (Object.keys(secrets).length > 0 && path === undefined) startAnew(self, open, secrets, folders);
  self.env = hidden(open, { ...secrets, ...brought });
}

/** In memory where the machine has that, else in the job's own temporary folder. */
const secretFolders = (env: Env): string[] => ['/dev/shm', env['RUNNER_TEMP'] || tmpdir()];

function startAnew(
  self: Self,
  open: Record<string, string>,
  secrets: Record<string, string>,
  folders: readonly string[],
): void {
  if (self.execve === undefined) {
    if (secrets['INPUT_GPG-PRIVATE-KEY'] !== undefined) {
      notice(
        'This version of Node can not take the signing key out of the environment that the runner gave; ' +
          'until the step ends, processes of the same user can read it there.',
      );
    }
    return;
  }
  for (const secret of Object.values(secrets)) setSecret(secret);
  const file = writeFile(secrets, folders);
  if (file === undefined) return;
  const words = [self.execPath, ...self.execArgv, ...self.argv.slice(1)];
  try {
    self.execve(self.execPath, words, { ...open, [fileVariable]: file });
  } finally {
    // Only where it did not come to the start.
    rmSync(dirname(file), { recursive: true, force: true });
  }
}

function writeFile(secrets: Record<string, string>, folders: readonly string[]): string | undefined {
  for (const folder of folders) {
    try {
      const own = mkdtempSync(join(folder, `${folderPrefix}${processOwner()}~`));
      const file = join(own, 'secrets.json');
      writeFileSync(file, JSON.stringify(secrets), { mode: 0o600, flag: 'wx' });
      return file;
    } catch {
      // The next one, then.
    }
  }
  return undefined;
}

// What is not ours to read is not believed.
function takeFile(path: string): Record<string, string> {
  const own = dirname(path);
  if (!basename(own).startsWith(folderPrefix)) return {};
  try {
    if (statSync(own).uid !== process.getuid?.()) return {};
    const secrets: Record<string, string> = JSON.parse(readFileSync(path, 'utf8'));
    return secrets;
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

/** Folders of starts that were killed in between. */
function removeLeftovers(folders: readonly string[]): void {
  const here = processOwner();
  for (const folder of folders) {
    for (const name of names(folder)) {
      const path = join(folder, name);
      if (!name.startsWith(folderPrefix) || !ownerEnded(name.slice(folderPrefix.length), here)) continue;
      try {
        rmSync(path, { recursive: true, force: true });
      } catch {
        // Another user's.
      }
    }
  }
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** An environment whose secrets can be read by name, but are in no copy of it, and so in no child's. */
function hidden(open: Record<string, string>, secrets: Record<string, string>): Record<string, string> {
  const env = { ...open };
  for (const [name, value] of Object.entries(secrets)) {
    Object.defineProperty(env, name, { value, enumerable: false, configurable: true, writable: true });
  }
  return env;
}
