import { expect, test } from '@jest/globals';
import { cacheUse } from '../../../../src/cache/ledger.js';
import { attestStage } from '../../../../src/pipeline/stages/attest.js';
import { openedBuild } from '../../../support/stages.js';

const described = [{ name: 'a.tar.gz', size: 1, sha256: 'a'.repeat(64) }];

async function attesting(key?: string) {
  const { context, ports } = await openedBuild();
  const attested: unknown[] = [];
  const ledger = key === undefined ? [] : [cacheUse(key, 1, 'restored')];
  const given = {
    ...context,
    entries: Object.defineProperty(context.entries, 'ledger', { value: ledger }),
    ports: { ...ports, attest: async (files: readonly unknown[]) => attested.push(...files) > 0 },
  };
  const gave = await attestStage.run(given, { described });
  return { attested, gave, notices: ports.logger.of('notice') };
}

test('files are attested by name and sum', async () => {
  const { attested, gave, notices } = await attesting();
  expect(gave).toEqual({ attested: true });
  expect(attested).toEqual([{ name: 'a.tar.gz', sha256: 'a'.repeat(64) }]);
  expect(notices).toEqual([]);
});

test('what was made with entries that nobody vouches for is not', async () => {
  const { attested, gave, notices } = await attesting(
    `slurm-factory-v4-open-lock-bookworm-amd64-${'a'.repeat(64)}`,
  );
  expect({ attested, gave }).toEqual({ attested: [], gave: { attested: false } });
  expect(notices).toEqual([expect.stringContaining('No build provenance')]);
});

test('where nobody can attest, the stage is left out', async () => {
  const { context } = await openedBuild();
  expect(attestStage.skip?.(context)).toEqual({ attested: false });
});
