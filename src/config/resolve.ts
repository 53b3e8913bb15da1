import { InputError, type Problem } from '../base/errors.js';
import { nearest } from '../base/suggest.js';
import {
  type ActionName,
  camelCase,
  type InputName,
  type InputValues,
  inputNames,
  inputOf,
  inputsOfAction,
  inputVariable,
  isInputName,
} from './inputs.js';
import type { Catalog } from './kinds.js';
import { type Layer, type Origin, type Settled, settle, settleAll } from './layers.js';
import { isSettingName, problemAt } from './settings.js';

export type { Catalog } from './kinds.js';

/** Inputs that a build gets in another form, or not at all. */
type Reshaped = 'gpgPrivateKey' | 'gpgPassphrase' | 'githubToken' | 'cacheSecret';

/** All inputs of a build, checked and typed; those without a value are undefined. */
export interface BuildOptions extends Omit<InputValues<'build'>, Reshaped> {
  /** What cache entries are sealed with; undefined where the build has no secret. */
  readonly cacheSecret: string | undefined;
  /** What the files are signed with; undefined for unsigned files. */
  readonly signing: { readonly privateKey: string; readonly passphrase: string } | undefined;
  /** Where each input's value came from. */
  readonly origins: Readonly<Record<InputName, Origin>>;
}

/**
 * Checks and types the inputs; every wrong one is reported, not only the first.
 * @param found what is wrong already, such as files that inputs name and that are not there
 * @throws InputError with all problems
 */
export function resolveOptions(
  layers: readonly Layer[],
  catalog: Catalog,
  found: readonly Problem[] = [],
): BuildOptions {
  const settled = settleAll(layers);
  const problems = layers.flatMap((layer) => [...(layer.problems ?? []), ...unknownNames(layer)]);
  const values = readAll('build', settled, catalog, problems);
  if (values.gpgPassphrase !== undefined && settled.get('gpg-private-key')?.text === '') {
    problems.push({ input: 'gpg-passphrase', message: 'there is no gpg-private-key for it.' });
  }
  problems.push(...sourceProblems(values, settled), ...externalsProblems(values));
  problems.push(...buildCacheProblems(values), ...found);
  if (problems.length > 0) throw new InputError(problems);
  const { gpgPrivateKey, gpgPassphrase, githubToken: _, ...rest } = values;
  return {
    ...rest,
    cacheSecret: values.cacheSecret ?? gpgPrivateKey,
    signing:
      gpgPrivateKey === undefined
        ? undefined
        : { privateKey: gpgPrivateKey, passphrase: gpgPassphrase ?? '' },
    origins: originsOf(settled),
  };
}

/** The secret that a build's cache entries are sealed with, if it has one: its own, else the signing key. */
export const cacheSecretOf = (layers: readonly Layer[]): string | undefined =>
  settle(layers, 'cache-secret').text || settle(layers, 'gpg-private-key').text || undefined;

/** Reads each input of an action by its kind. The values are whole only where no problem was added. */
export function readAll<A extends ActionName>(
  action: A,
  settled: ReadonlyMap<InputName, Settled>,
  catalog: Catalog,
  problems: Problem[],
): InputValues<A> {
  const values = inputsOfAction(action).map((name) => {
    const found = settled.get(name);
    if (found === undefined || found.text === '') return [camelCase(name), undefined];
    const reading = inputOf(name).kind.read(found.text, catalog);
    if ('value' in reading) return [camelCase(name), reading.value];
    problems.push(problemAt(name, reading.problem, found));
    return [camelCase(name), undefined];
  });
  // The kinds in the table are what the type is made from.
  return Object.fromEntries(values) as InputValues<A>;
}

/** What of a source does not go together. An input that is wrong itself is told already. */
function sourceProblems(
  { slurmVersion, slurmSha256, source }: Partial<InputValues<'build'>>,
  settled: ReadonlyMap<InputName, Settled>,
): Problem[] {
  const isArchive = slurmVersion?.kind === 'archive';
  if (isArchive && settled.get('slurm-sha256')?.text === '') {
    return [{ input: 'slurm-sha256', message: `${slurmVersion.place} needs its sha256.` }];
  }
  if (isArchive && source !== undefined) {
    return [{ input: 'source', message: 'an archive comes from no repository. Leave one of them out.' }];
  }
  if (slurmVersion !== undefined && !isArchive && slurmSha256 !== undefined) {
    return [{ input: 'slurm-sha256', message: 'slurm-version is no archive. Leave it out.' }];
  }
  return [];
}

// What no kind of libraries but one has would be left out in silence.
const externalsProblems = ({ dependencies, externals }: Partial<InputValues<'build'>>): Problem[] =>
  externals === undefined || dependencies === undefined || dependencies === 'self-contained'
    ? []
    : [
        {
          input: 'externals',
          message: `dependencies: ${dependencies} has all libraries of the distribution. Leave it out, or take self-contained.`,
        },
      ];

/** What of a shared build cache does not go together. */
function buildCacheProblems(values: Partial<InputValues<'build'>>): Problem[] {
  const { buildCache: cache, buildCacheLogin: login, buildCacheEndpoint: endpoint } = values;
  const wrong = (input: string, message: string): Problem => ({ input, message });
  const aimless = 'there is no build-cache for it.';
  if (cache === undefined) {
    return [
      ...(login === undefined ? [] : [wrong('build-cache-login', aimless)]),
      ...(endpoint === undefined ? [] : [wrong('build-cache-endpoint', aimless)]),
    ];
  }
  return [
    ...(login !== undefined && cache.kind === 'file'
      ? [wrong('build-cache-login', 'a folder has no login. Leave it out.')]
      : []),
    ...(login !== undefined && cache.kind === 'oci' && cache.url.startsWith('oci+http:')
      ? [wrong('build-cache-login', 'without TLS Spack sends none. Take oci://, or leave it out.')]
      : []),
    ...(login?.token !== undefined && cache.kind === 'oci'
      ? [wrong('build-cache-login', 'a registry takes a user and a password. Leave the third variable out.')]
      : []),
    ...(endpoint !== undefined && cache.kind !== 's3'
      ? [wrong('build-cache-endpoint', 'only S3 has one. Leave it out.')]
      : []),
  ];
}

const originsOf = (settled: ReadonlyMap<InputName, Settled>): BuildOptions['origins'] =>
  Object.fromEntries([...settled].map(([name, { origin }]) => [name, origin])) as Record<InputName, Origin>;

/**
 * What is wrong with the names that a step of a workflow gives to an action.
 * @param names in small letters, as the runner tells them: it tells those that the action does not have as well
 */
export function unknownInputs(action: ActionName, names: readonly string[]): Problem[] {
  const known: readonly string[] = inputsOfAction(action);
  return names.filter((name) => !known.includes(name)).map((name) => ({ input: name, message: meant(name) }));

  function meant(name: string): string {
    const near = nearest(name, known);
    if (near !== undefined) return `no such input. Did you mean '${near}'?`;
    const others = isInputName(name) ? inputOf(name).actions : [];
    if (others.length > 0) return `no input of this action, but of ${others.join(' and ')}.`;
    // The runner tells both in the same way.
    return `no such input. The inputs are: ${known.join(', ')}. If it is the job's own variable ${inputVariable(name)}, call that otherwise.`;
  }
}

export const unknownNames = ({ values }: Layer): Problem[] =>
  Object.keys(values)
    .filter((name) => !isInputName(name) && !isSettingName(name))
    .map((name) => {
      const near = nearest(name, inputNames);
      const meant =
        near === undefined ? `The inputs are: ${inputNames.join(', ')}.` : `Did you mean '${near}'?`;
      return { input: name, message: `no such input. ${meant}` };
    });
