import { stringify } from 'yaml';
import type { Layout } from '../container/layout.js';
import { driversOf, type Gpu, gpuDrivers } from '../targets/gpus.js';
import { type Arch, spackTarget } from '../targets/identifier.js';
import type { FittedToolchain, SystemPackage } from '../targets/toolchains.js';

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
  readonly layout: Layout;
  /** Version of a package of the distribution, as a Spack version. */
  readonly versionOf: (systemPackage: SystemPackage) => string;
  /** A source mirror's URL; undefined for none. */
  readonly sourceMirror: string | undefined;
}

/** Stands for the root spec until that is known; nothing else in an environment looks like it. */
const anySpec = 'slurm@=any-spec';

/** What an environment has beside its root spec. */
export type AnySpec = Omit<EnvironmentRequest, 'spackVersion' | 'gpu' | 'debug'>;

/** The root spec of a target. */
export function rootSpec(
  request: Pick<EnvironmentRequest, 'spackVersion' | 'gpu' | 'debug' | 'toolchain'>,
): string {
  const debug = request.debug ? '+debug' : '~debug';
  const { switches } = request.toolchain;
  const drivers = driversOf(request.gpu, switches.off);
  const gpu = gpuDrivers.map((driver) => `${drivers.includes(driver) ? '+' : '~'}${driver.variant}`);
  return `slurm@=${request.spackVersion} ${[...gpu, debug, ...switches.words].join(' ')}`;
}

/**
 * Text of spack.yaml: the root spec, the distribution's compiler, libraries and tools as externals, and
 * every setting that the outcome depends on. Spack reads no other configuration but its defaults.
 */
export function renderEnvironment(request: EnvironmentRequest): string {
  const { before, after } = renderAround(request);
  return `${before}${rootSpec(request)}${after}`;
}

/** Parts of environments as they were rendered, by what they were rendered from. */
export type RenderedParts = Map<string, string>;

/**
 * What stands before and behind the root spec.
 * @param parts kept by who renders many: most of one environment is in the next as well, and YAML takes its time
 */
export function renderAround(
  request: AnySpec,
  parts: RenderedParts = new Map(),
): { readonly before: string; readonly after: string } {
  const head = renderPart(parts, { spack: headOf(request) });
  const packages = Object.entries(renderPackages(request)).map(([name, value]) =>
    renderPart(parts, { [name]: value }, '    '),
  );
  const [before = '', after = ''] = `${head}  packages:\n${packages.join('')}`.split(anySpec);
  return { before, after };
}

/** A mapping as YAML, as it stands below others where its lines begin with `indent`. */
function renderPart(parts: RenderedParts, mapping: Readonly<Record<string, unknown>>, indent = ''): string {
  const key = JSON.stringify(mapping);
  const known = parts.get(key);
  if (known !== undefined) return known;
  const text = stringify(mapping, { lineWidth: 0 }).replace(/^(?=.)/gm, indent);
  parts.set(key, text);
  return text;
}

/** All of it but the packages. */
function headOf(request: AnySpec): Record<string, unknown> {
  const { layout } = request;
  return {
    specs: [anySpec],
    view: false,
    concretizer: {
      unify: true,
      reuse: false,
      // With these and notBuilt the solver leaves most of 600 packages out: seconds instead of half a minute.
      static_analysis: true,
      duplicates: { strategy: 'none' },
      targets: { granularity: 'generic' },
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
      builtin: `${layout.recipes}/repos/spack_repo/builtin`,
    },
    mirrors: renderMirrors(request),
  };
}

/** Where the cache's packages arrive. */
export const arrivedPackages = (layout: Layout): string => `${layout.arrivals}/build-cache`;

function renderMirrors({ layout, sourceMirror }: AnySpec): Record<string, unknown> {
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

function renderPackages(request: AnySpec): Record<string, unknown> {
  const { toolchain } = request;
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
  const target = `target=${spackTarget(request.arch)}`;
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
    ...Object.fromEntries(toolchain.notBuilt.map((package_) => [package_, { buildable: false }])),
    ...Object.fromEntries([...required, ...externals]),
    [name]: compiler,
  };
}
