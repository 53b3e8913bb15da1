import { expect, test } from '@jest/globals';
import { SpackUnreachableError } from '../../../../src/base/errors.js';
import { exists } from '../../../../src/base/files.js';
import { bringSources } from '../../../../src/pipeline/stages/sources.js';
import { openedBuild } from '../../../support/stages.js';

test('both repositories come at their commits, and a second build finds them', async () => {
  const { context, ports, process } = await openedBuild();
  const { spack, recipes } = context.build.hostLayout;
  await bringSources(context.build, context.request.project, ports);
  expect(await Promise.all([spack, recipes].map(exists))).toEqual([true, true]);
  expect(ports.logger.of('info').join('\n')).toMatch(/spack\.git at 1{12}: fetched/);
  const before = process.lines.length;
  await bringSources(context.build, context.request.project, ports);
  expect(process.lines).toHaveLength(before);
});

test('a repository that does not answer leaves nothing half done', async () => {
  const { context, ports } = await openedBuild({
    script: {
      answer: (words) => (words.includes('fetch') ? { exitCode: 128, stderr: 'no route' } : undefined),
    },
  });
  await expect(bringSources(context.build, context.request.project, ports)).rejects.toThrow(
    SpackUnreachableError,
  );
  expect(await exists(context.build.hostLayout.spack)).toBe(false);
});
