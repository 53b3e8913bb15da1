import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { CancelledError, InputError, PackageBuildError } from '../../../src/base/errors.js';
import { buildJunit } from '../../../src/pipeline/junit.js';
import { memoryCache, never } from '../../support/fakes.js';
import { hashes, type MachineScript } from '../../support/machine.js';
import { build, target } from '../../support/pipeline.js';

const suite = (xml: string, name: string): string =>
  xml.split('<testsuite ').find((part) => part.startsWith(`name="${name}"`)) ?? '';

/** Builds with a report, and reads that. */
async function reported(given: Parameters<typeof build>[0] = {}) {
  const done = await build({ ...given, request: { layers: [{ junit: 'build.xml' }] } });
  // The folder is there where the inputs were right.
  const xml = await readFile(join(done.request.cwd, 'build.xml'), 'utf8').catch(() => '');
  return { ...done, xml };
}

test('a build reports its stages, and each phase of each package', async () => {
  const { xml, report, ports } = await reported();
  expect(suite(xml, target)).toContain(`<testcase classname="${target}" name="Install" time="`);
  expect(suite(xml, target)).toContain(`<property name="content-key" value="${report?.contentKey}"/>`);
  const slurm = suite(xml, 'slurm@24-11-6-1');
  expect(slurm).toContain(
    `<property name="hash" value="${hashes.slurm}"/><property name="source" value="source"/>`,
  );
  expect(slurm).toMatch(/name="build" time="\d+\.\d{3}"><\/testcase>/);
  expect(xml).toMatch(/^<testsuites name="slurm-factory build" tests="\d+" failures="0"/m);
  // Its times are another each time: no file of the result.
  expect(report?.described.map(({ name }) => name).join()).not.toContain('build.xml');
  expect(ports.artifacts.uploads.map(({ name }) => name)).not.toContain('build.xml');
  expect(report?.packageTimes.map(({ name, outcome }) => [name, outcome])).toEqual([
    ['slurm', 'installed'],
    ['nvml', 'installed'],
  ]);
});

test('what came from the build cache says so, and a result from the cache has stages only', async () => {
  const cache = memoryCache();
  await build({ cache });
  const second = await reported({ cache });
  expect(second.report?.cacheHit).toBe('result');
  expect(second.xml.match(/<testsuite /g)).toHaveLength(1);
  for (const key of [...cache.entries.keys()]) if (key.includes('-result-')) cache.entries.delete(key);
  const { xml } = await reported({ cache });
  const slurm = suite(xml, 'slurm@24-11-6-1');
  expect(slurm).toContain('<property name="source" value="build cache"/>');
  expect(slurm).toContain('name="fetching from build cache"');
});

test('a failed build reports too: the package that failed with its first error, and what was not begun', async () => {
  const script: MachineScript = {
    answer: (words) =>
      words.includes('install')
        ? {
            exitCode: 1,
            stdout: [
              '[ ] sssssss slurm@24-11-6-1 configure (1s)',
              '[ ] sssssss slurm@24-11-6-1 build (3s)',
              'a.c:7:1: error: no <such> thing',
              '[x] sssssss slurm@24-11-6-1 failed (4s)',
            ].join('\n'),
          }
        : undefined,
  };
  const { xml, error } = await reported({ script });
  expect(error).toBeInstanceOf(PackageBuildError);
  const slurm = suite(xml, 'slurm@24-11-6-1');
  expect(slurm).toMatch(/name="configure" time="[\d.]+"><\/testcase>/);
  expect(slurm).toMatch(
    /name="build" time="[\d.]+"><failure message="a\.c:7:1: error: no &lt;such&gt; thing">/,
  );
  expect(suite(xml, 'nvml@12.9')).toContain('<skipped message="It was not begun."/>');
  expect(suite(xml, target)).toMatch(/name="Install" time="[\d.]+"><failure /);
  expect(suite(xml, target)).toMatch(/name="Bring the lock" time="[\d.]+"><\/testcase>/);
});

test('a package that no build cache has is from source; that one was asked is one case', () => {
  const phase = (name: string, seconds: number) => ({ phase: name, seconds });
  const phases = [phase('fetching from build cache', 1), phase('no binary available', 2), phase('build', 4)];
  const packages = [{ name: 'a', version: '1', hash: 'h', outcome: 'installed' as const, phases }];
  const xml = buildJunit({ identifier: target, contentKey: 'f', timings: [], packages });
  expect(suite(xml, 'a@1')).toContain('<property name="source" value="source"/>');
  const cases = [...suite(xml, 'a@1').matchAll(/<testcase classname="a@1" name="([^"]*)" time="([^"]*)"/g)];
  expect(cases.map(([, name, time]) => [name, time])).toEqual([
    ['looking into the build cache', '3.000'],
    ['build', '4.000'],
    ['installed', '0.000'],
  ]);
});

test('a build that is cancelled reports how far it came', async () => {
  const controller = new AbortController();
  const script: MachineScript = {
    answer: (words) => {
      if (!words.includes('install')) return undefined;
      setImmediate(() => controller.abort(new Error('stopped')));
      return never;
    },
  };
  const { xml, error } = await reported({ script, signal: controller.signal });
  expect(error).toBeInstanceOf(CancelledError);
  expect(suite(xml, target)).toMatch(/name="Install" time="[\d.]+"><failure message="stopped">/);
  expect(suite(xml, 'slurm@24-11-6-1')).toContain('<skipped message="It was not begun."/>');
});

test('a stage that fails is one, whatever it was', () => {
  const xml = buildJunit({
    identifier: target,
    contentKey: 'f',
    timings: [
      { stage: 'resolve', seconds: 1 },
      { stage: 'tools', seconds: 2 },
    ],
    packages: [],
    error: new Error('no Spack'),
  });
  expect(xml).toContain('tests="2" failures="1" errors="0" skipped="0" time="3.000"');
  expect(xml).toContain('name="Bring Spack and the builder image" time="2.000"><failure message="no Spack">');
});

test('of packages that fail together each is one that failed; the error is told of its own', () => {
  const failed = (name: string) => ({
    ...{ name, version: '1', hash: name.repeat(32), outcome: 'failed' as const },
    phases: [{ phase: 'build', seconds: 1 }],
  });
  const error = new PackageBuildError({ package: 'a@1', phase: 'build', firstError: 'why', log: undefined });
  const packages = [failed('a'), failed('b'), { ...failed('c'), phases: [] }];
  const xml = buildJunit({ identifier: target, contentKey: 'f', timings: [], packages, error });
  expect(suite(xml, 'a@1')).toContain('<failure message="why">');
  expect(suite(xml, 'b@1')).toContain('<failure message="It failed; the log has more.">');
  expect(suite(xml, 'c@1')).toContain('name="starting" time="0.000"><failure');
});

test('a report that could not be written is refused before anything is built', async () => {
  const { error, process } = await build({ request: { layers: [{ junit: 'no/such/folder.xml' }] } });
  expect(error).toBeInstanceOf(InputError);
  expect(String(error)).toMatch(/junit: the folder .* does not exist/);
  expect(process.lines.filter((line) => !line.startsWith('docker version'))).toEqual([]);
});
