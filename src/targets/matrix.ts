import { InputError } from '../base/errors.js';
import { choiceWord, type FeatureChoice } from './feature-choice.js';
import { type Gpu, hasGpu } from './gpus.js';
import { type Dependencies, formatTarget, type Target } from './identifier.js';
import { type Release, resolveRelease } from './releases.js';
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
export interface TargetChoices {
  readonly releases: readonly Pick<BuiltRelease, 'version' | 'source'>[];
  /** Each for one architecture. */
  readonly toolchains: readonly TargetToolchain[];
  readonly gpus: readonly Gpu[];
  readonly dependencies: readonly Dependencies[];
  readonly features: readonly FeatureChoice[];
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
 * All targets of the choices: releases by toolchains by dependencies by kinds of GPU by features, but for the kinds
 * of GPU that a toolchain can't have.
 * @throws InputError when two toolchains make targets of one identifier
 */
export function targetsOf(choices: TargetChoices): Target[] {
  const targets = choices.releases.flatMap((release) =>
    choices.toolchains.flatMap((toolchain) =>
      choices.dependencies.flatMap((dependencies) =>
        choices.gpus
          .filter((gpu) => hasGpu(gpu, toolchain.lacking))
          .flatMap((gpu) =>
            choices.features.map((features) => targetOf({ release, toolchain, gpu, dependencies, features })),
          ),
      ),
    ),
  );
  refuseTwins(targets);
  return targets;
}

/**
 * The releases that requests (`24.11.6`, `24.11`, `latest`) mean, each once, in the order of the requests.
 * @throws InputError with every request that means none
 */
export function releasesOf(releases: readonly Release[], requests: readonly string[]): Release[] {
  const found = requests.map((request) => resolveRelease(releases, request));
  const problems = found.flatMap((message) =>
    typeof message === 'string' ? [{ input: 'slurm-version', message }] : [],
  );
  if (problems.length > 0) throw new InputError(problems);
  return [...new Set(found as Release[])];
}

// What brings its libraries is named by its glibc alone, which two distributions may share.
function refuseTwins(targets: readonly Target[]): void {
  const byName = new Map<string, Target>();
  for (const target of targets) {
    const name = formatTarget(target);
    const twin = byName.get(name);
    if (twin !== undefined) {
      const both =
        twin.toolchain === target.toolchain ? 'twice' : `by ${twin.toolchain} and ${target.toolchain}`;
      throw new InputError([
        { input: 'toolchain', message: `${name} would be built ${both}. Choose one of them.` },
      ]);
    }
    byName.set(name, target);
  }
}
