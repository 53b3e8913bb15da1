import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { ContainerError, DiskSpaceError } from '../../../src/base/errors.js';
import { startContainer } from '../../../src/container/container.js';
import { layoutBelow } from '../../../src/container/layout.js';
import { buildPlan, machineSession, type Session } from '../../../src/container/session.js';
import type { ResolvedBuild } from '../../../src/pipeline/resolve.js';
import { watchStorage } from '../../../src/pipeline/storage.js';
import { fakePorts, fakeProcess, host } from '../../support/fakes.js';

/** A build that has filled so many bytes, in a container whose commands last until it ends. */
async function building(filled: string, most: number | undefined) {
  let end: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const process = fakeProcess(async (command) => {
    if (command[0] === 'du') return { stdout: filled, exitCode: 1 };
    if (command[1] === 'rm') end();
    if (command.includes('fast')) return {};
    if (command[1] === 'exec') await ended;
    return command[1] === 'exec' ? { exitCode: 137 } : command[1] === 'inspect' ? { stdout: 'false' } : {};
  });
  const ports = fakePorts({ process });
  const plan = {
    program: 'docker',
    image: 'x',
    kind: 'build',
    name: 'slurm-factory-x',
    host: host(),
  } as const;
  const container = await startContainer(buildPlan(plan, []), ports);
  const { exec, stop } = container;
  const session = { container, exec, stop, layout: layoutBelow('/'), python: '', caBundle: undefined };
  const build = { buildFolder: '/srv/build', options: { containerStorage: most } } as ResolvedBuild;
  return { process, ...watchStorage(build, session, ports, 5) };
}

test('a build that fills more than it may is ended, and that is what its command says', async () => {
  const { session, process } = await building('2000000000\t/srv/build', 1e9);
  const failed = session.exec(['make']);
  await expect(failed).rejects.toThrow(DiskSpaceError);
  await expect(failed).rejects.toThrow(
    /has filled 2\.0 GB of the disk; container-storage lets it fill 1\.0 GB/,
  );
  await expect(session.exec(['fast'])).rejects.toThrow(DiskSpaceError);
  expect(process.lines.filter((line) => line.startsWith('docker rm'))).toHaveLength(1);
  expect(process.lines).toContain('du -s --block-size=1 /srv/build');
});

test.each([
  ['that fills less', '900000000\t/srv/build', 1e9],
  ['that can not be measured', '', 1e9],
  ['without a limit', '2000000000\t/srv/build', undefined],
])('one %s goes on, and is watched no longer than it runs', async (_, filled, most) => {
  const { session, process, end } = await building(filled, most);
  await sleep(30);
  expect(await session.exec(['fast'])).toMatchObject({ exitCode: 0 });
  end();
  const looks = () => process.lines.filter((line) => line.startsWith('du')).length;
  const seen = looks();
  expect(seen > 0).toBe(most !== undefined);
  await sleep(30);
  expect(looks()).toBe(seen);
  await session.stop();
});

test('what ends a container otherwise is not blamed on the disk', async () => {
  const { session, end } = await building('1\t/srv/build', 1e9);
  const failed = session.exec(['make']);
  await session.stop();
  await expect(failed).rejects.toThrow(ContainerError);
  end();
});

test('nothing is watched on the machine itself', () => {
  const process = fakeProcess();
  const session: Session = machineSession(layoutBelow('/'), 'python3', process, {});
  const build = { buildFolder: '/srv/build', options: { containerStorage: 1 } } as ResolvedBuild;
  expect(watchStorage(build, session, { process }, 1).session).toBe(session);
});
