import { createHash } from 'node:crypto';
import { sha256 } from '../base/files.js';
import { contentKey } from '../cache/keys.js';
import type { BuildOptions } from '../config/resolve.js';
import { definitionDigest, type ImageDefinition, machineDigest } from '../container/image.js';
import { containerLayout } from '../container/layout.js';
import type { Pin } from '../spack/checkout.js';
import {
  type AnySpec,
  leavesEnvironment,
  type RenderedParts,
  renderAround,
  renderEnvironment,
  rootSpec,
} from '../spack/environment.js';
import { choiceWord, type FeatureChoice } from '../targets/feature-choice.js';
import { type Arch, formatTarget, type Target } from '../targets/identifier.js';
import { targetOf } from '../targets/matrix.js';
import { environmentWord, noOwn, type OwnEnvironment, summarize } from '../targets/own-environment.js';
import { externalsWord } from '../targets/self-contained.js';
import type { BuiltRelease } from '../targets/source.js';
import type { FittedToolchain } from '../targets/toolchains.js';
import { toolchainFor } from './externals.js';
import { environmentBase, overlayOf } from './key.js';
import type { Project } from './project.js';

/** The options that decide what a target is. */
export type TargetChoice = Pick<
  BuildOptions,
  'toolchain' | 'dependencies' | 'externals' | 'features' | 'gpu' | 'debug' | 'containerImage'
>;

/** A target, and how it is built: what no engine has to be asked for. */
export interface ChosenTarget {
  readonly choice: TargetChoice;
  readonly release: BuiltRelease;
  readonly target: Target;
  readonly identifier: string;
  /** As the build sees it: see `fitToolchain` and `selfContainedToolchain`. */
  readonly toolchain: FittedToolchain;
  /** Packages of a self-contained build that are the distribution's all the same. */
  readonly externals: readonly string[];
  /** What its user adds to the environment. */
  readonly own: OwnEnvironment;
  readonly image: ImageDefinition;
}

/** What decides the bytes of a target. */
export interface Keyed {
  /** Digest of the builder image's definition, or of what a machine has in its place. */
  readonly builder: string;
  readonly overlayDigest: string;
  /** Of spack.yaml without the versions of the distribution's libraries: the same for all that are one compile. */
  readonly environmentDigest: string;
  readonly contentKey: string;
}

/** spack.yaml without its root spec. */
interface Environment {
  readonly before: Buffer;
  readonly after: Buffer;
  /** Of the whole, by its root spec. */
  readonly digests: Map<string, string>;
}

/** Stands for the version of each of the distribution's libraries: they are in no content key. */
const versionOf = () => 'system';

type Fitted = Awaited<ReturnType<typeof toolchainFor>>;

/** Commits of Spack and its packages. */
interface Pins {
  readonly spack: Pick<Pin, 'commit'>;
  readonly packages: Pick<Pin, 'commit'>;
}

/**
 * Works out targets and their content keys, for any architecture and without an engine. What targets have in common is
 * worked out once, so that a plan may ask for thousands.
 */
export class Decisions {
  readonly #project: Project;
  readonly #loaded = new Map<string, ReturnType<Project['loadToolchain']>>();
  readonly #fitted = new Map<string, Promise<Fitted>>();
  readonly #alike = new Map<string, Fitted>();
  #digested: Promise<Parts> | undefined;
  readonly #builders = new WeakMap<FittedToolchain, Map<string, string>>();
  readonly #environments = new WeakMap<FittedToolchain, Environment>();
  readonly #rendered = new Map<string, Environment>();
  readonly #yaml: RenderedParts = new Map();
  readonly #words = new WeakMap<FeatureChoice, string>();
  readonly #ownWords = new WeakMap<OwnEnvironment, { readonly word: string | undefined }>();
  readonly #wholes = new WeakMap<FittedToolchain, Map<string, string>>();

  constructor(project: Project) {
    this.#project = {
      ...project,
      loadToolchain: (id, arch) => once(this.#loaded, `${id} ${arch}`, () => project.loadToolchain(id, arch)),
    };
  }

  /** A toolchain as `Project` loads it, once. */
  load(id: string, arch: Arch): ReturnType<Project['loadToolchain']> {
    return this.#project.loadToolchain(id, arch);
  }

  /**
   * The target of some options.
   * @throws InputError for features or a kind of GPU that the release or the distribution can't have
   */
  async choose(
    choice: TargetChoice,
    release: BuiltRelease,
    arch: Arch,
    own: OwnEnvironment = noOwn,
  ): Promise<ChosenTarget> {
    const { toolchain, dockerfile, externals } = await this.#fit(choice, release, arch);
    const words = { externalsWord: externalsWord(externals), environmentWord: this.#ownWord(own) };
    const target = targetOf({ ...choice, release, toolchain, ...words });
    const { requirements } = this.#project;
    const { containerImage } = choice;
    const image = { toolchain, dockerfile, requirements, containerImage };
    return { choice, release, target, identifier: formatTarget(target), toolchain, externals, own, image };
  }

  // Features come and go with a series, so all its releases have the same.
  #fit(choice: TargetChoice, release: BuiltRelease, arch: Arch): Promise<Fitted> {
    const { toolchain, dependencies, externals = [], features } = choice;
    // system and bundled are the same compile.
    const own = dependencies === 'self-contained' ? `own ${externals.join(' ')}` : '';
    const word = this.#words.get(features) ?? choiceWord(features) ?? '';
    this.#words.set(features, word);
    const key = `${toolchain} ${arch} ${release.series} ${word} ${own}`;
    return once(this.#fitted, key, async () => {
      const fitted = await toolchainFor(choice, release, arch, this.#project);
      // Most series have the same features of a toolchain.
      const { on, off } = fitted.toolchain.switches;
      const same = `${toolchain} ${arch} ${own} ${on.join()} ${off.join()}`;
      return this.#alike.get(same) ?? keep(this.#alike, same, fitted);
    });
  }

  /**
   * The content key of a target.
   * @param inImage whether it is built in the builder image, not on a machine that has all of it
   */
  async key(chosen: ChosenTarget, pins: Pins, inImage: boolean): Promise<Keyed> {
    return (await this.keyer(pins, inImage))(chosen);
  }

  /** The same for many targets. */
  async keyer(pins: Pins, inImage: boolean): Promise<(chosen: ChosenTarget) => Keyed> {
    const parts = await this.#parts();
    return (chosen) => this.#keyed(chosen, parts, pins, inImage);
  }

  #keyed(chosen: ChosenTarget, parts: Parts, pins: Pins, inImage: boolean): Keyed {
    const { release, target, identifier, toolchain, own, image } = chosen;
    const builders = mapOf(this.#builders, toolchain);
    const kind = inImage ? `image ${image.containerImage ?? ''}` : 'machine';
    const builder =
      builders.get(kind) ?? keep(builders, kind, inImage ? definitionDigest(image) : machineDigest(image));
    const { recipes, templates, scripts, bundled, selfContained } = parts;
    const overlayDigest = overlayOf(recipes, release, own);
    const { dependencies } = target;
    const libraries = { system: undefined, bundled, 'self-contained': selfContained }[dependencies];
    const environmentDigest = this.#environmentDigest(chosen);
    const key = contentKey({
      ...{ target: identifier, dependencies, builder, overlay: overlayDigest },
      spackCommit: pins.spack.commit,
      packagesCommit: pins.packages.commit,
      environment: environmentDigest,
      ...{ templates, scripts, libraries },
      // They change no byte, but what was not tested is not what was asked for.
      tests: own.tests === 'none' ? undefined : own.tests,
    });
    return { builder, overlayDigest, environmentDigest, contentKey: key };
  }

  /** Of the environment without the versions of the distribution's libraries. */
  #environmentDigest(chosen: ChosenTarget): string {
    const { choice, release, toolchain, target, own } = chosen;
    const base = environmentBase(choice, release, toolchain, target.arch, own);
    const spec = rootSpec(base);
    if (!leavesEnvironment(own)) {
      const digests = mapOf(this.#wholes, toolchain);
      const key = `${this.#ownWord(own)} ${own.moduleLayout} ${spec}`;
      const request = { ...base, layout: containerLayout, versionOf, sourceMirror: undefined };
      return digests.get(key) ?? keep(digests, key, sha256(renderEnvironment(request)));
    }
    const { before, after, digests } = this.#environment(toolchain);
    const digest = () => createHash('sha256').update(before).update(spec).update(after).digest('hex');
    return digests.get(spec) ?? keep(digests, spec, digest());
  }

  /** What of a user's own stands in a target's name; a lock does too, though it changes no environment. */
  #ownWord(own: OwnEnvironment): string | undefined {
    const known = this.#ownWords.get(own) ?? { word: environmentWord(summarize(own)) };
    this.#ownWords.set(own, known);
    return known.word;
  }

  #environment(toolchain: FittedToolchain): Environment {
    const known = this.#environments.get(toolchain);
    if (known !== undefined) return known;
    // Many series want the same of a toolchain.
    const { arch, compiler, dependencies, tools, notBuilt, required } = toolchain;
    const key = JSON.stringify([arch, compiler, dependencies, tools, notBuilt, required]);
    const layout = containerLayout;
    const made =
      this.#rendered.get(key) ??
      inBytes({ arch, toolchain, layout, versionOf, sourceMirror: undefined }, this.#yaml);
    this.#rendered.set(key, made);
    this.#environments.set(toolchain, made);
    return made;
  }

  /** Digests of the project's files that decide the bytes. A system or bundled target goes by its own alone. */
  #parts(): Promise<Parts> {
    const { libraries, selfContained } = this.#project;
    const digest = async (): Promise<Parts> => ({
      recipes: await this.#project.digest('spack-repo'),
      templates: await this.#project.digest('templates'),
      scripts: await this.#project.digest('scripts/inside'),
      bundled: sha256(JSON.stringify(libraries)),
      selfContained: sha256(JSON.stringify([libraries, selfContained])),
    });
    this.#digested ??= digest();
    return this.#digested;
  }
}

type Parts = Readonly<Record<'recipes' | 'templates' | 'scripts' | 'bundled' | 'selfContained', string>>;

/** What a map has, or will have; what failed is tried again. */
function once<T>(made: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
  const known = made.get(key);
  if (known !== undefined) return known;
  const making = make();
  made.set(key, making);
  making.catch(() => made.delete(key));
  return making;
}

function mapOf<T>(
  maps: WeakMap<FittedToolchain, Map<string, T>>,
  toolchain: FittedToolchain,
): Map<string, T> {
  const known = maps.get(toolchain);
  if (known !== undefined) return known;
  const made = new Map<string, T>();
  maps.set(toolchain, made);
  return made;
}

function keep<T>(map: Map<string, T>, key: string, value: T): T {
  map.set(key, value);
  return value;
}

function inBytes(request: AnySpec, parts: RenderedParts): Environment {
  const { before, after } = renderAround(request, parts);
  return { before: Buffer.from(before), after: Buffer.from(after), digests: new Map() };
}
