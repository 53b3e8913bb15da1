import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { Env } from '../base/environment.js';
import { InputError, type Problem } from '../base/errors.js';
import type { RawInputs } from '../config/inputs.js';
import { type Layer, settle } from '../config/layers.js';
import {
  type Explained,
  explain,
  resolveSettings,
  type Settings,
  type Surroundings,
} from '../config/settings.js';
import { containerLayout } from '../container/layout.js';
import { outside } from '../local/settings.js';
import { archOn } from '../pipeline/arch.js';
import { openProject } from '../pipeline/project.js';
import { rootSpec } from '../spack/environment.js';
import { parseChoice } from '../targets/feature-choice.js';
import type { Gpu } from '../targets/gpus.js';
import { resolveRelease } from '../targets/releases.js';
import { fitToolchain } from '../targets/toolchains.js';
import { packageRoot } from './root.js';

/** What the containers of a build may have. What is left out takes its default. */
export class ContainerConfig {
  /** Image that the builder image is made from; undefined for the toolchain's own. */
  readonly image: string | undefined;
  /** Processors, `8` or `2.5`; undefined for all. */
  readonly cpuLimit: string | undefined;
  /** `16GB`; more than nine tenths of the machine's is no limit, and undefined is that. */
  readonly memoryLimit: string | undefined;
  /** Whether a container may use swap, as much as the engine lets it; without it none. */
  readonly swapLimit: boolean;
  /** `default` and `fetch`: only while sources are fetched; `build`: while packages are built too; `none`. */
  readonly network: 'default' | 'fetch' | 'build' | 'none';
  /** Only `default`: where images are kept, the engine says. */
  readonly storagePool: string;
  /** Disk that a build may fill, `20GB`; undefined for all that is free. */
  readonly storageLimit: string | undefined;

  constructor(values: Partial<ContainerConfig> = {}) {
    this.image = values.image;
    this.cpuLimit = values.cpuLimit;
    this.memoryLimit = 'memoryLimit' in values ? values.memoryLimit : '16GB';
    this.swapLimit = values.swapLimit ?? false;
    this.network = values.network ?? 'default';
    this.storagePool = values.storagePool ?? 'default';
    this.storageLimit = values.storageLimit;
  }
}

/** How Spack builds a target. */
export interface SpackConfig {
  /** Commit, tag or branch of Spack. */
  readonly version: string;
  /** Folder that Spack installs to, as a build's container sees it. */
  readonly installDir: string;
  /** Absolute path of the folder for built packages, on this machine. */
  readonly cacheDir: string;
  /** Compile jobs at once; undefined for as many as the machine has processors. */
  readonly buildJobs: number | undefined;
  /** What is asked of Spack, `slurm@=24-11-7-1 +nvml …`. */
  readonly specs: readonly string[];
  /** Variants by the package. */
  readonly variants: Readonly<Record<string, string>>;
}

/** What of it a user may set. */
export type SpackChoice = Partial<Pick<SpackConfig, 'version' | 'cacheDir' | 'buildJobs' | 'variants'>>;

/** What settings are made from; all of it may be left out. */
export interface ConfigOptions {
  /** Environment to read: this process's. */
  readonly env?: Env;
  /** Folder that relative paths start from: this process's. */
  readonly cwd?: string;
  /** File of settings, in place of `slurm-factory.yml` in the working folder and in the user's configuration. */
  readonly file?: string;
  /** With false neither variables nor files are read. */
  readonly outside?: boolean;
  /** Inputs and settings that stand before those. */
  readonly values?: Layer['values'];
  readonly containerConfig?: ContainerConfig;
  readonly spackConfig?: SpackChoice;
}

/**
 * Settings of builds: what is given, then variables `SLURM_FACTORY_…`, then files, then defaults, as
 * docs/configuration.md says. They are read when it is made; what is wrong with them, a build reports.
 */
export class Config {
  /** What the containers may have, where that is set here. */
  containerConfig: ContainerConfig | undefined;
  /** How Spack builds, where that is set here. */
  spackConfig: SpackChoice | undefined;
  /** What a user should know of, such as unknown variables; a sentence each. */
  readonly notices: readonly string[];
  readonly #surroundings: Surroundings;
  readonly #layers: readonly Layer[];

  constructor(options: ConfigOptions = {}) {
    const { env = { ...process.env }, cwd = process.cwd(), values = {} } = options;
    this.#surroundings = { env, cwd, home: env['HOME'] || homedir() };
    const read = options.outside !== false;
    const kept = read ? outside({ ...this.#surroundings, file: options.file }) : { layers: [], notices: [] };
    this.notices = kept.notices;
    this.#layers = [...kept.layers, { origin: 'input', values }];
    this.containerConfig = options.containerConfig;
    this.spackConfig = options.spackConfig;
  }

  /** Absolute path of the folder for builds, clones and records. */
  get buildDir(): string {
    return this.settings.buildDir;
  }

  /** Absolute path of the folder for caches and logs of failures. */
  get cacheDir(): string {
    return this.settings.cacheDir;
  }

  /** Absolute path of the folder that files are handed out to. */
  get outputDir(): string {
    return resolve(this.#surroundings.cwd, settle(this.layers(), 'output-dir').text);
  }

  /** What paths and defaults start from. */
  get surroundings(): Surroundings {
    return this.#surroundings;
  }

  /** The environment that is read, of which other programs get a part. */
  get env(): Env {
    return this.#surroundings.env;
  }

  /** Absolute path of the folder that relative paths start from. */
  get cwd(): string {
    return this.#surroundings.cwd;
  }

  /** All settings of the place. */
  get settings(): Settings {
    return resolveSettings(this.layers(), this.#surroundings);
  }

  /** What the containers of a build may have. */
  getContainerConfig(): ContainerConfig {
    if (this.containerConfig !== undefined) return this.containerConfig;
    const text = (name: Parameters<typeof settle>[1]) => settle(this.#layers, name).text || undefined;
    const values = {
      ...{ image: text('container-image'), cpuLimit: text('container-cpu') },
      ...{ memoryLimit: text('container-memory'), storageLimit: text('container-storage') },
      swapLimit: text('container-swap') !== '0',
      network: (text('container-network') ?? 'default') as ContainerConfig['network'],
    };
    return new ContainerConfig(values);
  }

  /**
   * How Spack builds a version.
   * @param version series, exact release or `latest`
   * @param gpu as of `buildSlurmPackage`
   * @throws InputError for a version that is not known, ConfigurationError
   */
  async getSpackConfig(version: string, gpu: boolean | Gpu = false): Promise<SpackConfig> {
    const project = await openProject(packageRoot());
    const release = resolveRelease(project.releases, version);
    if (typeof release === 'string') throw new InputError([{ input: 'slurm-version', message: release }]);
    const layers = this.layers();
    const text = (name: Parameters<typeof settle>[1]) => settle(layers, name).text;
    const choice = parseChoice(text('features'), project.features.variants);
    if (Array.isArray(choice)) throw features(choice);
    const { toolchain: whole } = await project.loadToolchain(text('toolchain'), archOn(process));
    const toolchain = fitToolchain(whole, project.features, choice, release.version);
    if (Array.isArray(toolchain)) throw features(toolchain);
    const debug = text('debug') === 'true';
    const spec = rootSpec({ spackVersion: release.spack, gpu: gpuInput(gpu), debug, toolchain });
    return {
      version: text('spack-ref') || project.pins.spack.commit,
      installDir: containerLayout.store,
      cacheDir: this.settings.spackCache,
      buildJobs: text('jobs') === '' ? undefined : Number(text('jobs')),
      specs: [spec],
      variants: { slurm: spec.slice(spec.indexOf(' ') + 1) },
    };
  }

  /** Every value, where it came from, and where that stands; secrets are `***`. */
  explain(): Explained[] {
    return explain(this.layers(), this.#surroundings);
  }

  /**
   * The values as a build takes them.
   * @throws InputError for a container or Spack configuration that can't be had
   */
  layers(): readonly Layer[] {
    const problems: Problem[] = [];
    resolveSettings(this.#layers, this.#surroundings, problems);
    const values = { ...containerValues(this.containerConfig), ...spackValues(this.spackConfig) };
    return [...this.#layers, { origin: 'input', values, problems }];
  }
}

/** A kind of GPU as the input `gpu` has it. */
export const gpuInput = (gpu: boolean | Gpu): Gpu => (gpu === true ? 'cuda' : gpu === false ? 'none' : gpu);

function containerValues(config: ContainerConfig | undefined): RawInputs {
  if (config === undefined) return {};
  if (config.storagePool !== 'default') {
    const message = 'there is only default: where images are kept, the engine says.';
    throw new InputError([{ input: 'storagePool', message }]);
  }
  return {
    'container-image': config.image ?? '',
    'container-cpu': config.cpuLimit ?? '',
    'container-memory': config.memoryLimit ?? '',
    'container-swap': config.swapLimit ? '' : '0',
    'container-network': config.network,
    'container-storage': config.storageLimit ?? '',
  };
}

const features = (messages: readonly string[]): InputError =>
  new InputError(messages.map((message) => ({ input: 'features', message })));

function spackValues(choice: SpackChoice | undefined): Layer['values'] {
  if (choice === undefined) return {};
  const { slurm, ...others } = choice.variants ?? {};
  const [odd] = [...Object.keys(others), ...(Object.hasOwn(choice, 'specs') ? ['specs'] : [])];
  if (odd !== undefined) {
    const message = `'${odd}' can't be chosen; variants of slurm can: {slurm: '+hdf5 ~lua'}.`;
    throw new InputError([{ input: 'spackConfig', message }]);
  }
  return {
    // As Spack writes them, and as the input takes them.
    ...(slurm === undefined ? {} : { features: slurm.replaceAll('~', '-') }),
    'spack-ref': choice.version ?? '',
    jobs: choice.buildJobs === undefined ? '' : String(choice.buildJobs),
    'spack-cache': choice.cacheDir ?? '',
  };
}
