import { join } from 'node:path';

/** The folders of a build, by what lies in them. */
export const places = [
  'spack',
  'packages',
  'overlay',
  'environment',
  'store',
  'buildCache',
  'sources',
  'userCache',
  'stage',
  'home',
  'output',
] as const;
export type Place = (typeof places)[number];

/** Path of each folder, as the processes of one side see it. */
export type Layout = Readonly<Record<Place, string>>;

/** Folders that the build only reads. */
const readOnly: ReadonlySet<Place> = new Set(['spack', 'packages', 'overlay', 'sources']);

/** Root of all folders within a container. */
const containerRoot = '/opt/slurm-factory';

const folders: Readonly<Record<Place, string>> = {
  spack: 'spack',
  packages: 'packages',
  overlay: 'overlay',
  environment: 'environment',
  store: 'store',
  buildCache: 'build-cache',
  sources: 'sources',
  userCache: 'user-cache',
  stage: 'stage',
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

/** Value of an engine's `--mount`; it is read as a line of CSV. */
export function mountArgument(mount: Mount): string {
  const fields = ['type=bind', `source=${mount.source}`, `target=${mount.target}`];
  if (mount.readOnly) fields.push('readonly');
  return fields.map((field) => (/[",\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(',');
}
