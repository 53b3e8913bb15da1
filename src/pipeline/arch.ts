import { InputError } from '../base/errors.js';
import type { Host } from '../base/host.js';
import { type Arch, archOf } from '../targets/identifier.js';

/**
 * The architecture that builds on a machine are for.
 * @throws InputError for one that is not built for
 */
export function archOn(host: Pick<Host, 'arch'>): Arch {
  const arch = archOf(host.arch);
  if (arch === undefined) {
    throw new InputError([{ input: 'runner', message: `its architecture ${host.arch} is not built for.` }]);
  }
  return arch;
}
