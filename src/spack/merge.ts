import { nearest } from '../base/suggest.js';
import { isMapping, type Mapping } from '../targets/own-environment.js';

/*
 * A user's environment over ours. Mappings become one; of lists the user's comes first, as Spack has it for scopes;
 * of two values the user's counts, which is told. A key that ends with ':' puts the user's value in the place of all
 * of ours, as in Spack's own files.
 */

/** Sections that Spack knows in an environment. */
const sections = [
  'specs',
  'definitions',
  'view',
  'concretizer',
  'config',
  'packages',
  'modules',
  'mirrors',
  'compilers',
  'toolchains',
  'env_vars',
  'repos',
  'include',
  'develop',
  'bootstrap',
  'cdash',
  'ci',
  'upstreams',
];

/** What can't be the user's, since a build stands or falls with it, and what to do in its place. */
const ours: readonly { readonly path: readonly string[]; readonly why: string }[] = [
  { path: ['config', 'install_tree', 'root'], why: 'a build has its own store' },
  { path: ['config', 'install_tree', 'padded_length'], why: 'built packages must fit any path' },
  { path: ['config', 'build_stage'], why: 'a build has its own folders' },
  { path: ['config', 'source_cache'], why: 'a build has its own folders' },
  { path: ['config', 'misc_cache'], why: 'a build has its own folders' },
  { path: ['config', 'checksum'], why: 'what is fetched is checked' },
  { path: ['config', 'locks'], why: 'several processes work on one store' },
  { path: ['bootstrap'], why: 'the builder image has what Spack needs' },
  { path: ['repos'], why: "repositories are given by the input 'repos'" },
  { path: ['include'], why: 'a build sees no other files; put all into one' },
  { path: ['develop'], why: "a build sees no checkout; give a source by the inputs 'source' and 'patches'" },
  { path: ['upstreams'], why: 'a build sees no other store' },
  { path: ['ci'], why: 'slurm-factory is what builds' },
  { path: ['mirrors', 'arrived'], why: 'the name is taken' },
  { path: ['mirrors', 'built'], why: 'the name is taken' },
  { path: ['mirrors', 'fetched'], why: 'the name is taken' },
  { path: ['mirrors', 'sources'], why: "it is the input 'source-mirror'" },
  { path: ['packages', 'slurm', 'externals'], why: 'Slurm is what is built' },
  { path: ['packages', 'slurm', 'buildable'], why: 'Slurm is what is built' },
];

const bare = (key: string): string => key.replace(/:$/, '');

/**
 * What is wrong with a user's environment, sentences.
 * @param own content of `spack:`
 */
export function mergeProblems(own: Mapping): string[] {
  const unknown = Object.keys(own)
    .map(bare)
    .filter((name) => !sections.includes(name))
    .map((name) => {
      const near = nearest(name, sections);
      return `'${name}' is no section of an environment. ${near === undefined ? `There are ${sections.join(', ')}.` : `Did you mean '${near}'?`}`;
    });
  const taken = ours.flatMap(({ path, why }) =>
    reaches(own, path) ? [`${path.join('.')} can't be set: ${why}.`] : [],
  );
  const lists = ['specs', 'definitions'].flatMap((name) =>
    own[name] === undefined || Array.isArray(own[name]) ? [] : [`${name} is not a list.`],
  );
  return [...unknown, ...taken, ...lists, ...viewProblems(own['view'])];
}

/** Whether a mapping says anything at a path, or replaces something that is on the way there. */
function reaches(value: unknown, path: readonly string[]): boolean {
  const [name, ...rest] = path;
  if (name === undefined) return true;
  if (!isMapping(value)) return value !== undefined;
  if (`${name}:` in value) return true;
  return name in value && reaches(value[name], rest);
}

/** The views of an environment by their names. */
export function viewsOf(view: unknown): Readonly<Record<string, Mapping>> {
  if (view === true) return { default: {} };
  if (!isMapping(view)) return {};
  return Object.fromEntries(Object.entries(view).map(([name, of]) => [name, isMapping(of) ? of : {}]));
}

function viewProblems(view: unknown): string[] {
  if (view === undefined || typeof view === 'boolean') return [];
  if (!isMapping(view)) return ["view is neither true, false nor a mapping of views' names."];
  return Object.entries(view).flatMap(([name, of]) => [
    ...(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name) ? [] : [`view.${name} is no name for a folder.`]),
    ...(isMapping(of) ? [] : [`view.${name} is not a mapping.`]),
  ]);
}

/** What a user's value took the place of. */
export interface Override {
  /** `concretizer.reuse` */
  readonly path: string;
  /** As JSON. */
  readonly before: string;
  readonly after: string;
}

/**
 * Merges a user's environment over ours.
 * @param base ours, the content of `spack:`
 * @param views folder that views are made in
 */
export function mergeEnvironment(
  base: Mapping,
  own: Mapping,
  views: string,
): { readonly merged: Mapping; readonly overrides: readonly Override[] } {
  const overrides: Override[] = [];
  const { specs, view, ...rest } = own;
  const named = Object.entries(viewsOf(view)).map(([name, of]) => [
    name,
    { ...of, root: `${views}/${name}` },
  ]);
  const merged = merge(base, rest, [], overrides) as Mapping;
  const further = Array.isArray(specs) ? specs : [];
  return {
    merged: {
      ...merged,
      specs: [...(merged['specs'] as readonly unknown[]), ...further],
      ...(named.length === 0 ? {} : { view: Object.fromEntries(named) }),
    },
    overrides,
  };
}

function merge(base: unknown, own: unknown, path: readonly string[], overrides: Override[]): unknown {
  if (isMapping(base) && isMapping(own)) {
    const result: Record<string, unknown> = { ...base };
    for (const [key, value] of Object.entries(own)) {
      const name = bare(key);
      if (key !== name && base[name] !== undefined)
        overrides.push(override([...path, name], base[name], value));
      result[name] = key === name ? merge(base[name], value, [...path, name], overrides) : value;
    }
    return result;
  }
  if (Array.isArray(base) && Array.isArray(own))
    return [...own, ...base.filter((item) => !own.includes(item))];
  if (base !== undefined && JSON.stringify(base) !== JSON.stringify(own))
    overrides.push(override(path, base, own));
  return own;
}

const override = (path: readonly string[], before: unknown, after: unknown): Override => ({
  path: path.join('.'),
  before: shown(before),
  after: shown(after),
});

/** JSON, cut where a line would be too long. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
