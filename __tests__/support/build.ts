import { join } from 'node:path';
import type { BuildRequest } from '../../src/pipeline/plan.js';
import { fakeProject, host, temporaryFolder } from './fakes.js';

/** A request for the newest release of the fake project, all its folders below one new folder. */
export async function buildRequest(change: Partial<BuildRequest> = {}): Promise<BuildRequest> {
  const root = await temporaryFolder();
  return {
    layers: [{}],
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
