import { expect, test } from '@jest/globals';
import { processOwner } from '../../../src/base/owner.js';
import { removeStaleContainers } from '../../../src/container/stale.js';
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
