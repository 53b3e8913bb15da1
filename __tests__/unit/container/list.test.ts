import { expect, test } from '@jest/globals';
import { processOwner } from '../../../src/base/owner.js';
import { listAllContainers, removeStaleContainers } from '../../../src/container/list.js';
import { fakePorts, fakeProcess } from '../../support/fakes.js';

test('containers of ended processes go, those of running ones, of other machines and for a user to look into stay', async () => {
  const owner = processOwner();
  const ended = [...owner.split('~').slice(0, 4), '1'].join('~');
  const listed = [`left\t${ended}`, `mine\t${owner}`, `other\tnode9~a~1~2~3`, `kept\t${ended}\t1`, ''].join(
    '\n',
  );
  const process = fakeProcess((command) => (command[1] === 'ps' ? { stdout: listed } : {}));
  await removeStaleContainers('docker', owner, fakePorts({ process }));
  expect(process.lines[0]).toContain('ps --all --filter label=slurm-factory.owner');
  expect(process.lines.slice(1)).toEqual(['docker rm --force --volumes left']);
});

test('lists the containers of all engines that answer', async () => {
  const owner = processOwner();
  const words = ['slurm-factory-x-fetch', owner, '', 'fetch', 'a1b2', 'debian:bookworm', 'running'];
  const line = [...words, '2026-11-28 06:29:48.123 +0100 CET'].join('\t');
  const process = fakeProcess(([engine]) =>
    engine === 'docker' ? { exitCode: 127 } : { stdout: `${line}\n` },
  );
  expect(await listAllContainers(owner, process)).toEqual([
    {
      ...{ id: 'a1b2', name: 'slurm-factory-x-fetch', kind: 'fetch', engine: 'podman' },
      ...{ image: 'debian:bookworm', state: 'running', orphaned: false, kept: false },
      created: new Date('2026-11-28T06:29:48.123+01:00'),
    },
  ]);
});
