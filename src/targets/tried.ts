import { parse } from 'yaml';
import { z } from 'zod';
import { ConfigurationError } from '../base/errors.js';
import { markdownTable } from '../base/text.js';
import { gpus } from './gpus.js';
import { archs, dependencyKinds } from './identifier.js';
import { compareVersions } from './releases.js';
import { oldestGlibc, type Toolchain } from './toolchains.js';

/** Where it is said what was seen to work, below the project's root. */
export const triedPath = 'data/tried.yaml';

const version = z.string().regex(/^\d+\.\d+\.\d+$/);
/** In the tests at each run, or by hand on a day, on a machine of its own or on an emulated one. */
const how = z.string().regex(/^(?:tests|(?:emulated )?\d{4}-\d\d-\d\d)$/);

const schema = z.strictObject({
  systems: z.array(
    z.strictObject({
      name: z.string(),
      glibc: z.string().regex(/^\d+\.\d+$/),
      toolchain: z.string().optional(),
    }),
  ),
  builds: z.array(
    z.strictObject({
      toolchain: z.string(),
      arch: z.enum(archs),
      releases: z.array(version).min(1),
      dependencies: z.array(z.enum(dependencyKinds)).min(1),
      gpus: z.array(z.enum(gpus)).min(1),
      /** As the input has them. */
      features: z.string().default('default'),
      how,
    }),
  ),
  runs: z.array(z.strictObject({ toolchain: z.string(), release: version, system: z.string(), how })),
  others: z.array(z.strictObject({ what: z.string(), seen: z.string() })),
});

/** What was seen to work. */
export type Tried = z.infer<typeof schema>;
type Seen = { readonly how: string };

/**
 * Reads `data/tried.yaml`.
 * @throws ConfigurationError when the file is not as it must be
 */
export function parseTried(text: string): Tried {
  // The core schema leaves days as they are written.
  const parsed = schema.safeParse(parse(text, { schema: 'core' }));
  if (parsed.success) return parsed.data;
  throw new ConfigurationError(
    `${triedPath}: ${z.prettifyError(parsed.error)}`,
    'Restore the file from the repository.',
  );
}

/** What the page is made from. */
export interface SupportFacts {
  readonly tried: Tried;
  readonly toolchains: readonly Toolchain[];
  /** Names of packages of a toolchain that were read in a source, and all; undefined for one without a record. */
  readonly names: (id: string) => { readonly read: number; readonly all: number };
  /** All series, oldest first. */
  readonly series: readonly string[];
}

/** `in the tests`, or the last day on which it was seen; undefined for what was not seen. */
function best(seen: readonly Seen[]): string | undefined {
  if (seen.some((item) => item.how === 'tests')) return 'in the tests';
  const words = seen.map(({ how }) => how.split(' ')).sort();
  const day = words.filter(({ length }) => length === 1).at(-1);
  if (day !== undefined) return `by hand, ${day}`;
  const emulated = words.at(-1);
  return emulated === undefined ? undefined : `emulated by hand, ${emulated[1]}`;
}

/** The Markdown of `docs/support.md`, but for its first lines. */
export function supportPage(facts: SupportFacts): string {
  return [
    '## Where a tarball runs',
    'On x86-64 (amd64); what was seen on arm64 is [below](#what-else).',
    systemsTable(facts),
    '## Which releases',
    'Built, audited, and a cluster from it run on its own distribution; x86-64 (amd64) if nothing else is said. Emulated: by `qemu-user`, on a machine of another architecture.',
    releasesTable(facts),
    '## What else',
    othersTable(facts),
  ].join('\n\n');
}

function systemsTable(facts: SupportFacts): string {
  const { tried } = facts;
  const rows = tried.systems.map((system) => [
    system.name,
    system.glibc,
    bundledOn(system, facts),
    system.toolchain === undefined ? '–' : systemOn(system.toolchain, facts),
  ]);
  const head = ['system', 'glibc', '`bundled`: brings its libraries', "`system`: the distribution's own"];
  return markdownTable(head, rows);
}

/** The toolchains whose tarballs run with a glibc, the one first that is used without being asked for. */
function toolchainsFor(glibc: string, { toolchains, tried }: SupportFacts): Toolchain[] {
  const isBuilt = ({ id }: Toolchain) =>
    tried.builds.some(({ arch, toolchain }) => arch === 'amd64' && toolchain === id);
  const rank = ({ id }: Toolchain) => (id === 'bookworm' ? 0 : 1);
  return toolchains
    .filter((toolchain) => isBuilt(toolchain) && compareVersions(oldestGlibc(toolchain), glibc) <= 0)
    .sort((a, b) => rank(a) - rank(b) || compareVersions(oldestGlibc(b), oldestGlibc(a)));
}

function bundledOn(system: Tried['systems'][number], facts: SupportFacts): string {
  const [toolchain] = toolchainsFor(system.glibc, facts);
  if (toolchain === undefined)
    return 'not yet: its glibc is older than that of all toolchains that were built';
  const { runs, builds } = facts.tried;
  const ran = runs.filter((run) => run.toolchain === toolchain.id && run.system === system.name);
  const own = builds.filter(
    (build) =>
      build.arch === 'amd64' &&
      build.toolchain === toolchain.id &&
      system.toolchain === toolchain.id &&
      build.dependencies.includes('bundled'),
  );
  const seen = best([...ran, ...own]);
  const word = seen === undefined ? 'should, by its glibc; not tried' : `a cluster ran, ${seen}`;
  return `\`toolchain: ${toolchain.id}\`: ${word}`;
}

function systemOn(id: string, { tried, names }: SupportFacts): string {
  const seen = best(
    tried.builds.filter(
      ({ arch, toolchain, dependencies }) =>
        arch === 'amd64' && toolchain === id && dependencies.includes('system'),
    ),
  );
  if (seen !== undefined) return `\`toolchain: ${id}\`: built and smoked, ${seen}`;
  const { read, all } = names(id);
  return `\`toolchain: ${id}\`: package names checked (${read} of ${all} read in a source); not built`;
}

function releasesTable({ tried, series }: SupportFacts): string {
  const rows = series.map((name) => {
    const builds = tried.builds.flatMap((build) =>
      build.releases
        .filter((release) => release.startsWith(`${name}.`))
        .map((release) => ({ ...build, release })),
    );
    const groups = new Map<string, Seen[]>();
    for (const build of builds) {
      for (const dependencies of build.dependencies) {
        for (const gpu of build.gpus) {
          const arch = build.arch === 'amd64' ? '' : `, ${build.arch}`;
          const some = build.features === 'default' ? '' : `, \`features: ${build.features}\``;
          const kind = `${build.release} \`${dependencies}\`, ${gpu === 'none' ? 'no GPU' : `\`gpu: ${gpu}\``}${some}, ${build.toolchain}${arch}`;
          groups.set(kind, [...(groups.get(kind) ?? []), build]);
        }
      }
    }
    const cells = [...groups].map(([kind, seen]) => `${kind}: ${best(seen)}`);
    return [name, cells.length === 0 ? 'not tried' : cells.join('<br>')];
  });
  return markdownTable(['series', 'seen'], rows);
}

const othersTable = ({ tried }: SupportFacts): string =>
  markdownTable(
    ['what', 'seen'],
    tried.others.map(({ what, seen }) => [what, seen]),
  );
