import { expect, test } from '@jest/globals';
import { AuditError } from '../../../../src/audit/error.js';
import { PackagingError } from '../../../../src/base/errors.js';
import { audit, inventoryScript } from '../../../../src/pipeline/stages/audit.js';
import { pack } from '../../../../src/pipeline/stages/pack.js';
import { fakeProject } from '../../../support/fakes.js';
import { type MachineScript, packedTree, slurmPrefix } from '../../../support/machine.js';
import { stageBench } from '../../../support/stage.js';

/** The audit of a build's software tarball. */
async function audited(script: MachineScript = {}) {
  const bench = await stageBench({}, script);
  const { plan, project, session, logger } = bench;
  const packed = await pack(plan, project, session, { prefix: slurmPrefix, tree: packedTree });
  const tarball = `${packed.session}/slurm-24.11.6-bookworm-amd64-software.tar.gz`;
  return { ...bench, tarball, report: audit(tarball, plan, project, session, logger) };
}

test('the inventory script is all of its parts, the reader first', async () => {
  expect(await inventoryScript(fakeProject())).toBe(
    '# tar_reader.py\n\n# packages.py\n\n# elf_inventory.py\n',
  );
});

test("the session's Python takes inventory of the tarball, and the figures are logged", async () => {
  const { report, commands, session, logger, tarball } = await audited();
  expect((await report).runtimePackages).toEqual(['libc6', 'libmunge2']);
  const [python, option, , question] = commands().at(-1) ?? [];
  expect([python, option]).toEqual([session.python, '-c']);
  expect(JSON.parse(question ?? '')).toMatchObject({
    archive: tarball,
    top: 'slurm-24.11.6-bookworm-amd64',
  });
  expect(logger.of('info').at(-1)).toMatch(/^\d+ files, \d+ of them ELF, \d+ loaded; highest GLIBC \d/);
});

test('a broken rule is an AuditError, behind the figures', async () => {
  const { report, logger } = await audited({
    facts: (facts) => ({
      ...facts,
      entries: facts.entries.filter(({ path }) => !path.endsWith('sbin/slurmctld')),
    }),
  });
  await expect(report).rejects.toThrow(AuditError);
  await expect(report).rejects.toThrow('sbin/slurmctld');
  expect(logger.of('info').at(-1)).toMatch(/^\d+ files/);
});

test('an inventory that fails is told with its last line', async () => {
  const script: MachineScript = {
    answer: (words) =>
      words[1] === '-c' ? { exitCode: 1, stderr: 'Traceback\nMemoryError: out of memory' } : undefined,
  };
  const { report } = await audited(script);
  await expect(report).rejects.toThrow(PackagingError);
  await expect(report).rejects.toThrow('MemoryError: out of memory');
});
