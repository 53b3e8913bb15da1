import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parse } from 'yaml';
import { FactoryError, InputError, type Problem } from '../base/errors.js';
import { sha256 } from '../base/files.js';
import type { ProcessRunner } from '../base/ports.js';
import { copyPlain, readPlain, sha256Plain } from '../base/safe.js';
import { listPlain } from '../base/walk.js';
import type { InputName } from '../config/inputs.js';
import { wordsIn } from '../config/kinds.js';
import { type Layer, settle } from '../config/layers.js';
import type { BuildOptions } from '../config/resolve.js';
import { problemAt } from '../config/settings.js';
import { repositoryAtCommit } from '../config/spec-kinds.js';
import { checkOut } from '../spack/checkout.js';
import { parseLock } from '../spack/lock.js';
import { madeWith } from '../spack/lock-file.js';
import { mergeProblems } from '../spack/merge.js';
import { isMapping, type Mapping, type OwnEnvironment, type OwnRepo } from '../targets/own-environment.js';
import { isAddress } from '../targets/source.js';
import { placeOf, wrongFile } from './places.js';

/** bytes of a user's spack.yaml and spack.lock; a lock of Slurm has 50,000 */
const mostYamlBytes = 1 << 20;
const mostLockBytes = 1 << 26;
/** Files of a repository of recipes, and the bytes of each; spack-packages has 10,000. */
const mostFiles = 50_000;
const mostFileBytes = 1 << 24;

/** What the inputs in Spack's own words say in files. */
export interface OwnFiles {
  readonly yaml: Mapping | undefined;
  readonly lock: string | undefined;
}

/**
 * Reads the files that the inputs in Spack's own words name.
 * @param cwd folder that relative paths start from
 * @returns what is wrong with them and with the repositories on this machine, and what they say
 */
export async function lookAtOwn(
  layers: readonly Layer[],
  cwd: string,
): Promise<{ readonly problems: readonly Problem[]; readonly files: OwnFiles }> {
  const problems: Problem[] = [];
  const read = async <T>(
    input: InputName,
    limit: number,
    body: (text: string) => T,
  ): Promise<T | undefined> => {
    const { text: path } = settle(layers, input);
    if (path === '') return undefined;
    const note = (message: string) => void problems.push(problemAt(input, message, settle(layers, input)));
    try {
      return body((await readPlain(...placeOf(cwd, path), limit)).toString('utf8'));
    } catch (error) {
      if (error instanceof OwnFault) for (const message of error.sentences) note(`${path}: ${message}`);
      else note(wrongFile(path, error));
      return undefined;
    }
  };
  const yaml = await read('spack-yaml', mostYamlBytes, readYaml);
  const lock = await read('spack-lock', mostLockBytes, readLockText);
  for (const word of wordsIn(settle(layers, 'repos').text)) {
    if (isAddress(word)) continue;
    const found = await reposIn(resolve(cwd, word));
    const message = typeof found === 'string' ? `'${word}' ${found}` : undefined;
    if (message !== undefined) problems.push(problemAt('repos', message, settle(layers, 'repos')));
  }
  return { problems, files: { yaml, lock } };
}

/** What is wrong with the content of a file. */
class OwnFault extends Error {
  constructor(readonly sentences: readonly string[]) {
    super(sentences.join(' '));
  }
}

function readYaml(text: string): Mapping {
  let whole: unknown;
  try {
    whole = parse(text);
  } catch (error) {
    throw new OwnFault([`it is no YAML: ${String((error as Error).message).split('\n')[0]}`]);
  }
  const own = isMapping(whole) && 'spack' in whole ? whole['spack'] : whole;
  if (!isMapping(own)) throw new OwnFault(['it is no mapping of sections of spack.yaml.']);
  const wrong = mergeProblems(own);
  if (wrong.length > 0) throw new OwnFault(wrong);
  return own;
}

function readLockText(text: string): string {
  try {
    parseLock(text);
    madeWith(text);
    return text;
  } catch (error) {
    throw new OwnFault([error instanceof FactoryError ? error.message : String(error)]);
  }
}

/** A repository as its folder shows it. */
interface FoundRepo {
  readonly namespace: string;
  readonly folder: string;
}

const taken = ['slurm_factory', 'builtin'];

/**
 * The repositories in a folder: itself, or those below its `spack_repo`.
 * @returns what is wrong with it, a clause
 */
async function reposIn(folder: string): Promise<readonly FoundRepo[] | string> {
  const enter = (path: string) => path.split('/').length <= 3 && path.split('/')[0] === 'spack_repo';
  const listed = await listPlain(folder, { limit: mostFiles, enter }).catch(() => []);
  const files = listed.filter((path) => path === 'repo.yaml' || path.endsWith('/repo.yaml'));
  if (files.length === 0) return 'has no repo.yaml, nor one below its spack_repo.';
  const found: FoundRepo[] = [];
  for (const file of files) {
    const text = (await readPlain(folder, file, mostYamlBytes)).toString('utf8');
    const place = join(folder, dirname(file));
    const namespace = namespaceOf(text) ?? /\/spack_repo\/(.+)$/.exec(place)?.[1]?.replaceAll('/', '.');
    if (namespace === undefined || !/^[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*){0,3}$/.test(namespace)) {
      return `has no namespace in ${file} that Spack could import.`;
    }
    if (taken.includes(namespace)) return `has the namespace ${namespace}, which is taken.`;
    found.push({ namespace, folder: place });
  }
  return found;
}

function namespaceOf(text: string): string | undefined {
  try {
    const namespace = (parse(text) as { repo?: { namespace?: unknown } })?.repo?.namespace;
    return typeof namespace === 'string' ? namespace : undefined;
  } catch {
    return undefined;
  }
}

interface OwnRequest {
  readonly cwd: string;
  readonly workRoot: string;
  readonly process: ProcessRunner;
}

/**
 * What a user adds to the environment. Repositories that are not on this machine come to it now.
 * @throws InputError, SpackUnreachableError
 */
export async function resolveOwn(
  options: Pick<BuildOptions, 'spec' | 'packages' | 'moduleLayout' | 'repos' | 'spackTest'>,
  { yaml, lock }: OwnFiles,
  { cwd, workRoot, process }: OwnRequest,
): Promise<OwnEnvironment> {
  const repos: OwnRepo[] = [];
  for (const word of options.repos ?? []) {
    const git = repositoryAtCommit(word);
    const folder = git === undefined ? resolve(cwd, word) : join(workRoot, 'clones', `repo-${git.commit}`);
    if (git !== undefined) {
      await checkOut(git, folder, join(workRoot, 'clones', `.partial-${git.commit}`), process);
    }
    const found = await reposIn(folder);
    if (typeof found === 'string') throw new InputError([{ input: 'repos', message: `'${word}' ${found}` }]);
    for (const repo of found) {
      const place = `${repos.length}/spack_repo/${repo.namespace.replaceAll('.', '/')}`;
      const digest = await digestRepo(repo.folder);
      repos.push({ ...repo, place, digest, ...(git === undefined ? {} : { git }) });
    }
  }
  refuseTwins(repos);
  const { spec = [], packages = [], moduleLayout, spackTest } = options;
  return { spec, packages, moduleLayout, yaml, repos, lock, tests: spackTest };
}

function refuseTwins(repos: readonly OwnRepo[]): void {
  const names = repos.map(({ namespace }) => namespace);
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  if (twice.length === 0) return;
  throw new InputError([{ input: 'repos', message: `the namespace ${twice[0]} is there twice.` }]);
}

/**
 * One digest over names and bytes, whatever Spack has compiled beside them.
 * @param read reads a file, by its relative path
 */
async function digestRepo(
  folder: string,
  read = (file: string) => sha256Plain(folder, file, mostFileBytes),
): Promise<string> {
  const files = (await listPlain(folder, { limit: mostFiles })).filter(
    (path) => !path.includes('__pycache__') && !path.startsWith('.git/'),
  );
  const lines: string[] = [];
  for (const file of files) lines.push(`${(await read(file)).sha256}  ${file}`);
  return sha256(lines.join('\n'));
}

/**
 * Copies a user's repositories to where a build has them.
 * @param to folder of a build's own recipes
 * @throws InputError for one that has changed since the inputs were read
 */
export async function copyRepos(repos: readonly OwnRepo[], to: string): Promise<void> {
  for (const { namespace, folder, place, digest } of repos) {
    const copy = join(to, 'repos', place);
    const copied = await digestRepo(folder, async (file) => {
      await mkdir(dirname(join(copy, file)), { recursive: true });
      return copyPlain(folder, file, join(copy, file), { mode: 0o644, limit: mostFileBytes });
    });
    if (copied !== digest) {
      const message = `${namespace} was changed while the build began. Start it again.`;
      throw new InputError([{ input: 'repos', message }]);
    }
  }
}
