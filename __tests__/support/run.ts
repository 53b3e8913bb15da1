import type { Ports } from '../../src/base/ports.js';
import { makeSeal } from '../../src/cache/seal.js';
import { cacheSecretOf } from '../../src/config/resolve.js';
import { afterBuild } from '../../src/pipeline/after.js';
import { parseRecord, recordPlaces } from '../../src/pipeline/confine.js';
import { runBuild } from '../../src/pipeline/pipeline.js';
import type { BuildRequest } from '../../src/pipeline/resolve.js';

/** A build and what follows it, as the action runs them: the record passes through text. */
export async function runAndFinish(request: BuildRequest, ports: Omit<Ports, 'state'>) {
  let state = '';
  const save = (record: unknown) => {
    state = JSON.stringify(record);
  };
  const all = { ...ports, state: { save } };
  const outcome = await runBuild(request, all).then(
    (report) => ({ report, error: undefined }),
    (error: unknown) => ({ report: undefined, error }),
  );
  const record = parseRecord(state, recordPlaces(request.workRoot, request.transfer, {}));
  const secret = cacheSecretOf(request.layers);
  const seal = secret === undefined ? undefined : makeSeal(secret);
  if (record !== undefined) await afterBuild(record, all, seal);
  return { ...outcome, record };
}
