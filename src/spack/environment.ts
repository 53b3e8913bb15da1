import { stringify } from 'yaml';
import type { Layout } from '../container/layout.js';
import { driversOf, type Gpu, gpuDrivers } from '../targets/gpus.js';
import { type Arch, spackTarget } from '../targets/identifier.js';
import { hasFurther, type Mapping, noOwn, type OwnEnvironment } from '../targets/own-environment.js';
import type { FittedToolchain, SystemPackage } from '../targets/toolchains.js';
import { mergeEnvironment, type Override } from './merge.js';
import { moduleSettings } from './modules.js';

/** Length that the path of the install tree is padded to, so that built packages fit any shorter path. */
export const padding = 128;

/** Name of the folders that Spack pads the path with; the last of them is cut to length. */
export const paddingFolder = '__spack_path_placeholder__';

/** What an environment is rendered from. */
export interface EnvironmentRequest {
  /** Version in our recipe, `24-11-6-1`. */
  readonly spackVersion: string;
  readonly gpu: Gpu;
  /** Whether debug files are made. */
  readonly debug: boolean;
  readonly arch: Arch;
  readonly toolchain: FittedToolchain;
  /** What its user adds in Spack's own words. */
  readonly own?: OwnEnvironment;
  readonly layout: Layout;
  /** Version of a package of the distribution, as a Spack version. */
  readonly versionOf: (systemPackage: SystemPackage) => string;
  /** A source mirror's URL; undefined for none. */
  readonly sourceMirror: string | undefined;
}

/** The root spec of a target. */
export function rootSpec(
  request: Pick<EnvironmentRequest, 'spackVersion' | 'gpu' | 'debug' | 'toolchain' | 'own'>,
): string {
  const debug = request.debug ? '+debug' : '~debug';
  const { switches } = request.toolchain;
  const drivers = driversOf(request.gpu, switches.off);
  const gpu = gpuDrivers.map((driver) => `${drivers.includes(driver) ? '+' : '~'}${driver.variant}`);
  const words = [...gpu, debug, ...switches.words, ...(request.own?.spec ?? [])];
  return `slurm@=${request.spackVersion} ${words.join(' ')}`;
}

/**
 * Text of spack.yaml: the root specs, the distribution's compiler, libraries and tools as externals, and every
 * setting that the outcome depends on, with what a user merges over it. Spack reads no other configuration but its
 * defaults.
 */
export const renderEnvironment = (request: EnvironmentRequest): string =>
  stringify({ spack: mergedEnvironment(request).merged }, { lineWidth: 0 });

/** Stands for the root spec until that is known; nothing else in an environment looks like it. */
const anySpec = 'slurm@=any-spec';

/** What an environment has beside its root spec, where a user adds nothing. */
export type AnySpec = Omit<EnvironmentRequest, 'spackVersion' | 'gpu' | 'debug' | 'own'>;

/** Whether a user's own words leave an environment as it is: a lock and tests of packages are no part of it. */
export const leavesEnvironment = ({ spec, packages, yaml, repos }: OwnEnvironment): boolean =>
  spec.length + packages.length + repos.length === 0 && yaml === undefined;

/** Parts of environments as they were rendered, by what they were rendered from. */
export type RenderedParts = Map<string, string>;

/**
 * What `renderEnvironment` gives before and behind the root spec, where a user adds nothing.
 * @param parts kept by who renders many: most of one environment is in the next as well, and YAML takes its time
 */
export function renderAround(
  request: AnySpec,
  parts: RenderedParts,
): { readonly before: string; readonly after: string } {
  const base = baseEnvironment({ ...request, spackVersion: '', gpu: 'none', debug: false, own: noOwn });
  const { packages, ...others } = base;
  const head = renderPart(parts, { spack: { ...others, specs: [anySpec] } });
  const rendered = Object.entries(packages as Mapping).map(([name, value]) =>
    renderPart(parts, { [name]: value }, '    '),
  );
  const [before = '', after = ''] = `${head}  packages:\n${rendered.join('')}`.split(anySpec);
  return { before, after };
}

/** A mapping as YAML, as it stands below others where its lines begin with `indent`. */
function renderPart(parts: RenderedParts, mapping: Mapping, indent = ''): string {
  const key = JSON.stringify(mapping);
  const known = parts.get(key);
  if (known !== undefined) return known;
  const text = stringify(mapping, { lineWidth: 0 }).replace(/^(?=.)/gm, indent);
  parts.set(key, text);
  return text;
}

/** What of ours a user's environment changes, whatever the distribution's versions are. */
export const overridesOf = (
  request: Omit<EnvironmentRequest, 'versionOf' | 'sourceMirror'>,
): readonly Override[] =>
  mergedEnvironment({ ...request, versionOf: () => 'system', sourceMirror: undefined }).overrides;

/** Folder that views are made in. */
export const viewsFolder = (layout: Layout): string => `${layout.environment}/views`;

function mergedEnvironment(request: EnvironmentRequest): {
  readonly merged: Mapping;
  readonly overrides: readonly Override[];
} {
  const base = baseEnvironment(request);
  const { own = noOwn, layout } = request;
  if (own.yaml === undefined) return { merged: base, overrides: [] };
  const { merged, overrides } = mergeEnvironment(base, own.yaml, viewsFolder(layout));
  return { merged: withTargets(merged, `target=${targetOf(request)}`), overrides };
}

/**
 * What is required of one package takes the place of what is required of all, the target too; without one Spack
 * would take the processor's own.
 */
function withTargets(merged: Mapping, target: string): Mapping {
  const packages = Object.entries(merged['packages'] as Mapping).map(([name, settings]) => {
    const { require } = settings as { require?: unknown };
    if (require === undefined || JSON.stringify(require).includes('target=')) return [name, settings];
    return [name, { ...(settings as Mapping), require: [require, target].flat() }];
  });
  return { ...merged, packages: Object.fromEntries(packages) };
}

/** The processor that all packages are built for: what a user's spec of Slurm says, else the generic one. */
function targetOf({ own = noOwn, arch }: Pick<EnvironmentRequest, 'own' | 'arch'>): string {
  const given = own.spec
    .map((word) => /^target==?(.+)$/.exec(word)?.[1])
    .find((found) => found !== undefined);
  return given ?? spackTarget(arch);
}

/** Targets that many processors share, `x86_64_v3`; all others are of one maker. */
const isGeneric = (target: string): boolean => /^(?:x86_64|aarch64)(?:_v\d+)?$|^armv\d/.test(target);

function baseEnvironment(request: EnvironmentRequest): Mapping {
  const { layout, own = noOwn } = request;
  const further = hasFurther(own);
  const repos = own.repos.map(({ namespace, place }) => [namespace, `${layout.overlay}/repos/${place}`]);
  return {
    specs: [rootSpec(request), ...own.packages],
    view: false,
    concretizer: {
      unify: true,
      reuse: false,
      // With these and notBuilt the solver leaves most of 600 packages out: seconds instead of half a minute.
      static_analysis: true,
      duplicates: { strategy: further ? 'minimal' : 'none' },
      targets: { granularity: isGeneric(targetOf(request)) ? 'generic' : 'microarchitectures' },
    },
    config: {
      install_tree: { root: layout.store, padded_length: padding },
      build_stage: [layout.buildStage],
      source_cache: `${layout.userCache}/sources`,
      misc_cache: `${layout.userCache}/misc`,
      checksum: true,
      ccache: true,
      install_status: false,
    },
    bootstrap: { enable: false },
    repos: {
      slurm_factory: `${layout.overlay}/spack_repo/slurm_factory`,
      ...Object.fromEntries(repos),
      builtin: `${layout.recipes}/repos/spack_repo/builtin`,
    },
    mirrors: renderMirrors(request),
    packages: renderPackages(request),
    ...(further ? { modules: moduleSettings(request.toolchain, layout, own.moduleLayout) } : {}),
  };
}

/** Where the cache's packages arrive. */
export const arrivedPackages = (layout: Layout): string => `${layout.arrivals}/build-cache`;

function renderMirrors({ layout, sourceMirror }: EnvironmentRequest): Record<string, unknown> {
  const packages = { source: false, binary: true, signed: false };
  const mirrors = {
    // What came from the cache, which a build only reads.
    arrived: { url: `file://${arrivedPackages(layout)}`, ...packages },
    built: { url: `file://${layout.buildCache}`, ...packages, autopush: true },
    // What was fetched while there was a network.
    fetched: { url: `file://${layout.fetched}`, source: true, binary: false },
  };
  if (sourceMirror === undefined) return mirrors;
  return { ...mirrors, sources: { url: sourceMirror, source: true, binary: false } };
}

/** What the compiler's recipe calls a language; the others have the names that paths are given by. */
const languageOf = (name: string): string => (name === 'cxx' ? 'c++' : name);

function renderPackages(request: EnvironmentRequest): Record<string, unknown> {
  const { toolchain, own = noOwn } = request;
  // What Slurm has no use for, others may need.
  const notBuilt = hasFurther(own) ? [] : toolchain.notBuilt;
  const externals = [...toolchain.dependencies, ...toolchain.tools].map((systemPackage) => [
    systemPackage.spec,
    {
      buildable: false,
      externals: [
        {
          spec: [`${systemPackage.spec}@${request.versionOf(systemPackage)}`, systemPackage.variants]
            .filter((part) => part !== undefined)
            .join(' '),
          prefix: systemPackage.prefix,
        },
      ],
    },
  ]);
  const target = `target=${targetOf(request)}`;
  // What is required of one package takes the place of what is required of all.
  const required = (toolchain.required ?? []).map((item) => [item.package, { require: [target, item.spec] }]);
  const { name, version, languages } = toolchain.compiler;
  const compiler = {
    buildable: false,
    externals: [
      {
        spec: `${name}@${version} languages:='${Object.keys(languages).sort().map(languageOf).join(',')}'`,
        prefix: '/usr',
        extra_attributes: { compilers: languages },
      },
    ],
  };
  return {
    all: { require: [target] },
    ...Object.fromEntries(notBuilt.map((package_) => [package_, { buildable: false }])),
    ...Object.fromEntries([...required, ...externals]),
    [name]: compiler,
  };
}
