import { InputError } from '../base/errors.js';
import { choiceWord, type FeatureChoice } from './feature-choice.js';
import { type Gpu, hasGpu } from './gpus.js';
import type { Dependencies, Target } from './identifier.js';
import { type BuiltRelease, sourceWord } from './source.js';
import { oldestGlibc, type Toolchain } from './toolchains.js';

/** What is read of a toolchain to name its targets. */
export type TargetToolchain = Pick<Toolchain, 'id' | 'arch' | 'compiler' | 'lacking'>;

/** One choice of each part of a target. */
export interface TargetOptions {
  readonly release: Pick<BuiltRelease, 'version' | 'source'>;
  readonly toolchain: TargetToolchain;
  readonly gpu: Gpu;
  readonly dependencies: Dependencies;
  readonly features: FeatureChoice;
  /** What `externalsWord` says of a `self-contained` build. */
  readonly externalsWord?: string | undefined;
  /** What `environmentWord` says of what a user has added. */
  readonly environmentWord?: string | undefined;
}

/** Choices that are all combined with each other. */
export interface TargetChoices<
  R extends TargetOptions['release'] = TargetOptions['release'],
  T extends TargetToolchain = TargetToolchain,
> {
  readonly releases: readonly R[];
  /** Each for one architecture. */
  readonly toolchains: readonly T[];
  readonly gpus: readonly Gpu[];
  readonly dependencies: readonly Dependencies[];
  readonly features: readonly FeatureChoice[];
}

/** One of their combinations. */
export interface Combination<R, T> {
  readonly release: R;
  readonly toolchain: T;
  readonly dependencies: Dependencies;
  readonly gpu: Gpu;
  readonly features: FeatureChoice;
}

/**
 * The target of one choice, for any architecture, whatever this machine has.
 * @throws InputError for a kind of GPU that the toolchain can't have
 */
export function targetOf(options: TargetOptions): Target {
  const { release, toolchain, gpu, dependencies } = options;
  const { id, arch } = toolchain;
  if (!hasGpu(gpu, toolchain.lacking)) {
    throw new InputError([{ input: 'gpu', message: `${gpu} is not to be had for ${id} on ${arch}.` }]);
  }
  const platform = dependencies === 'system' ? id : `glibc${oldestGlibc(toolchain)}`;
  const source = release.source === undefined ? {} : { source: sourceWord(release.source) };
  const word = choiceWord(options.features);
  return {
    version: release.version,
    ...source,
    ...(options.environmentWord === undefined ? {} : { environment: options.environmentWord }),
    ...{ dependencies, platform, toolchain: id, gpu, arch },
    ...(options.externalsWord === undefined ? {} : { externals: options.externalsWord }),
    ...(word === undefined ? {} : { features: word }),
  };
}

/**
 * All combinations of the choices: releases by toolchains by dependencies by kinds of GPU by features.
 * @param refused told of each that a toolchain can't have the kind of GPU for; it is left out
 */
export function combinationsOf<R extends TargetOptions['release'], T extends TargetToolchain>(
  choices: TargetChoices<R, T>,
  refused: (combination: Combination<R, T>) => void = () => {},
): Combination<R, T>[] {
  const all = choices.releases.flatMap((release) =>
    choices.toolchains.flatMap((toolchain) =>
      choices.dependencies.flatMap((dependencies) =>
        choices.gpus.flatMap((gpu) =>
          choices.features.map((features) => ({ release, toolchain, dependencies, gpu, features })),
        ),
      ),
    ),
  );
  return all.filter((combination) => {
    const fits = hasGpu(combination.gpu, combination.toolchain.lacking);
    if (!fits) refused(combination);
    return fits;
  });
}
