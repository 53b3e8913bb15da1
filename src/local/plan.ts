import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Layer } from '../config/layers.js';
import { type MadePlan, planTargets } from '../pipeline/planning.js';
import type { Project } from '../pipeline/project.js';
import { foldersOf, type LocalPlace, localMachine, type Machine } from './machine.js';

/** What the caller of a plan on this machine brings. */
export interface LocalPlanRequest {
  readonly layers: readonly Layer[];
  readonly project: Project;
  readonly cwd: string;
  /** `2026-11-28`; today where it is left out. */
  readonly today?: string;
  /** Legs whose result is there too, whatever the inputs say. */
  readonly everything?: boolean;
}

/**
 * Plans on this machine: as a workflow would, with this machine's caches.
 * @throws FactoryError
 */
export async function planLocally(
  request: LocalPlanRequest,
  place: LocalPlace,
  machine: Machine = localMachine,
): Promise<MadePlan> {
  const { buildDir, transfers } = foldersOf(place);
  const { today = new Date().toISOString().slice(0, 10), ...rest } = request;
  return planTargets(
    {
      ...{ ...rest, today, workRoot: buildDir },
      transfer: join(transfers, `plan-${randomBytes(6).toString('hex')}`),
      trigger: { event: undefined, ref: undefined, fromFork: false },
    },
    machine.ports(place),
  );
}
