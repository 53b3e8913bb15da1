import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { PackagingError } from '../../../../src/base/errors.js';
import { addExamples, copyTree, pack } from '../../../../src/pipeline/stages/pack.js';
import { examplePaths } from '../../../../src/targets/examples.js';
import { readFiles, writeFiles } from '../../../support/fakes.js';
import { type MachineScript, packedTree, slurmPrefix } from '../../../support/machine.js';
import { stageBench } from '../../../support/stage.js';

const trees = { prefix: slurmPrefix, tree: packedTree };
const target = 'slurm-24.11.6-bookworm-amd64';

describe('copyTree', () => {
  test("copies the tree within the session's own folder, then leaves out what is not packed", async () => {
    const { session, commands, engineWords } = await stageBench();
    expect(await copyTree(session, slurmPrefix)).toBe(packedTree);
    expect(commands()).toEqual([
      ['cp', '--archive', '--reflink=auto', '--no-target-directory', slurmPrefix, packedTree],
      [
        ...['find', '.', '(', '-path', './.spack', '-o', '-name', '.debug', ')'],
        ...['-prune', '-exec', 'rm', '-rf', '{}', '+'],
      ],
    ]);
    expect(engineWords('find')).toEqual([['docker', 'exec', '--workdir', packedTree]]);
  });

  test.each(['cp', 'find'])('%s that fails is told with its last line', async (program) => {
    const script: MachineScript = {
      answer: (words) =>
        words[0] === program ? { exitCode: 1, stderr: 'cp: a\nNo space left on device\n' } : undefined,
    };
    const { session } = await stageBench({}, script);
    const failed = copyTree(session, slurmPrefix);
    await expect(failed).rejects.toThrow(PackagingError);
    await expect(failed).rejects.toThrow('could not be made: No space left on device');
  });
});

test('the examples lie where the session reads, and come into the tree by its own cp', async () => {
  const { plan, project, session, commands } = await stageBench();
  await addExamples(plan, project, session, packedTree);
  const written = await readFiles(join(plan.hostLayout.output, 'examples'));
  expect(Object.keys(written).sort()).toEqual([...examplePaths]);
  // They are the same for all releases, so nothing of them is filled in.
  expect(new Set(Object.values(written))).toEqual(new Set(['whatis("Version: @VERSION@")\n']));
  const from = '/opt/slurm-factory/output/examples';
  expect(commands()).toEqual([['cp', '--recursive', '--no-target-directory', from, packedTree]]);
});

describe('pack', () => {
  test('writes the tarballs to a folder of this machine, out of what the session sees', async () => {
    const { plan, project, session, process, commands } = await stageBench();
    const packed = await pack(plan, project, session, trees);
    expect(packed).toEqual({
      host: join(plan.hostLayout.output, 'result'),
      session: '/opt/slurm-factory/output/result',
      tarballs: [`${target}-software.tar.gz`, `${target}-modules.tar.gz`],
    });
    expect((await readdir(packed.host)).sort()).toEqual([...packed.tarballs].sort());
    const sources = commands().map((words) => words[words.indexOf('--directory') + 1]);
    expect(sources).toEqual([packedTree, '/opt/slurm-factory/output/modules']);
    for (const words of commands()) expect(words.slice(0, 4)).toEqual(['tar', '--create', '--file', '-']);
    const written = process.calls.flatMap(({ options }) => options.stdoutFile ?? []);
    expect(written).toEqual(packed.tarballs.map((name) => join(packed.host, name)));
  });

  test('the module files are rendered where tar takes them from', async () => {
    const { plan, project, session } = await stageBench();
    await pack(plan, project, session, trees);
    expect(await readFiles(join(plan.hostLayout.output, 'modules'))).toEqual({
      'lmod/slurm/24.11.6.lua': 'whatis("Version: 24.11.6")\n',
      'tcl/slurm/24.11.6': 'whatis("Version: 24.11.6")\n',
    });
  });

  test('what an earlier attempt left is gone', async () => {
    const { plan, project, session } = await stageBench();
    await writeFiles(join(plan.hostLayout.output, 'result'), { stale: 'old' });
    const packed = await pack(plan, project, session, trees);
    expect(await readdir(packed.host)).not.toContain('stale');
  });

  test('debug files come from the installed tree, sorted, without the rest of it', async () => {
    const { plan, project, session, commands } = await stageBench({ debug: 'true' });
    const packed = await pack(plan, project, session, trees);
    expect(packed.tarballs.at(-1)).toBe(`${target}-debug.tar.gz`);
    const debug =
      commands().find(([program, ...words]) => program === 'tar' && words.at(-1)?.endsWith('.debug')) ?? [];
    expect(debug[debug.indexOf('--directory') + 1]).toBe(slurmPrefix);
    expect(debug.slice(-2)).toEqual(['./bin/.debug', './sbin/.debug']);
    expect(await readFile(join(packed.host, `${target}-debug.tar.gz`))).not.toHaveLength(0);
  });

  test('no debug files where they were asked for is an error', async () => {
    const script: MachineScript = { answer: (words) => (words[0] === 'find' ? {} : undefined) };
    const { plan, project, session } = await stageBench({ debug: 'true' }, script);
    await expect(pack(plan, project, session, trees)).rejects.toThrow('no debug files');
  });

  test('a tarball that fails is told by its name, once all have ended', async () => {
    const ended: string[] = [];
    const script: MachineScript = {
      answer: async (words) => {
        if (words[0] !== 'tar') return undefined;
        const software = words.includes(packedTree);
        if (!software) await new Promise((resolve) => setTimeout(resolve, 20));
        ended.push(software ? 'software' : 'modules');
        return software ? { exitCode: 2, stderr: 'tar: broken pipe' } : undefined;
      },
    };
    const { plan, project, session } = await stageBench({}, script);
    const failed = pack(plan, project, session, trees);
    await expect(failed).rejects.toThrow(`${target}-software.tar.gz could not be made: tar: broken pipe`);
    expect(ended).toEqual(['software', 'modules']);
  });
});
