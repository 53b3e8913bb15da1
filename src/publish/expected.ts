import { z } from 'zod';
import { InputError } from '../base/errors.js';
import { parseJson } from '../base/json.js';

/** What a release is to have: of a plan, as `slurm-factory plan` writes it, this is all that is read. */
const targets = z.array(
  z.object({
    identifier: z.string().regex(/^slurm-[a-z0-9._-]+$/),
    contentKey: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .optional(),
  }),
);
const planSchema = z.object({ legs: targets, released: targets.default([]) });

/** A target that is to be there. */
export interface ExpectedTarget {
  readonly identifier: string;
  /** undefined where the plan does not say */
  readonly contentKey?: string | undefined;
}

/** What a plan asks for. */
export interface ExpectedRelease {
  /** What was to be built. */
  readonly legs: readonly ExpectedTarget[];
  /** What was not, as an earlier release has it. */
  readonly released: readonly ExpectedTarget[];
}

/**
 * Reads a plan.
 * @throws InputError when it is none, or has a leg twice
 */
export function parsePlan(text: string): ExpectedRelease {
  const parsed = planSchema.safeParse(parseJson(text));
  const refuse = (message: string) => new InputError([{ input: 'plan', message }]);
  if (!parsed.success) {
    const [first] = parsed.error.issues;
    throw refuse(
      `it is not a plan (${first?.path.join('.') || 'not JSON'}: ${first?.message ?? ''}). Give what plan --json wrote: {"legs": [{"identifier": …, "contentKey": …}]}.`,
    );
  }
  const all = [...parsed.data.legs, ...parsed.data.released];
  const twice = all.filter(
    (leg, index) => all.findIndex(({ identifier }) => identifier === leg.identifier) !== index,
  );
  if (twice.length > 0) throw refuse(`it has ${twice.map(({ identifier }) => identifier).join(', ')} twice.`);
  return parsed.data;
}

/** How what is there compares with what is to be. */
export interface Comparison {
  /** Planned, and not there. */
  readonly missing: readonly string[];
  /** There, and not planned. */
  readonly unplanned: readonly string[];
  /** Of another content key than the plan says. */
  readonly other: readonly string[];
}

/** Compares the targets that are there with a plan's; without a plan all is well. */
export function compareWithPlan(
  there: readonly { readonly identifier: string; readonly contentKey: string }[],
  planned: readonly ExpectedTarget[] | undefined,
): Comparison {
  if (planned === undefined) return { missing: [], unplanned: [], other: [] };
  const wanted = new Map(planned.map((leg) => [leg.identifier, leg.contentKey]));
  const found = new Map(there.map(({ identifier, contentKey }) => [identifier, contentKey]));
  const names = (list: Iterable<string>) => [...list].sort();
  return {
    missing: names([...wanted.keys()].filter((identifier) => !found.has(identifier))),
    unplanned: names([...found.keys()].filter((identifier) => !wanted.has(identifier))),
    other: names(
      [...found].flatMap(([identifier, key]) => {
        const planned = wanted.get(identifier);
        return planned === undefined || planned === key ? [] : [identifier];
      }),
    ),
  };
}
