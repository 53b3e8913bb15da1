import { sha256 } from '../base/files.js';

/** How the module files of further packages are laid out. */
export const moduleLayouts = ['flat', 'hierarchical'] as const;
export type ModuleLayout = (typeof moduleLayouts)[number];

/** Which packages Spack tests as it installs them. */
export const packageTests = ['none', 'root', 'all'] as const;
export type PackageTests = (typeof packageTests)[number];

/** A repository of recipes that a user adds. */
export interface OwnRepo {
  readonly namespace: string;
  /** Folder with its `repo.yaml`, on this machine. */
  readonly folder: string;
  /** Where below `repos` a build has it: its folder's place below a `spack_repo`, which recipes' imports go by. */
  readonly place: string;
  /** Over the names and bytes of its files. */
  readonly digest: string;
  /** Address and commit; left out for a folder of this machine. */
  readonly git?: { readonly url: string; readonly commit: string };
}

/** What a user adds to a build's environment in Spack's own words. */
export interface OwnEnvironment {
  /** What the root spec says besides ours. */
  readonly spec: readonly string[];
  /** Further root specs. */
  readonly packages: readonly string[];
  readonly moduleLayout: ModuleLayout;
  /** What is merged over ours, the content of `spack:`. */
  readonly yaml: Mapping | undefined;
  readonly repos: readonly OwnRepo[];
  /** Text of the lock to build. */
  readonly lock: string | undefined;
  readonly tests: PackageTests;
}

/** A mapping of a YAML file. */
export type Mapping = { readonly [key: string]: unknown };
export const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The environment of a build whose user adds nothing. */
export const noOwn: OwnEnvironment = {
  ...{ spec: [], packages: [], moduleLayout: 'flat', repos: [], tests: 'none' },
  yaml: undefined,
  lock: undefined,
};

/** What of it decides the bytes; the manifest tells it. Tests of packages change no byte. */
export interface OwnSummary {
  readonly spec?: readonly string[];
  readonly packages?: readonly string[];
  /** Of further packages. */
  readonly moduleLayout?: ModuleLayout;
  /** sha256 of what is merged over our environment. */
  readonly yaml?: string;
  readonly repos?: readonly {
    readonly namespace: string;
    readonly digest: string;
    readonly url?: string;
    readonly commit?: string;
  }[];
  /** sha256 of the lock's text. */
  readonly lock?: string;
}

/** Whether packages are built beside Slurm. */
export const hasFurther = ({ packages, yaml }: Pick<OwnEnvironment, 'packages' | 'yaml'>): boolean =>
  packages.length > 0 || (Array.isArray(yaml?.['specs']) && yaml['specs'].length > 0);

/** The summary of an environment; undefined where its user adds nothing. */
export function summarize({
  spec,
  packages,
  moduleLayout,
  yaml,
  repos,
  lock,
}: OwnEnvironment): OwnSummary | undefined {
  const summary: OwnSummary = {
    ...(spec.length === 0 ? {} : { spec }),
    ...(packages.length === 0 ? {} : { packages }),
    ...(hasFurther({ packages, yaml }) ? { moduleLayout } : {}),
    ...(yaml === undefined ? {} : { yaml: sha256(JSON.stringify(yaml)) }),
    ...(repos.length === 0
      ? {}
      : { repos: repos.map(({ namespace, digest, git }) => ({ namespace, digest, ...git })) }),
    ...(lock === undefined ? {} : { lock: sha256(lock) }),
  };
  return Object.keys(summary).length === 0 ? undefined : summary;
}

/**
 * `e3f2a91c04b17`: stands in a target's version and tells such environments apart; undefined for none. Where a
 * repository was found decides nothing.
 */
export function environmentWord(summary: OwnSummary | undefined): string | undefined {
  if (summary === undefined) return undefined;
  const { repos, ...rest } = summary;
  const plain = { ...rest, repos: repos?.map(({ namespace, digest }) => [namespace, digest]) };
  const sorted = Object.entries(plain).sort(([a], [b]) => (a < b ? -1 : 1));
  return `e${sha256(JSON.stringify(sorted)).slice(0, 12)}`;
}
