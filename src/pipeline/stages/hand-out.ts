import type { BundleFile } from '../../bundle/sums.js';
import { handOut } from '../output.js';
import type { Result } from '../report.js';
import type { Stage } from '../stage.js';

/** Puts the files of a result into the output folder: all of them, or none. */
export const handOutStage: Stage<
  { readonly result: Result; readonly signatures: readonly BundleFile[] },
  { readonly described: readonly BundleFile[] }
> = {
  id: 'hand-out',
  run: async ({ build, request }, { result, signatures }) => {
    const described = [...result.described, ...signatures];
    await handOut({ ...build, owner: request.host.owner }, result.folder, described, true);
    return { described };
  },
};
