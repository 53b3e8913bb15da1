import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { InputError } from '../../src/base/errors.js';
import { inspectHost } from '../../src/base/host.js';
import type { ProcessRunner } from '../../src/base/ports.js';
import { consoleLogger } from '../../src/local/console.js';
import { nodeProcess } from '../../src/local/process.js';
import { SmokeError, type SmokeReport, smokeJunit } from '../../src/smoke/report.js';
import { rights } from '../../src/smoke/rights.js';
import { smokeTest } from '../../src/smoke/run.js';
import { openSubject } from '../../src/smoke/subject.js';
import { docker, hostTarget, projectRoot, temporaryFolder } from '../support/prepare.js';
import { builtResult } from '../support/result.js';
import { fittedToolchain } from '../support/toolchains.js';

/** A folder with a finished result, as a build leaves it. */
const result = await builtResult('24.11.6');
const withResult = result === undefined ? describe.skip : describe;

const minutes = 60_000;
const folder = temporaryFolder('smoke');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const resultFile = (of: string, end: string): string => {
  const name = readdirSync(of).find((candidate) => candidate.endsWith(end));
  if (name === undefined) throw new Error(`${of} has no file *${end}`);
  return join(of, name);
};

async function smoke(
  from: string,
  prefix: string,
  processes: ProcessRunner = nodeProcess,
): Promise<SmokeReport> {
  const subject = await openSubject(resultFile(from, '-software.tar.gz'));
  return smokeTest(
    {
      subject,
      toolchain: fittedToolchain(subject.target.toolchain),
      engine: { kind: 'docker', version: '' },
      host: await inspectHost(process.env),
      scripts: join(projectRoot, 'scripts', 'inside', 'smoke'),
      context: join(folder, 'context'),
      name: `slurm-factory-smoke-test-${process.pid}`,
      prefix,
    },
    {
      process: processes,
      env: process.env,
      logger: consoleLogger({ out: process.stdout, err: process.stderr }, false),
      signal: new AbortController().signal,
    },
  );
}

const outcomes = (report: SmokeReport): Record<string, string> =>
  Object.fromEntries(report.checks.map(({ name, status }) => [name, status]));

/** What an XML parser finds: attributes of the suite, names of the test cases that failed. */
const readJunit = (xml: string): { tests: string; failed: string[] } =>
  JSON.parse(
    execFileSync(
      'python3',
      [
        '-c',
        `import json, sys, xml.etree.ElementTree as tree
suite = tree.fromstring(sys.stdin.buffer.read()).find("testsuite")
failed = [case.get("name") for case in suite.iter("testcase") if case.find("failure") is not None]
json.dump({"tests": suite.get("tests"), "failed": failed}, sys.stdout)`,
      ],
      { input: xml, encoding: 'utf8' },
    ),
  );

/** A driver's library with one GPU, as far as Slurm's plugin asks for it. */
const driver = `
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#define STRING(name, text) int name(char *to, unsigned n) { snprintf(to, n, text); return 0; }
#define OWN(name, text) int name(void *d, char *to, unsigned n) { snprintf(to, n, text); return 0; }
#define COUNT(name, count) int name(void *d, unsigned *n) { *n = count; return 0; }
#define NONE(name) int name(void) { return 3; }
int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
const char *nvmlErrorString(int error) { return "not supported"; }
STRING(nvmlSystemGetNVMLVersion, "12.0") STRING(nvmlSystemGetDriverVersion, "555.1")
int nvmlDeviceGetCount_v2(unsigned *n) { *n = 1; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **d) { *d = (void *) 1; return i ? 3 : 0; }
OWN(nvmlDeviceGetName, "Stand-in") OWN(nvmlDeviceGetUUID, "GPU-0")
int nvmlDeviceGetPciInfo_v3(void *d, char *info) { memset(info, 0, 68); strcpy(info, "0000:00:01.0"); return 0; }
int nvmlDeviceGetCpuAffinity(void *d, unsigned n, unsigned long *set) {
  memset(set, 0, n * sizeof *set);
  for (long cpu = 0; cpu < sysconf(_SC_NPROCESSORS_ONLN); cpu++) set[cpu / 64] |= 1UL << cpu % 64;
  return 0;
}
COUNT(nvmlDeviceGetMinorNumber, 0) COUNT(nvmlDeviceGetGraphicsRunningProcesses_v3, 0) COUNT(nvmlDeviceGetComputeRunningProcesses_v3, 0)
NONE(nvmlDeviceGetNvLinkState) NONE(nvmlDeviceGetNvLinkRemotePciInfo_v2) NONE(nvmlDeviceGetMigMode)
NONE(nvmlDeviceGetMaxMigDeviceCount) NONE(nvmlDeviceGetMigDeviceHandleByIndex) NONE(nvmlDeviceGetGpuInstanceId)
NONE(nvmlDeviceGetComputeInstanceId) NONE(nvmlDeviceGetAttributes_v2) NONE(nvmlDeviceGetPowerUsage)
NONE(nvmlDeviceGetSupportedMemoryClocks) NONE(nvmlDeviceGetSupportedGraphicsClocks)
NONE(nvmlDeviceGetApplicationsClock) NONE(nvmlDeviceSetApplicationsClocks) NONE(nvmlDeviceResetApplicationsClocks)
NONE(nvmlDeviceGetProcessUtilization)
`;

withResult('a machine with a GPU', () => {
  test(
    'a job with --gres=gpu:1 gets it, where the driver has no development files',
    async () => {
      const tested = (await builtResult('24.11.6', 'bundled', 'cuda')) ?? '';
      const library = join(folder, 'libnvidia-ml.so.1');
      const options = ['-shared', '-fPIC', '-w', '-Wl,-soname,libnvidia-ml.so.1', '-x', 'c'];
      execFileSync('gcc', [...options, '-o', library, '-'], { input: driver });
      // What a driver's container toolkit does: its library and its devices are put into the container.
      const withGpu: ProcessRunner = {
        run: async (command, given) => {
          const words = [...command];
          if (words[0] === 'docker' && words[1] === 'run') {
            const mount = `type=bind,source=${library},target=/usr/lib/libnvidia-ml.so.1,readonly`;
            const devices = ['/dev/nvidiactl', '/dev/nvidia0'].flatMap((name) => [
              ...['--device', `/dev/null:${name}`],
            ]);
            words.splice(2, 0, '--mount', mount, ...devices);
          }
          return nodeProcess.run(words as [string, ...string[]], given);
        },
      };
      const report = await smoke(tested, '/srv/gpu', withGpu);
      const check = report.checks.find(({ name }) => name === 'gpu-nvml');
      expect(check).toMatchObject({ status: 'passed', detail: expect.stringMatching(/^0\s*$/) });
    },
    10 * minutes,
  );
});

withResult('a finished result in a fresh container', () => {
  const from = result ?? '';
  // Unpacked without its installer, which would refuse a tarball that was changed.
  const broken = join(folder, 'broken');

  beforeAll(() => {
    const software = resultFile(from, '-software.tar.gz');
    const tree = join(folder, 'tree');
    for (const made of [broken, tree]) mkdirSync(made);
    execFileSync('tar', ['-xzf', software, '-C', tree]);
    rmSync(join(tree, readdirSync(tree)[0] ?? '', 'lib', 'slurm', 'auth_jwt.so'));
    const name = software.slice(from.length).replace(/^\/+/, '');
    execFileSync('tar', ['-czf', join(broken, name), '-C', tree, ...readdirSync(tree)]);
    for (const end of ['-modules.tar.gz', '-manifest.json']) {
      const file = resultFile(from, end);
      copyFileSync(file, join(broken, file.slice(from.length).replace(/^\/+/, '')));
    }
  });

  const long = `/srv${'/a-long-folder-name'.repeat(7)}/p`.padEnd(150, 'x');

  test.each([
    [4, '/slu'],
    [150, long],
  ])(
    'all checks pass under a prefix of %i characters',
    async (length, prefix) => {
      expect(prefix).toHaveLength(length);
      const report = await smoke(from, prefix);
      const { 'cgroup-v2': cgroup, ...others } = outcomes(report);
      expect(new Set(Object.values(others))).toEqual(new Set(['passed']));
      expect(Object.keys(others)).toEqual(
        expect.arrayContaining(['slurmdbd', 'srun', 'rest', 'mpi-pmix', 'module-lmod', 'module-tcl']),
      );
      // Only a machine without cgroup v2 may skip that one.
      const version = docker('info', '--format', '{{.CgroupVersion}}').trim();
      expect(cgroup).toBe(version === '2' ? 'passed' : 'skipped');
      expect(readJunit(smokeJunit(report))).toEqual({ tests: String(report.checks.length), failed: [] });
    },
    3 * minutes,
  );

  test(
    'without auth_jwt.so exactly the checks of tokens and of the REST API fail',
    async () => {
      const error = await smoke(broken, '/srv/broken').then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (!(error instanceof SmokeError)) throw error;
      const failed = error.report.checks.filter((check) => check.status === 'failed').map(({ name }) => name);
      expect(failed).toEqual(['jwt', 'rest', 'rest-accounting']);
      expect(outcomes(error.report)).toMatchObject({ sacct: 'passed', srun: 'passed', lua: 'passed' });
      expect(error.message).toMatch(/cannot find auth plugin for auth\/jwt|failed to initialize auth plugin/);
      expect(readJunit(smokeJunit(error.report)).failed).toEqual(failed);
    },
    3 * minutes,
  );

  test(
    'without any one of its rights a check fails, the one that the docs name first of all',
    async () => {
      for (const { capability, check } of rights) {
        const without: ProcessRunner = {
          run: ([program, ...words], options) => {
            const at = words.indexOf(capability);
            const left = at === -1 ? words : words.toSpliced(at - 1, 2);
            return nodeProcess.run([program, ...left], options);
          },
        };
        const error = await smoke(from, '/srv/slurm', without).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        if (!(error instanceof SmokeError)) throw error ?? new Error(`${capability} is not needed`);
        const failed = error.report.checks.filter(({ status }) => status === 'failed');
        // The database comes up beside the others.
        const first = failed.find(({ name }) => name !== 'database');
        expect([capability, first?.name]).toEqual([capability, check]);
      }
    },
    15 * minutes,
  );

  test('a FIFO in the place of a file is refused at once', async () => {
    for (const end of ['-software.tar.gz', '-modules.tar.gz', '-manifest.json', '-SHA256SUMS']) {
      const odd = join(folder, `fifo${end}`);
      cpSync(broken, odd, { recursive: true });
      const name = `${hostTarget('24.11.6')}${end}`;
      rmSync(join(odd, name), { force: true });
      execFileSync('mkfifo', [join(odd, name)]);
      const attempt = openSubject(join(odd, `${hostTarget('24.11.6')}-software.tar.gz`));
      await expect(attempt).rejects.toThrow(InputError);
      await expect(attempt).rejects.toThrow(/is a FIFO/);
    }
  });

  test('no container is left', () => {
    expect(docker('ps', '--all', '--quiet', '--filter', `name=slurm-factory-smoke-test-${process.pid}`)).toBe(
      '',
    );
  });
});
