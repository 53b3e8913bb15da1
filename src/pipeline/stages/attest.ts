import type { BundleFile } from '../../bundle/sums.js';
import { attestNotice } from '../../cache/policy.js';
import type { Stage } from '../stage.js';

/**
 * Has a provenance made that says where and from what the files were built. It can't say so of what others may
 * have written: of entries of a cache that nothing vouches for.
 */
export const attestStage: Stage<
  { readonly described: readonly BundleFile[] },
  { readonly attested: boolean }
> = {
  id: 'attest',
  skip: ({ ports }) => (ports.attest === undefined ? { attested: false } : undefined),
  run: async ({ entries, ports }, { described }) => {
    const notice = attestNotice(entries.ledger);
    if (notice !== undefined) {
      ports.logger.notice(notice);
      return { attested: false };
    }
    const files = described.map(({ name, sha256 }) => ({ name, sha256 }));
    return { attested: (await ports.attest?.(files)) ?? false };
  },
};
