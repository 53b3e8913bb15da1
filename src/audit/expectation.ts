import { dirname } from 'node:path';
import { containerLayout, type Layout } from '../container/layout.js';
import { paddingFolder } from '../spack/environment.js';
import { examplePaths } from '../targets/examples.js';
import type { Features } from '../targets/features.js';
import { type Arch, formatTarget, type Target } from '../targets/identifier.js';
import { graftFolder, type Libraries } from '../targets/libraries.js';
import { type FittedToolchain, oldestGlibc, type Toolchain } from '../targets/toolchains.js';
import { type Promised, promisedBy } from './plugins.js';

/** What a target's tarball must be like. */
export interface Expectation {
  /** Name of the top folder. */
  readonly top: string;
  readonly packageManager: Toolchain['packageManager'];
  /** Where it is to run, for messages. */
  readonly runsOn: string;
  /** ELF's name of the architecture, and its loader. */
  readonly machine: string;
  readonly interpreter: string;
  /** Sonames, or patterns of sonames, that may be needed from outside. */
  readonly systemLibraries: readonly string[];
  /** The libraries that the tarball brings: their folder, and patterns of those that keep their names. */
  readonly grafted: { readonly folder: string; readonly named: readonly string[] } | undefined;
  /** Highest symbol version by prefix. */
  readonly limits: Readonly<Record<string, string>>;
  /** Paths of the build and other strings that no file may hold. */
  readonly forbidden: readonly string[];
  readonly promised: readonly Promised[];
}

const machines: Readonly<Record<Arch, { machine: string; interpreter: string }>> = {
  amd64: { machine: 'EM_X86_64', interpreter: '/lib64/ld-linux-x86-64.so.2' },
  arm64: { machine: 'EM_AARCH64', interpreter: '/lib/ld-linux-aarch64.so.1' },
};

/** They are no feature of the recipe's: changing one compiles nothing. */
const examples: Promised = { feature: 'example configurations', needs: 'templates/etc', files: examplePaths };

/**
 * What must hold for the tarball of a target.
 * @param project the recipe's features, and what becomes of libraries
 * @param layout the build's folders as its commands saw them, the session's
 */
export function expectationFor(
  target: Target,
  toolchain: FittedToolchain,
  project: { readonly features: Features; readonly libraries: Libraries },
  layout: Layout = containerLayout,
): Expectation {
  const folders = [containerLayout, layout].flatMap((places) => [
    dirname(places.store),
    places.spack,
    places.recipes,
    places.overlay,
  ]);
  return {
    top: formatTarget(target),
    packageManager: toolchain.packageManager,
    runsOn:
      target.dependencies === 'system' ? toolchain.name : `a host with glibc ${glibcOf(target, toolchain)}`,
    ...machines[target.arch],
    ...librariesOf(target, toolchain, project.libraries),
    limits: { GLIBC: glibcOf(target, toolchain), GLIBCXX: toolchain.compiler.glibcxx },
    forbidden: [...new Set([paddingFolder, ...withoutInner(folders)])],
    promised: [...promisedBy(target, project.features.features, toolchain), examples],
  };
}

function librariesOf(
  { dependencies }: Target,
  { systemLibraries }: Toolchain,
  { host, named }: Libraries,
): Pick<Expectation, 'systemLibraries' | 'grafted'> {
  if (dependencies === 'system') return { systemLibraries, grafted: undefined };
  return {
    systemLibraries: host.flatMap(({ libraries }) => libraries),
    grafted: { folder: graftFolder, named: named.map(({ library }) => library) },
  };
}

// What brings its libraries promises by its name to run with an older glibc than the build's own.
const glibcOf = ({ dependencies }: Target, toolchain: Toolchain): string =>
  dependencies === 'system' ? toolchain.compiler.glibc : oldestGlibc(toolchain);

// A folder that lies in another one is found with that.
const withoutInner = (folders: readonly string[]): string[] =>
  folders.filter((folder) => !folders.some((outer) => folder.startsWith(`${outer}/`)));
