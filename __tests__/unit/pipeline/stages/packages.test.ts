import { describe, expect, test } from '@jest/globals';
import { PackagingError } from '../../../../src/base/errors.js';
import { noFurther } from '../../../../src/bundle/further.js';
import { packagesStage } from '../../../../src/pipeline/stages/packages.js';
import { parseLock } from '../../../../src/spack/lock.js';
import { recordingLogger } from '../../../support/fakes.js';
import { lockText, type MachineScript, packedTree, slurmPrefix } from '../../../support/machine.js';
import { startedBuild } from '../../../support/stages.js';

const answer = {
  schema: 1,
  width: 128,
  packages: [{ hash: 'openmpi-hash', path: 'packages/linux/openmpi' }],
  unlicensed: ['openmpi'],
  dropped: [],
};
const openmpi = { name: 'openmpi', version: '5', hash: 'openmpi-hash', prefix: '/store/pad/linux/openmpi' };

/** Runs the stage on a build with one further package, and notes what its session was told to run. */
async function bring(script: MachineScript = {}, further = [openmpi]) {
  const commands: (readonly string[])[] = [];
  const { context, session } = await startedBuild({
    request: { layers: [{ packages: 'openmpi' }] },
    script: {
      ...script,
      answer: async (words, folders) => {
        commands.push(words);
        const scripted = await script.answer?.(words, folders);
        if (scripted !== undefined) return scripted;
        return words[2]?.includes('# further.py') ? { stdout: JSON.stringify(answer) } : undefined;
      },
    },
  });
  const logger = recordingLogger();
  const lock = parseLock(lockText);
  const pmix = { name: 'pmix', version: '4', hash: 'p', external: '/usr', dependencies: [] };
  const run = packagesStage.run(
    { ...context, ports: { ...context.ports, logger } },
    {
      session,
      lock: { ...lock, further: [pmix] },
      installed: {
        ...{ prefix: slurmPrefix, built: [], further, rootFromCache: false },
        packages: { external: 0, fromCache: 0, compiled: 0 },
      },
      tree: packedTree,
    },
  );
  return { context, run, logger, commands };
}

test('a build without any has no such stage', async () => {
  const { context } = await startedBuild();
  expect(packagesStage.skip?.(context)).toEqual({ further: noFurther });
  expect(packagesStage.skip?.((await bring()).context)).toBeUndefined();
});

describe('packagesStage', () => {
  test('Spack writes the module files, then the script brings all of it', async () => {
    const { run, commands } = await bring();
    const { schema: _, ...further } = answer;
    expect((await run).further).toEqual(further);
    const spack = commands.filter((words) => words.includes('module')).map((words) => words.slice(-5));
    expect(spack).toEqual(
      ['lmod', 'tcl'].map((system) => [system, 'refresh', '--yes-to-all', '--delete-tree', '/openmpi-hash']),
    );
    const asked = JSON.parse(commands.at(-1)?.[3] ?? '');
    expect(asked).toMatchObject({
      ...{ tree: packedTree, slurm: slurmPrefix, packages: [openmpi], views: {} },
      modules: '/opt/slurm-factory/store/modulefiles',
    });
    expect(asked.folders).toContain('/opt/slurm-factory');
  });

  test("what is the distribution's, and what has no licence, is told", async () => {
    const { run, logger } = await bring();
    await run;
    expect(logger.of('notice')).toEqual([
      "These are the distribution's own, and are not in the tarball: pmix.",
      'The sources of these packages have no file with a licence, so the tarball has none: openmpi.',
    ]);
  });

  test('where all of it is the distribution’s, nothing comes', async () => {
    const { run, commands } = await bring({}, []);
    expect((await run).further).toEqual(noFurther);
    expect(commands.some((words) => words[2]?.includes('# further.py'))).toBe(false);
  });

  test('module files that can not be written are an error with Spack’s word', async () => {
    const script: MachineScript = {
      answer: (words) =>
        words.includes('module') ? { exitCode: 1, stderr: '==> Error: Name clashes detected' } : undefined,
    };
    const { run } = await bring(script);
    await expect(run).rejects.toThrow(PackagingError);
    await expect(run).rejects.toThrow('module files for lmod: ==> Error: Name clashes detected');
  });
});
