import type { Layout } from '../container/layout.js';
import type { Session } from '../container/session.js';
import type { PackageTests } from '../targets/own-environment.js';
import type { ModuleSystem } from './modules.js';

/** A command and the variables that it needs. */
export interface SpackCommand {
  readonly command: [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
}

/** Where a command of Spack's runs. */
export type Side = Pick<Session, 'layout' | 'python'>;

/** `spack` in the build's environment, without anybody's own configuration. */
export const spack = (side: Side, ...words: readonly string[]): SpackCommand =>
  spackAlone(side, '--env-dir', side.layout.environment, ...words);

/** `spack` in no environment, without anybody's own configuration. */
export function spackAlone(side: Side, ...words: readonly string[]): SpackCommand {
  const { layout, python } = side;
  return {
    command: [python, `${layout.spack}/bin/spack`, '--color=never', ...words],
    env: {
      SPACK_DISABLE_LOCAL_CONFIG: '1',
      SPACK_USER_CACHE_PATH: layout.userCache,
      SPACK_PYTHON: python,
      // Spack's own folder is read-only; compiled Python goes where it may be written.
      PYTHONPYCACHEPREFIX: `${layout.userCache}/pycache`,
      LC_ALL: 'C.UTF-8',
    },
  };
}

export const concretizeCommand = (side: Side): SpackCommand => spack(side, 'concretize', '--force');

/**
 * Installs the lock's packages, from the build cache where it has them.
 * @param jobs a number; a template has its own word for it
 * @param tests packages whose own tests are run behind their build
 */
export function installCommand(
  side: Side,
  jobs: number | string,
  tests: PackageTests = 'none',
): SpackCommand {
  const words = ['--only-concrete', '--no-check-signature', '--fail-fast', '--jobs', String(jobs)];
  if (tests !== 'none') words.push('--test', tests);
  const { command, env } = spack(side, 'install', ...words);
  const ccache = {
    CCACHE_DIR: ccacheFolder(side.layout),
    // A compiler is the same by its bytes, not by when the image was made.
    CCACHE_COMPILERCHECK: 'content',
    // What was preprocessed to look it up is compiled, instead of preprocessing it again.
    CCACHE_NOCPP2: '1',
    // Our recipe of Slurm keeps what configure found out, as ccache does for make.
    SLURM_FACTORY_CONFIGURE_RESULTS: `${ccacheFolder(side.layout)}/${configureResults}`,
  };
  // Some projects, OpenSSL among them, put the time of the build into their libraries: that of 1980-01-01 then.
  return { command, env: { ...env, ...ccache, SOURCE_DATE_EPOCH: '315532800' } };
}

/**
 * Runs a command in the environment that Spack gives a package's build.
 * @param name of a package in the lock
 */
export const buildEnvironmentCommand = (
  side: Side,
  name: string,
  command: readonly [string, ...string[]],
): SpackCommand => spack(side, 'build-env', name, '--', ...command);

/**
 * Fetches the sources of packages, and nothing else, to the folder that the build has as a mirror. Spack
 * writes to an environment's folder, so it works in a copy.
 * @param hashes of the lock's packages, as Spack writes them
 */
export function fetchCommand(side: Side, hashes: readonly string[]): SpackCommand {
  const cache = `config:source_cache:${side.layout.fetched}`;
  const copied = { ...side, layout: { ...side.layout, environment: fetchEnvironment(side.layout) } };
  return spack(copied, '-c', cache, 'fetch', ...hashes.map((hash) => `/${hash}`));
}

/**
 * Writes module files of installed packages, and none of earlier ones stay.
 * @param hashes of the lock's packages, as Spack writes them
 */
export const modulesCommand = (side: Side, system: ModuleSystem, hashes: readonly string[]): SpackCommand =>
  spack(
    side,
    'module',
    system,
    'refresh',
    '--yes-to-all',
    '--delete-tree',
    ...hashes.map((hash) => `/${hash}`),
  );

/** Copy of the environment's folder that fetching works in. */
export const fetchEnvironment = (layout: Layout): string => `${layout.userCache}/fetch`;

/** Where Spack keeps its indexes of all packages. */
export const indexFolder = (layout: Layout): string => `${layout.userCache}/misc`;

/** Where configure's results are kept below ccache's folder, a file each, by the digest of what they are for. */
export const configureResults = 'configure';

/** Where ccache keeps what compilers made. */
export const ccacheFolder = (layout: Layout): string => `${layout.userCache}/ccache`;
