import { join } from 'node:path';
import type { RawInputs } from '../../src/config/inputs.js';
import type { Layer } from '../../src/config/layers.js';
import type { BuildRequest } from '../../src/pipeline/resolve.js';
import { fakeProject, host, temporaryFolder } from './fakes.js';

/** Inputs as the user of an action gives them. */
export const asInputs = (values: RawInputs): Layer => ({ origin: 'input', values });

/** What a test wants otherwise; its layers are inputs as text. */
export type RequestChange = Partial<Omit<BuildRequest, 'layers'>> & {
  readonly layers?: readonly RawInputs[];
};

/** A request for the newest release of the fake project, all its folders below one new folder. */
export async function buildRequest({ layers = [{}], ...change }: RequestChange = {}): Promise<BuildRequest> {
  const root = await temporaryFolder();
  return {
    // Most tests are of what all kinds of targets have in common; this kind has the shortest way.
    layers: [{ dependencies: 'system' }, ...layers].map(asInputs),
    project: fakeProject({ overlay: join(root, 'project', 'spack-repo') }),
    host: host(),
    cwd: join(root, 'workspace'),
    workRoot: join(root, 'work'),
    transfer: join(root, 'transfer'),
    trigger: { event: 'push', ref: 'refs/heads/main', fromFork: false },
    env: { PATH: '/usr/bin:/bin' },
    runId: '7',
    installMissing: false,
    ...change,
  };
}
