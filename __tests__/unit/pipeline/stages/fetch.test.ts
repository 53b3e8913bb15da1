import { describe, expect, test } from '@jest/globals';
import { ChecksumError, PackageBuildError } from '../../../../src/base/errors.js';
import { withSignal } from '../../../../src/base/signal.js';
import { startFetcher } from '../../../../src/container/session.js';
import { resolveBuild } from '../../../../src/pipeline/resolve.js';
import { fetchSources, wrongBytes } from '../../../../src/pipeline/stages/fetch.js';
import type { LockedSpec } from '../../../../src/spack/lock.js';
import { buildRequest } from '../../../support/build.js';
import { type Answer, fakePorts, fakeProcess, host, never } from '../../../support/fakes.js';
import { fakeMachine } from '../../../support/machine.js';

const hash = 'n'.repeat(32);
const specs = [{ name: 'nvml', version: '12.9', hash }] as unknown as LockedSpec[];
const name = 'slurm-factory-x-fetch';
const removal = `docker rm --force --volumes ${name}`;

/** Fetches with a Spack that answers so. */
async function fetching(
  answer: Answer | ((abort: () => void) => typeof never) = {},
  ready: Promise<unknown> = Promise.resolve(),
) {
  const plan = await resolveBuild(await buildRequest(), fakePorts({ process: fakeMachine() }));
  const controller = new AbortController();
  const process = fakeProcess((command) => {
    if (command[1] === 'inspect') return { stdout: 'true' };
    if (!command.includes('fetch')) return undefined;
    return typeof answer === 'function' ? answer(() => controller.abort(new Error('cancelled'))) : answer;
  });
  const ports = fakePorts({ process: withSignal(process, controller.signal), signal: controller.signal });
  const start = () =>
    startFetcher({ program: 'docker', image: 'i', name, host: host() }, plan.hostLayout, '/stage', ports);
  const done = fetchSources(plan, specs, start, ready, ports);
  return { done, process, ports };
}

describe('fetchSources', () => {
  test('fetches the packages in a copy of the environment, says so, and ends what it was done in', async () => {
    const { done, process, ports } = await fetching();
    await done;
    const commands = process.lines.filter((line) => line.startsWith('docker exec'));
    expect(commands).toHaveLength(2);
    expect(commands[0]).toMatch(/ cp -R \S+\/environment\/\. \S+\/fetch$/);
    expect(commands[1]).toMatch(new RegExp(` fetch /${hash}$`));
    expect(ports.logger.of('info')).toEqual([expect.stringMatching(/^The sources of 1 packages are there/)]);
    expect(process.lines.at(-1)).toBe(removal);
  });

  test.each<[string, Answer, new (...args: never[]) => Error, RegExp]>([
    [
      'that can not be had names its package and the last word',
      {
        exitCode: 1,
        stdout: `==> Error: FetchError: all fetchers failed for /stage/${hash}\nhttps://a.test: 404`,
      },
      PackageBuildError,
      /nvml@12\.9 failed in phase fetch: FetchError: .* https:\/\/a\.test: 404/,
    ],
    ['that nothing is said of', { exitCode: 1 }, PackageBuildError, /a package .*Spack said nothing/],
    [
      'with other bytes',
      { exitCode: 1, stderr: '==> Error: ChecksumError: sha256 checksum failed for /stage/x' },
      ChecksumError,
      /sha256 is not the expected one/,
    ],
  ])('a source %s', async (_, answer, kind, message) => {
    const { done, process } = await fetching(answer);
    await expect(done).rejects.toThrow(kind);
    await expect(done).rejects.toThrow(message);
    expect(process.lines.at(-1)).toBe(removal);
  });

  test('indexes that did not arrive do not keep it from its work', async () => {
    const { done, process } = await fetching({}, Promise.reject(new Error('503')));
    await done;
    expect(process.lines.at(-1)).toBe(removal);
  });

  test('an abort ends the command, and the container is gone', async () => {
    const { done, process } = await fetching((abort) => {
      setImmediate(abort);
      return never;
    });
    await expect(done).rejects.toThrow('cancelled');
    expect(process.lines.filter((line) => line === removal)).toHaveLength(1);
  }, 10_000);
});

test('wrongBytes is told by what Spack says of sums alone', () => {
  expect(wrongBytes('==> Error: FetchError: 404')).toBeUndefined();
  expect(wrongBytes('sha256 checksum failed for /stage/a.tar.gz')).toBeInstanceOf(ChecksumError);
});
