import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Env } from '../base/environment.js';
import { InputError, type Problem } from '../base/errors.js';
import { type InputName, inputNames, inputOf, isSecret, type RawInputs } from '../config/inputs.js';

/*
 * Secrets come by files: arguments can be read by every user of the machine, and variables stay readable in
 * /proc/<pid>/environ for every process of the same user, whatever this one deletes.
 */

/** Paths by input; `-` is standard input. */
export type SecretFiles = Readonly<Partial<Record<InputName, string>>>;

/** bytes; the largest key that gpg makes, with its signatures, is a tenth of it */
const mostBytes = 1 << 20;
/** How long the writer of a pipe may take. */
const pipeSeconds = 20;

/**
 * Variables that earlier versions read secrets from.
 * @throws InputError that names the option to use, where one is set
 */
export function refuseSecretVariables(env: Env): void {
  const problems = inputNames
    .filter((name) => isSecret(name) && inputOf(name).commands.length > 0)
    .flatMap((name): Problem[] => {
      const variable = `SLURM_FACTORY_${name.replaceAll('-', '_').toUpperCase()}`;
      if (!env[variable]) return [];
      const message = `it is set, and every process of this user can read it. Unset it, and use --${name}-file <file>.`;
      return [{ input: variable, message }];
    });
  if (problems.length > 0) throw new InputError(problems);
}

/**
 * Reads each secret from its file, once. A descriptor (`/dev/fd/3`) is closed behind it.
 * @param cwd folder that relative paths start from
 * @throws InputError with every file that is not as it must be
 */
export async function readSecretFiles(files: SecretFiles, cwd: string): Promise<RawInputs> {
  const problems: Problem[] = [];
  const read: [string, string][] = [];
  const given = Object.entries(files);
  const descriptors = given.map(([, file]) => descriptorOf(file)).filter((number) => number !== undefined);
  for (const [name, file] of given) {
    const number = descriptorOf(file);
    const twice = number !== undefined && descriptors.filter((other) => other === number).length > 1;
    try {
      if (twice) throw new Refusal('only one of the secrets can come by it');
      read.push([name, await readSecret(file, number, cwd)]);
    } catch (error) {
      problems.push({ input: `--${name}-file`, message: `${shown(file)}: ${reason(error)}.` });
    }
  }
  if (problems.length > 0) throw new InputError(problems);
  return Object.fromEntries(read);
}

class Refusal extends Error {}

async function readSecret(file: string, number: number | undefined, cwd: string): Promise<string> {
  if (file === '') throw new Refusal('there is no name of a file');
  // Not waiting for the writer of a pipe here: nothing could end that.
  const fd = number ?? openSync(resolve(cwd, file), constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const state = fstatSync(fd);
    refuseKind(state);
    // A named pipe that nobody has opened for writing yet looks as if it had ended.
    const data = await readAll(fd, state.isFIFO() && number === undefined);
    const text = new TextDecoder('utf-8', { fatal: true }).decode(data);
    if (text.includes('\0')) throw new Refusal('it is no text');
    const secret = text.replace(/\r?\n$/, '');
    if (secret === '') throw new Refusal('it is empty');
    return secret;
  } finally {
    // An open file can be read again in /proc/<pid>/fd; a pipe is empty now.
    if (number === undefined || (number > 2 && isOpenFile(number))) closeSync(fd);
  }
}

function isOpenFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile();
  } catch {
    return false;
  }
}

function refuseKind(state: Stats): void {
  if (state.isDirectory()) throw new Refusal('it is a folder');
  if (!(state.isFile() || state.isFIFO() || state.isSocket()))
    throw new Refusal('it is neither a file nor a pipe');
  if (!state.isFile()) return;
  if (state.size > mostBytes) throw new Refusal(`it is larger than ${mostBytes} bytes`);
  const own = state.uid === process.getuid?.();
  // Another user's file, such as one of root's, may be given to this one by its group.
  if ((state.mode & (own ? 0o077 : 0o007)) !== 0) {
    throw new Refusal('other users may read or write it; make it private with chmod 600');
  }
}

async function readAll(fd: number, mayBegin: boolean): Promise<Buffer> {
  const buffer = Buffer.alloc(mostBytes + 1);
  const end = Date.now() + pipeSeconds * 1000;
  let length = 0;
  while (length <= mostBytes) {
    const count = readSome(fd, buffer, length);
    if (count === 0 && (!mayBegin || length > 0)) break;
    if (count === undefined || count === 0) {
      if (Date.now() > end) throw new Refusal(`nothing came within ${pipeSeconds} s`);
      await wait(20);
    } else length += count;
  }
  if (length > mostBytes) throw new Refusal(`it is larger than ${mostBytes} bytes`);
  return buffer.subarray(0, length);
}

/** undefined where there is nothing to read yet */
function readSome(fd: number, buffer: Buffer, offset: number): number | undefined {
  try {
    return readSync(fd, buffer, offset, buffer.length - offset, null);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EAGAIN') return undefined;
    if (code === 'EOF') return 0;
    throw error;
  }
}

function descriptorOf(file: string): number | undefined {
  if (file === '-' || file === '/dev/stdin') return 0;
  const number = /^\/(?:dev|proc\/self)\/fd\/(\d{1,6})$/.exec(file)?.[1];
  return number === undefined ? undefined : Number(number);
}

function reason(error: unknown): string {
  if (error instanceof Refusal) return error.message;
  const { code } = error as NodeJS.ErrnoException;
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file',
    ENOTDIR: 'there is no such file',
    EACCES: 'this user may not read it',
    EPERM: 'this user may not read it',
    ELOOP: 'it is a loop of links',
    ENAMETOOLONG: 'the path is too long',
    EBADF: 'no such descriptor is open',
    ENXIO: 'it is neither a file nor a pipe',
    ERR_INVALID_ARG_VALUE: 'it is no path',
    ERR_ENCODING_INVALID_ENCODED_DATA: 'it is no text',
  };
  return known[code ?? ''] ?? 'it can not be read';
}

const shown = (file: string): string => `'${file.length > 200 ? `${file.slice(0, 200)}…` : file}'`;
