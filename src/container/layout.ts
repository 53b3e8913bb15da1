import { join } from 'node:path';

/** The folders of a build, by what lies in them. */
export const places = [
  'spack',
  'recipes',
  'overlay',
  'environment',
  'store',
  'buildCache',
  'sources',
  'fetched',
  'arrivals',
  'userCache',
  'buildStage',
  'home',
  'output',
] as const;
export type Place = (typeof places)[number];

/** Path of each folder, as the processes of one side see it. */
export type Layout = Readonly<Record<Place, string>>;

/**
 * Folders that the build only reads. What comes from the caches arrives in one of them, what was fetched lies
 * in another, and results are put together in the last: the machine writes there, so no build may.
 */
const readOnly: ReadonlySet<Place> = new Set([
  'spack',
  'recipes',
  'overlay',
  'sources',
  'fetched',
  'arrivals',
  'output',
]);

/** Root of all folders within a container. */
const containerRoot = '/opt/slurm-factory';

const folders: Readonly<Record<Place, string>> = {
  spack: 'spack',
  recipes: 'packages',
  overlay: 'overlay',
  environment: 'environment',
  store: 'store',
  buildCache: 'build-cache',
  sources: 'sources',
  fetched: 'fetched',
  arrivals: 'arrivals',
  userCache: 'user-cache',
  buildStage: 'stage',
  home: 'home',
  output: 'output',
};

/** The layout below one root. */
export function layoutBelow(root: string): Layout {
  return Object.fromEntries(places.map((place) => [place, join(root, folders[place])])) as Layout;
}

/** The same paths in every container, so that nothing of the runner gets into the build. */
export const containerLayout: Layout = layoutBelow(containerRoot);

/** One bind mount. */
export interface Mount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** Mounts that bring the host's layout to the container's places. */
export function layoutMounts(host: Layout): Mount[] {
  return places.map((place) => ({
    source: host[place],
    target: containerLayout[place],
    readOnly: readOnly.has(place),
  }));
}

/**
 * Mounts for what fetches: it reads what says what is to be fetched, and writes but what it has fetched.
 * @param stage folder on this machine for what is on its way
 */
export function fetchMounts(host: Layout, stage: string): Mount[] {
  const read: Place[] = ['spack', 'recipes', 'overlay', 'environment', 'sources', 'arrivals'];
  return [
    ...read.map((place) => ({ source: host[place], target: containerLayout[place], readOnly: true })),
    { source: host.fetched, target: containerLayout.fetched, readOnly: false },
    { source: stage, target: containerLayout.buildStage, readOnly: false },
  ];
}

/**
 * Mounts for what works with a build cache that machines share: it reads what was built, and brings to the store what
 * was not.
 * @param own folder on this machine for its environment, its settings and what is on its way
 */
export function shareMounts(host: Layout, own: string): Mount[] {
  const read: Place[] = ['spack', 'recipes', 'overlay', 'arrivals', 'buildCache'];
  return [
    ...read.map((place) => ({ source: host[place], target: containerLayout[place], readOnly: true })),
    { source: host.store, target: containerLayout.store, readOnly: false },
    { source: join(own, 'stage'), target: containerLayout.buildStage, readOnly: false },
    { source: join(own, 'environment'), target: containerLayout.environment, readOnly: false },
    { source: join(own, 'scope'), target: shareScope, readOnly: true },
  ];
}

/** Folders of a sharing session beside the layout's: its settings, and a build cache that is a folder. */
export const shareScope = `${containerRoot}/share`;
export const sharedFolder = `${containerRoot}/shared`;
/** gpg's keys; they lie in memory. */
export const shareKeyring = `${containerRoot}/keyring`;

/** What else Spack and gpg write to while they share; nothing of it is wanted afterwards. */
export const shareScratch: readonly string[] = [containerLayout.userCache, containerLayout.home, '/run/user'];

/** What else Spack writes to while it fetches; nothing of it is wanted afterwards. */
export const fetchScratch: readonly string[] = [
  containerLayout.userCache,
  containerLayout.store,
  containerLayout.home,
];

/** Value of an engine's `--mount`; it is read as a line of CSV. */
export function mountArgument(mount: Mount): string {
  const fields = ['type=bind', `source=${mount.source}`, `target=${mount.target}`];
  if (mount.readOnly) fields.push('readonly');
  return fields.map((field) => (/[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(',');
}
