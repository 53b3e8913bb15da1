import { z } from 'zod';
import { ConfigurationError } from '../base/errors.js';
import { type Gpu, gpuKinds } from '../targets/gpus.js';
import type { Dependencies } from '../targets/identifier.js';

/** What builds were measured to take, below the project's root; `scripts/measure-builds.mjs` writes it. */
export const measuredPath = 'data/measured-builds.json';

const seconds = z.number().nonnegative();

/** How much of Slurm was compiled: all of it, or what ccache had of another GPU's build or another release's. */
const compiles = ['cold', 'other-gpu', 'other-release', 'none'] as const;

const schema = z.object({
  comment: z.string(),
  machine: z.string(),
  day: z.string(),
  /** What a runner that is new has to do first. */
  fresh: z.object({ seconds, source: z.string() }),
  builds: z
    .array(
      z.object({
        target: z.string(),
        gpu: z.string(),
        dependencies: z.string(),
        compiled: z.enum(compiles),
        /** The machine did other things too. */
        busy: z.boolean().optional(),
        /** Seconds of the install, and of all other stages; left out where it was busy. */
        install: seconds.optional(),
        rest: seconds.optional(),
        /** The packages of its lock that are not the distribution's. */
        packages: z.array(
          z.object({
            name: z.string(),
            hash: z.string().optional(),
            /** What it took to build; left out where that is not known, or it came from the build cache. */
            seconds: seconds.optional(),
          }),
        ),
      }),
    )
    .min(1),
});

export type MeasuredBuilds = z.infer<typeof schema>;

/**
 * Reads `data/measured-builds.json`.
 * @throws ConfigurationError when the file is not as it must be
 */
export function parseMeasured(text: string): MeasuredBuilds {
  const parsed = schema.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  throw new ConfigurationError(
    `${measuredPath}: ${z.prettifyError(parsed.error)}`,
    'Restore the file from the repository.',
  );
}

/** A package that a leg needs from Spack. */
export interface NeededPackage {
  readonly name: string;
  /** What it takes to build, seconds. */
  readonly seconds: number;
}

/** What building takes, as it was measured. */
export interface Work {
  /** The packages beside Slurm that a leg needs: legs of one platform share them, whatever their release. */
  packages(dependencies: Dependencies, gpu: Gpu): readonly NeededPackage[];
  /** Seconds of Slurm itself, by what ccache has of it. */
  readonly compile: Readonly<Record<'cold' | 'other-gpu' | 'other-release', number>>;
  /** Seconds of all else that a leg does: one that compiles Slurm, and one that finds it in the build cache. */
  readonly rest: { readonly compiled: number; readonly found: number };
  /** Kinds of dependencies that nothing was measured of; those of another kind stand in for them. */
  readonly unmeasured: (dependencies: Dependencies) => boolean;
}

const root = 'slurm';

/** What the measured builds say of the work of any leg. */
export function workOf({ builds, fresh }: MeasuredBuilds): Work {
  const isOf = (dependencies: Dependencies) => (build: MeasuredBuilds['builds'][number]) =>
    (build.dependencies === 'self-contained') === (dependencies === 'self-contained');
  const times = new Map<string, number>();
  for (const { name, seconds: time } of builds.flatMap(({ packages }) => packages)) {
    if (time !== undefined) times.set(name, Math.max(times.get(name) ?? 0, time));
  }
  const known = new Map<string, readonly NeededPackage[]>();
  const packagesOf = (dependencies: Dependencies, gpu: Gpu): readonly NeededPackage[] => {
    const same = builds.filter(isOf(dependencies));
    const some = same.length > 0 ? same : builds;
    // A header package belongs to each kind of GPU that has its driver.
    const headers = gpuKinds[gpu].drivers.flatMap(({ headerPackage }) => headerPackage ?? []);
    const all = gpuKinds.all.drivers.flatMap(({ headerPackage }) => headerPackage ?? []);
    const names = new Set(some.flatMap(({ packages }) => packages.map(({ name }) => name)));
    for (const name of all) names.delete(name);
    return [...names, ...headers]
      .filter((name) => name !== root)
      .map((name) => ({ name, seconds: times.get(name) ?? 0 }));
  };
  // What an install takes is Slurm's, but for the packages that were built beside it.
  const compileTime = (how: string) =>
    mean(
      builds
        .filter(({ compiled }) => compiled === how)
        .flatMap(({ install, packages }) =>
          install === undefined ? [] : install - sum(packages.map((one) => one.seconds ?? 0)),
        ),
    );
  const restOf = (found: boolean) => {
    const same = builds.filter(({ compiled }) => (compiled === 'none') === found);
    const whole = same.flatMap(({ rest, install }) =>
      rest === undefined ? [] : rest + (found ? (install ?? 0) : 0),
    );
    return fresh.seconds + (mean(whole) ?? 0);
  };
  const cold = compileTime('cold') ?? 0;
  return {
    packages(dependencies, gpu) {
      const key = `${dependencies === 'self-contained'} ${gpu}`;
      const found = known.get(key) ?? packagesOf(dependencies, gpu);
      known.set(key, found);
      return found;
    },
    compile: {
      cold,
      'other-gpu': compileTime('other-gpu') ?? compileTime('other-release') ?? cold,
      'other-release': compileTime('other-release') ?? cold,
    },
    rest: { compiled: restOf(false), found: restOf(true) },
    unmeasured: (dependencies) => !builds.some(isOf(dependencies)),
  };
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

const mean = (values: readonly number[]): number | undefined =>
  values.length === 0 ? undefined : sum(values) / values.length;
