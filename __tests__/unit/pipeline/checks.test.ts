import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { AuditError } from '../../../src/audit/error.js';
import * as errors from '../../../src/base/errors.js';
import { exists } from '../../../src/base/files.js';
import { SmokeError } from '../../../src/smoke/report.js';
import { memoryCache, never, readFiles } from '../../support/fakes.js';
import type { MachineScript } from '../../support/machine.js';
import { afterwards, build, checks, resultsIn, target } from '../../support/pipeline.js';
import { containerIn } from '../../support/records.js';

describe('the audit', () => {
  test('a broken rule fails the build with 5: nothing is handed out, described, tested or saved', async () => {
    const cache = memoryCache();
    const script: MachineScript = {
      facts: (facts) => ({
        ...facts,
        entries: facts.entries.map((entry) =>
          entry.path.endsWith('/bin/srun') ? { ...entry, forbidden: ['/opt/slurm-factory/store'] } : entry,
        ),
        loads: facts.loads.map((load) =>
          load.file.endsWith('/mpi_pmix.so') ? { ...load, missing: ['pmix_init'] } : load,
        ),
      }),
    };
    const { error, report, request, ports, process, record } = await build({ cache, script });
    expect(report).toBeUndefined();
    expect(error).toBeInstanceOf(AuditError);
    expect(errors.exitCodeOf(error)).toBe(5);
    expect((error as AuditError).findings.map(({ rule, file }) => [rule, file])).toEqual([
      ['no-build-path', 'bin/srun'],
      ['loadable', 'lib/slurm/mpi_pmix.so'],
    ]);
    expect(await readdir(join(request.cwd, 'slurm-factory-output'))).toEqual([]);
    expect(resultsIn(cache)).toEqual([]);
    expect(ports.artifacts.uploads).toEqual([]);
    expect(process.lines.some((line) => line.includes('--checks'))).toBe(false);
    expect(await exists(record?.buildFolder ?? '')).toBe(false);
    // What was compiled is not lost.
    expect([...cache.entries.keys()].filter((key) => key.includes('-package-'))).toHaveLength(2);
  });

  test('a file that the target promises and that is missing fails it too', async () => {
    const script: MachineScript = {
      facts: (facts) => ({
        ...facts,
        entries: facts.entries.filter((entry) => !entry.path.endsWith('/auth_munge.so')),
      }),
    };
    const { error } = await build({ script });
    expect((error as AuditError).findings).toEqual([
      expect.objectContaining({ rule: 'promised-files', file: 'lib/slurm/auth_munge.so' }),
    ]);
  });
});

describe('the smoke test', () => {
  const failing = (check: string): MachineScript => ({
    check: (name) => (name === check ? { status: 'failed', detail: 'no job <1> & none else' } : undefined),
  });

  test('runs every check that the target promises, on the files that are handed out', async () => {
    const { report, process, record } = await build();
    expect(report?.smoke?.checks.map(({ name, status }) => [name, status])).toEqual(
      checks.map((name) => [name, 'passed']),
    );
    const run = process.lines.find((line) => / --label slurm-factory=smoke .* infinity$/.test(line)) ?? '';
    for (const end of ['software.tar.gz', 'modules.tar.gz', 'manifest.json', 'install.sh', 'SHA256SUMS']) {
      expect(run).toContain(`/result/${target}-${end},target=/smoke/files/${target}-${end},readonly`);
    }
    expect(run).toContain(' --network none ');
    expect(containerIn(record, 'smoke')).toMatchObject({
      program: 'docker',
      name: `${containerIn(record, 'build')?.name}-smoke`,
    });
    const image = process.lines.find((line) => line.startsWith('docker build --tag slurm-factory/smoke:'));
    expect(image).toContain('PACKAGES=libc6 libmunge2 mariadb-server munge');
  });

  test('leaves a JUnit file', async () => {
    const { report, ports } = await build();
    const name = `${target}-smoke.xml`;
    const text = await readFile(join(report?.outputDir ?? '', name), 'utf8');
    expect(text).toContain(`<testsuite name="${target}" tests="${checks.length}" failures="0"`);
    expect(ports.artifacts.uploads.find((upload) => upload.name === name)?.files[name]).toBe(text);
  });

  test('smoke-test: false skips it', async () => {
    const cache = memoryCache();
    const { report, process, record } = await build({
      cache,
      request: { layers: [{ 'smoke-test': 'false' }] },
    });
    expect(report?.smoke).toBeUndefined();
    expect(report?.timings.map((timing) => timing.stage)).not.toContain('smoke');
    expect(process.lines.some((line) => /smoke/.test(line))).toBe(false);
    expect(containerIn(record, 'smoke')).toBeUndefined();
    expect(await exists(join(report?.outputDir ?? '', `${target}-smoke.xml`))).toBe(false);
    // What was not tested must not come back to a build that asks for the test.
    expect(resultsIn(cache)).toHaveLength(0);
  });

  test('a failed check fails the build with 5: nothing is handed out or saved but the JUnit file', async () => {
    const cache = memoryCache();
    const { error, report, request, ports, process } = await build({ cache, script: failing('srun') });
    expect(report).toBeUndefined();
    expect(error).toBeInstanceOf(SmokeError);
    expect(errors.exitCodeOf(error)).toBe(5);
    expect(String(error)).toContain('srun: no job <1> & none else');
    const files = await readFiles(join(request.cwd, 'slurm-factory-output'));
    expect(Object.keys(files)).toEqual([`${target}-smoke.xml`]);
    expect(files[`${target}-smoke.xml`]).toMatch(
      /failures="1"[\s\S]*name="srun"[^>]*><failure [^>]*>no job &lt;1&gt; &amp; none else<\/failure>/,
    );
    expect(resultsIn(cache)).toEqual([]);
    expect(ports.artifacts.uploads.map((upload) => upload.name)).not.toContain(`${target}-software.tar.gz`);
    expect(afterwards(process.lines).at(-1)).toMatch(/^docker rm --force --volumes \S+-smoke$/);
  });

  test('a cancel while it runs takes its container away', async () => {
    const controller = new AbortController();
    const script: MachineScript = {
      answer: (words) => {
        if (!words.includes('--checks')) return undefined;
        setImmediate(() => controller.abort());
        return never;
      },
    };
    const { error, process, request } = await build({ script, signal: controller.signal });
    expect(error).toBeInstanceOf(errors.CancelledError);
    expect(afterwards(process.lines).at(-1)).toMatch(/^docker rm --force --volumes \S+-smoke$/);
    expect(await readdir(join(request.cwd, 'slurm-factory-output'))).toEqual([]);
  });
});
