import { InputError, NotYetError, type Problem } from '../base/errors.js';
import { nearest, unknownValue } from '../base/suggest.js';
import { type Gpu, gpuOf, gpuWords } from '../targets/gpus.js';
import type { Release } from '../targets/releases.js';
import {
  type CacheMode,
  cacheModes,
  type DependencyKind,
  dependencyKinds,
  type EngineChoice,
  engineChoices,
  type InputName,
  inputNames,
  inputs,
  type RawInputs,
} from './schema.js';
import { parseSize, sizeForms } from './size.js';

/** All inputs, checked and typed. */
export interface BuildOptions {
  readonly release: Release;
  readonly toolchain: string;
  readonly gpu: Gpu;
  readonly dependencies: DependencyKind;
  readonly engine: EngineChoice;
  readonly containerImage: string | undefined;
  readonly spackRef: string | undefined;
  readonly packagesRef: string | undefined;
  readonly sourceMirror: string | undefined;
  readonly cache: CacheMode;
  /** What cache entries are sealed with; undefined where the build has no secret. */
  readonly cacheSecret: string | undefined;
  /** bytes that the saved entries of the target may have together */
  readonly cacheBudget: number;
  /** undefined: the machine's cores */
  readonly jobs: number | undefined;
  readonly outputDir: string;
  readonly upload: boolean;
  readonly debug: boolean;
  readonly smokeTest: boolean;
  /** What the files are signed with; undefined for unsigned files. */
  readonly signing: { readonly privateKey: string; readonly passphrase: string } | undefined;
  readonly retentionDays: number | undefined;
}

/** What there is to choose from. */
export interface Catalog {
  readonly toolchains: readonly string[];
  /** The release that a request means, or a sentence that says what there is. */
  readonly resolveRelease: (request: string) => Release | string;
}

/**
 * Checks and types the inputs; every wrong one is reported, not only the first.
 * @param layers inputs by rising precedence (config file, then the user's own)
 * @throws InputError with all problems; NotYetError for a valid request that can't be served yet
 */
export function resolveOptions(layers: readonly RawInputs[], catalog: Catalog): BuildOptions {
  const problems: Problem[] = layers.flatMap((layer) => unknownNames(Object.keys(layer)));
  const text = (name: InputName): string => textOf(layers, name);
  const report = (input: string, message: string): undefined => {
    problems.push({ input, message });
    return undefined;
  };

  const release = catalog.resolveRelease(text('slurm-version'));
  if (typeof release === 'string') report('slurm-version', release);
  const choose = <T extends string>(name: InputName, kind: string, values: readonly T[]): T | undefined => {
    const value = text(name);
    return values.includes(value as T) ? (value as T) : report(name, unknownValue(kind, value, values));
  };
  const toolchain = choose('toolchain', 'toolchain', catalog.toolchains);
  const gpuWord = choose('gpu', 'kind of GPU support', gpuWords);
  const dependencies = choose('dependencies', 'kind of dependencies', dependencyKinds);
  const engine = choose('engine', 'container engine', engineChoices);
  const cache = choose('cache', 'cache mode', cacheModes);
  const cacheBudget =
    parseSize(text('cache-budget')) ??
    report('cache-budget', `'${text('cache-budget')}' is not ${sizeForms}.`);
  const flag = (name: InputName) => choose(name, 'boolean', ['true', 'false'] as const) === 'true';
  const optional = (name: InputName, pattern: RegExp, what: string): string | undefined => {
    const value = text(name);
    if (value === '') return undefined;
    return pattern.test(value) ? value : report(name, `'${value}' is not ${what}.`);
  };
  const whole = (name: InputName, most: number): number | undefined => {
    const value = optional(name, /^[1-9]\d*$/, `a whole number from 1 to ${most}`);
    if (value === undefined || Number(value) <= most) return value === undefined ? undefined : Number(value);
    return report(name, `'${value}' is not a whole number from 1 to ${most}.`);
  };
  const options = {
    containerImage: optional('container-image', imagePattern, 'the name of a container image'),
    spackRef: optional('spack-ref', refPattern, 'a commit, tag or branch'),
    packagesRef: optional('packages-ref', refPattern, 'a commit, tag or branch'),
    sourceMirror: optional('source-mirror', mirrorPattern, 'a directory or a URL (http, https, file, s3)'),
    jobs: whole('jobs', 1024),
    retentionDays: whole('retention-days', 400),
    cacheSecret: cacheSecretOf(layers),
    outputDir: text('output-dir'),
    upload: flag('upload'),
    debug: flag('debug'),
    smokeTest: flag('smoke-test'),
    signing: signing(text('gpg-private-key'), text('gpg-passphrase'), report),
  };
  const secret = text('cache-secret');
  if (secret !== '' && secret.length < leastSecret) {
    report(
      'cache-secret',
      `it has fewer than ${leastSecret} characters; make one with: openssl rand -hex 32.`,
    );
  }
  if (problems.length > 0) throw new InputError(problems);
  refuseWhatIsNotYet(gpuWord, dependencies);
  return {
    ...options,
    release: release as Release,
    toolchain: toolchain as string,
    gpu: gpuOf(gpuWord as string) as Gpu,
    dependencies: dependencies as DependencyKind,
    engine: engine as EngineChoice,
    cache: cache as CacheMode,
    cacheBudget: cacheBudget as number,
  };
}

/** Text of an input: that of the last layer that has one, else its default. */
const textOf = (layers: readonly RawInputs[], name: InputName): string =>
  layers.reduce<string>((value, layer) => layer[name]?.trim() || value, inputs[name].default);

/** The secret that a build's cache entries are sealed with, if it has one: its own, else the signing key. */
export const cacheSecretOf = (layers: readonly RawInputs[]): string | undefined =>
  textOf(layers, 'cache-secret') || textOf(layers, 'gpg-private-key') || undefined;

// Keys and sums of entries can be read by many, so a short one could be guessed.
const leastSecret = 32;

function signing(
  privateKey: string,
  passphrase: string,
  report: (input: string, message: string) => undefined,
): BuildOptions['signing'] {
  if (privateKey !== '') return { privateKey, passphrase };
  return passphrase === '' ? undefined : report('gpg-passphrase', 'there is no gpg-private-key for it.');
}

// An image reference; what else a shell or an engine's option could make of a value is out.
const imagePattern = /^[A-Za-z0-9][A-Za-z0-9._:/@-]*$/;
// git check-ref-format's core: no leading dash or dot, no '..', no white space.
const refPattern = /^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._/+-]*$/;
const mirrorPattern = /^(?:(?:https?|file|s3):\/\/\S+|(?![a-z][a-z0-9+.-]*:\/\/)[^\0\n]+)$/;

function unknownNames(names: readonly string[]): Problem[] {
  return names
    .filter((name) => !inputNames.includes(name as InputName))
    .map((name) => {
      const near = nearest(name, inputNames);
      const meant = near === undefined ? `There is: ${inputNames.join(', ')}.` : `Did you mean '${near}'?`;
      return { input: name, message: `no such input. ${meant}` };
    });
}

function refuseWhatIsNotYet(gpu: string | undefined, dependencies: string | undefined): void {
  if (gpu === 'rocm') {
    throw new NotYetError(
      'gpu: rocm is not built yet; nothing was built instead of it.',
      'Use gpu: cuda for NVIDIA GPUs or gpu: none.',
    );
  }
  if (dependencies === 'self-contained') {
    throw new NotYetError(
      'dependencies: self-contained is not built yet; nothing was built instead of it.',
      "Use dependencies: system, which links the distribution's libraries.",
    );
  }
}
