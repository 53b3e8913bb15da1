import { mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { AuditError } from '../../../src/audit/error.js';
import * as errors from '../../../src/base/errors.js';
import { exists, sha256 } from '../../../src/base/files.js';
import type { Ports } from '../../../src/base/ports.js';
import { resultFiles } from '../../../src/bundle/catalogue.js';
import { manifestSchema } from '../../../src/bundle/manifest.js';
import { verifySums } from '../../../src/bundle/sums.js';
import { readKey } from '../../../src/cache/keys.js';
import type { BuildReport } from '../../../src/pipeline/report.js';
import { promisedChecks } from '../../../src/smoke/plan.js';
import { SmokeError } from '../../../src/smoke/report.js';
import { buildRequest, type RequestChange } from '../../support/build.js';
import {
  type Answer,
  brokenCache,
  fakePorts,
  host,
  memoryCache,
  never,
  readFiles,
  targetNamed,
  temporaryFolder,
  writeFiles,
} from '../../support/fakes.js';
import {
  debugFolders,
  fakeMachine,
  hashes,
  type MachineScript,
  onMachine,
  packedTree,
  signingKey,
  slurmPrefix,
} from '../../support/machine.js';
import { containerIn, keyringIn } from '../../support/records.js';
import { runAndFinish } from '../../support/run.js';

const target = 'slurm-24.11.6-bookworm-amd64';
const checks = promisedChecks(targetNamed(target), { without: [] }, ['lmod', 'tcl']);

/** A build and what follows it, as the action runs them; the record passes through text. */
async function build(
  given: {
    cache?: ReturnType<typeof memoryCache> | typeof brokenCache;
    script?: MachineScript;
    request?: RequestChange;
    signal?: AbortSignal;
    attest?: Ports['attest'];
  } = {},
) {
  const process = fakeMachine(given.script);
  const ports = fakePorts({
    process,
    cache: given.cache ?? memoryCache(),
    ...(given.signal === undefined ? {} : { signal: given.signal }),
    ...(given.attest === undefined ? {} : { attest: given.attest }),
  });
  const request = await buildRequest(given.request);
  return { ...(await runAndFinish(request, ports)), ports, process, request };
}

/** The files of the one result in a cache, without the cache's own. */
const resultsIn = ({ entries }: ReturnType<typeof memoryCache>) =>
  [...entries]
    .filter(([key]) => key.includes('-result-'))
    .flatMap(([, content]) => [...content.keys()])
    .filter((name) => !name.startsWith('ENTRY.'))
    .sort();

const restored = (report: BuildReport | undefined) =>
  report?.caches.filter(({ outcome }) => outcome === 'restored');

/** The commands of an audit and of a smoke test. */
const inspections = (lines: readonly string[]) =>
  lines.filter((line) => /elf_inventory|slurm-factory\/smoke|--checks|docker info/.test(line));

const spackVerbs = (lines: readonly string[]) =>
  lines.flatMap((line) => /\/bin\/spack .* (concretize|install) /.exec(`${line} `)?.[1] ?? []);

/** The last commands to the engine. */
const afterwards = (lines: readonly string[]) => lines.filter((line) => line.startsWith('docker ')).slice(-2);

describe('from nothing', () => {
  test('the tarballs, a manifest and sums that hold are handed out', async () => {
    const { report, ports, request } = await build();
    expect(report).toMatchObject({
      identifier: 'slurm-24.11.6-bookworm-amd64',
      slurmVersion: '24.11.6',
      cacheHit: 'none',
      packages: { external: 1, fromCache: 0, compiled: 2 },
      runtimePackages: ['libc6', 'libmunge2'],
      outputDir: join(request.cwd, 'slurm-factory-output'),
    });
    const folder = report?.outputDir ?? '';
    const files = await readFiles(folder);
    const names = Object.values(report?.files ?? {}).map((file) => basename(file));
    expect(names.sort()).toEqual([...Object.values(resultFiles(target)), `${target}-smoke.xml`].sort());
    expect(Object.keys(files).sort()).toEqual([...names].sort());
    expect(report?.described.map((file) => file.name).sort()).toEqual([...names].sort());
    expect((await verifySums(folder, 'slurm-24.11.6-bookworm-amd64-SHA256SUMS')).sort()).toEqual(
      names.filter((name) => !name.endsWith('SHA256SUMS')).sort(),
    );
    expect(files['slurm-24.11.6-bookworm-amd64-software.tar.gz']).toContain(`tarball of ${packedTree}`);
    const manifest = manifestSchema.parse(JSON.parse(await readFile(report?.files.manifest ?? '', 'utf8')));
    expect(manifest).toMatchObject({ contentKey: report?.contentKey, slurmVersion: '24.11.6' });
    expect(manifest.specs.map((spec) => spec.name)).toEqual(['munge', 'nvml', 'slurm']);
    expect(manifest.runtimePackages).toEqual(['libc6', 'libmunge2']);
    expect(manifest.files.map((file) => file.name).sort()).toEqual(
      ['install.sh', 'modules.tar.gz', 'software.tar.gz'].map((end) => `${target}-${end}`),
    );
    expect(manifest.sbom?.name).toBe(`${target}-sbom.spdx.json`);
    expect(ports.artifacts.uploads.map((upload) => upload.name).sort()).toEqual(Object.keys(files).sort());
  });

  test('the SBOM names the tarball by its sum, the lock and what is needed at run time', async () => {
    const { report } = await build();
    const sbom = JSON.parse(await readFile(report?.files.sbom ?? '', 'utf8'));
    const software = report?.described.find((file) => file.name.endsWith('-software.tar.gz'));
    expect(sbom.packages[0]).toMatchObject({
      packageFileName: software?.name,
      checksums: [{ algorithm: 'SHA256', checksumValue: software?.sha256 }],
    });
    const names = sbom.packages.map((item: { name: string }) => item.name);
    expect(names).toEqual(expect.arrayContaining(['slurm', 'nvml', 'libmunge2', 'libc6']));
    expect(JSON.stringify(sbom)).toContain('https://nvml.test/nvml.whl');
  });

  test('the stages come in their order: nothing is described or tested that failed its audit', async () => {
    const { report, process } = await build();
    expect(report?.timings.map((timing) => timing.stage)).toEqual([
      ...['resolve', 'find-result', 'preflight', 'tools', 'session', 'lock', 'install', 'tree', 'pack'],
      ...['audit', 'describe', 'smoke', 'complete', 'hand-out', 'upload'],
    ]);
    const steps = ['concretize', ' install ', 'tar --create', 'elf_inventory', '${Architecture}', '--checks'];
    const places = steps.map((step) => process.lines.findIndex((line) => line.includes(step)));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  test('the container is removed, and of the build nothing is left but clones and results', async () => {
    const { process, request } = await build();
    const name = /--name (slurm-factory-\S+)/.exec(
      process.lines.find((line) => line.startsWith('docker run')) ?? '',
    );
    expect(afterwards(process.lines)).toEqual([
      `docker rm --force --volumes ${name?.[1]}`,
      `docker rm --force --volumes ${name?.[1]}-smoke`,
    ]);
    expect(await readdir(request.workRoot)).toEqual(['clones']);
  });

  test('all that is worth keeping goes to the cache', async () => {
    const cache = memoryCache();
    await build({ cache });
    const kinds = [...cache.entries.keys()]
      .map((key) => /^slurm-factory-v\d+-open-([a-z]+)-/.exec(key)?.[1])
      .sort();
    expect(kinds).toEqual(['ccache', 'index', 'lock', 'package', 'package', 'result']);
    const index = [...cache.entries].find(([key]) => key.includes('-index-'))?.[1];
    // What Spack knows of the packages, not what it made of one environment.
    expect([...(index?.keys() ?? [])].sort()).toEqual(['ENTRY.sha256', 'providers/builtin.json']);
  });
});

describe('the second time', () => {
  test('the result comes from the cache: no container, no Spack, the same bytes', async () => {
    const cache = memoryCache();
    const first = await build({ cache });
    const bytes = await readFiles(first.report?.outputDir ?? '');
    const second = await build({ cache });
    expect(second.report).toMatchObject({ cacheHit: 'result', packages: undefined, smoke: undefined });
    expect(second.process.lines.filter((line) => !line.startsWith('docker version'))).toEqual([]);
    expect(second.report?.caches).toMatchObject([{ kind: 'result', name: target, outcome: 'restored' }]);
    expect(second.record?.cacheUses).toEqual(second.report?.caches);
    expect(await readFiles(second.report?.outputDir ?? '')).toEqual(bytes);
    expect(Object.keys(bytes)).toContain(`${target}-smoke.xml`);
    expect(second.report?.described).toEqual(first.report?.described);
    expect(second.report?.runtimePackages).toEqual(first.report?.runtimePackages);
    expect(second.ports.artifacts.uploads.map((upload) => upload.name).sort()).toEqual(
      Object.keys(bytes).sort(),
    );
  });

  test('a result from the cache is neither audited nor tested again', async () => {
    const cache = memoryCache();
    const first = await build({ cache });
    expect(inspections(first.process.lines).length).toBeGreaterThan(3);
    const second = await build({ cache });
    expect(inspections(second.process.lines)).toEqual([]);
    expect(second.report?.timings.map((timing) => timing.stage)).toEqual([
      ...['resolve', 'find-result', 'hand-out', 'upload'],
    ]);
  });

  test('a machine without any engine is served from the cache', async () => {
    const cache = memoryCache();
    await build({ cache });
    const down = { answer: () => ({ exitCode: 127 }) };
    expect((await build({ cache, script: down })).report?.cacheHit).toBe('result');
    const empty = await build({ script: down });
    expect(empty.error).toBeInstanceOf(errors.NoEngineError);
  });

  test.each<[string, (key: string) => boolean, string[], object, string[]]>([
    [
      'without the result, lock and packages are',
      (key) => key.includes('-result-'),
      ['install'],
      { cacheHit: 'build-cache', packages: { external: 1, fromCache: 2, compiled: 0 } },
      [],
    ],
    [
      'without the lock it is made again',
      (key) => /-(result|lock)-/.test(key),
      ['concretize', 'install'],
      { cacheHit: 'build-cache', packages: { external: 1, fromCache: 2, compiled: 0 } },
      ['index'],
    ],
    [
      'without one package, that one is compiled',
      (key) => key.includes('-result-') || key.endsWith(hashes.slurm),
      ['install'],
      { cacheHit: 'none', packages: { external: 1, fromCache: 1, compiled: 1 } },
      // Spack looks its patches up.
      ['ccache', 'index'],
    ],
  ])('%s', async (_, gone, verbs, expected, forSpack) => {
    const cache = memoryCache();
    await build({ cache });
    for (const key of [...cache.entries.keys()].filter(gone)) cache.entries.delete(key);
    const second = await build({ cache });
    expect(second.report).toMatchObject(expected);
    expect(spackVerbs(second.process.lines)).toEqual(verbs);
    const uses = second.report?.caches.filter(({ kind }) => kind === 'ccache' || kind === 'index') ?? [];
    expect(uses.map(({ kind }) => kind).sort()).toEqual(forSpack);
    for (const { outcome } of uses) expect(outcome).toBe('restored');
    expect(second.ports.logger.of('warning')).toEqual([]);
  });

  test.each(['software.tar.gz', 'install.sh', 'sbom.spdx.json', 'manifest.json', 'SHA256SUMS'])(
    'a cached result with a damaged %s is told, and built again',
    async (name) => {
      const cache = memoryCache();
      await build({ cache });
      for (const [key, content] of cache.entries) {
        if (!key.includes('-result-')) continue;
        for (const file of content.keys()) if (file.endsWith(name)) content.set(file, Buffer.from('damaged'));
      }
      const second = await build({ cache });
      expect(second.report?.cacheHit).toBe('build-cache');
      expect(second.ports.logger.of('warning').join('\n')).toMatch(/damaged|fails its checks/);
      expect(
        await verifySums(second.report?.outputDir ?? '', basename(second.report?.files.sums ?? '')),
      ).toHaveLength(6);
      // The damaged entry stays in the way of nobody.
      expect((await build({ cache })).report?.cacheHit).toBe('result');
    },
  );

  test('a cached result whose sums leave a file out fails its checks, and is built again', async () => {
    const cache = memoryCache();
    await build({ cache });
    for (const [key, content] of cache.entries) {
      if (!key.includes('-result-')) continue;
      const sums = `${target}-SHA256SUMS`;
      const text = String(content.get(sums)).replace(/^.*sbom\.spdx\.json\n/m, '');
      content.set(sums, Buffer.from(text));
      const entry = String(content.get('ENTRY.sha256')).replace(/^\S+(?= {2}\S*-SHA256SUMS$)/m, sha256(text));
      content.set('ENTRY.sha256', Buffer.from(entry));
    }
    const second = await build({ cache });
    expect(second.report?.cacheHit).toBe('build-cache');
    expect(second.ports.logger.of('warning')).toEqual([
      expect.stringMatching(/fails its checks.*\n.*sbom\.spdx\.json: is not in .*SHA256SUMS/),
    ]);
    expect((await build({ cache })).report?.cacheHit).toBe('result');
  });

  test('with cache: false nothing of it is used or kept', async () => {
    const cache = memoryCache();
    await build({ cache });
    const before = cache.entries.size;
    const second = await build({ cache, request: { layers: [{ cache: 'false' }] } });
    expect(second.report).toMatchObject({ cacheHit: 'none', packages: { compiled: 2 } });
    expect(cache.entries.size).toBe(before);
  });
});

test('a cache service that is down costs warnings, not the build', async () => {
  const { report, ports } = await build({ cache: brokenCache });
  expect(report?.cacheHit).toBe('none');
  expect(ports.logger.of('warning').every((line) => line.includes('503 Service Unavailable'))).toBe(true);
  expect(ports.logger.of('warning').length).toBeGreaterThan(0);
});

test('upload: false uploads nothing', async () => {
  const { report, ports } = await build({ request: { layers: [{ upload: 'false' }] } });
  expect(report?.artifacts).toEqual([]);
  expect(ports.artifacts.uploads).toEqual([]);
});

describe('debug files', () => {
  test('debug: true makes a third tarball, which is summed, listed, cached and uploaded like the others', async () => {
    const cache = memoryCache();
    const { report, ports, process } = await build({ cache, request: { layers: [{ debug: 'true' }] } });
    const name = `${target}-debug.tar.gz`;
    const files = await readFiles(report?.outputDir ?? '');
    expect(files[name]).toContain(`tarball of ${[...debugFolders].sort().join(' ')} of ${slurmPrefix}`);
    expect(report?.described.map((file) => file.name)).toContain(name);
    expect(await verifySums(report?.outputDir ?? '', `${target}-SHA256SUMS`)).toContain(name);
    const manifest = manifestSchema.parse(JSON.parse(files[`${target}-manifest.json`] ?? ''));
    expect(manifest.files.map((file) => file.name)).toContain(name);
    expect(resultsIn(cache)).toContain(name);
    expect(ports.artifacts.uploads.map((upload) => upload.name)).toContain(name);
    // They lie beside the programs, and must not be in the software tarball too.
    const software = process.calls.find(({ options }) =>
      /-software\.tar\.gz$/.test(options.stdoutFile ?? ''),
    );
    expect(software?.command).toContain(packedTree);
    const second = await build({ cache, request: { layers: [{ debug: 'true' }] } });
    expect(second.report?.cacheHit).toBe('result');
    expect(await exists(join(second.report?.outputDir ?? '', name))).toBe(true);
  });

  test('without it nothing is looked for', async () => {
    const { report, process } = await build();
    expect(process.lines.some((line) => / find .*-type d/.test(line))).toBe(false);
    expect(report?.described.map((file) => file.name)).not.toContain(`${target}-debug.tar.gz`);
  });

  test('a build that left none is told', async () => {
    const script: MachineScript = { answer: (words) => (words[0] === 'find' ? {} : undefined) };
    const { error } = await build({ script, request: { layers: [{ debug: 'true' }] } });
    expect(error).toBeInstanceOf(errors.PackagingError);
    expect(String(error)).toContain('no debug files');
  });
});

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

describe('signing', () => {
  const layers = [{ 'gpg-private-key': signingKey.armored, 'gpg-passphrase': signingKey.passphrase }];
  const signed = ['SHA256SUMS', 'modules.tar.gz', 'software.tar.gz'].map((end) => `${target}-${end}.asc`);
  const added = [...signed, `${target}-signing-key.asc`].sort();

  test('hands out signatures and the public key, and none of them is in the cached result', async () => {
    const cache = memoryCache();
    const { report, ports } = await build({ cache, request: { layers } });
    const files = await readFiles(report?.outputDir ?? '');
    expect(Object.keys(files).filter((name) => name.endsWith('.asc'))).toEqual(added);
    expect(files[`${target}-signing-key.asc`]).toBe(signingKey.publicKey);
    expect(report?.described.map((file) => file.name)).toEqual(expect.arrayContaining(added));
    expect(ports.artifacts.uploads.map((upload) => upload.name)).toEqual(expect.arrayContaining(added));
    expect(resultsIn(cache)).toEqual([...Object.values(resultFiles(target)), `${target}-smoke.xml`].sort());
  });

  test('a cached result is signed by each run that asks for it', async () => {
    const cache = memoryCache();
    await build({ cache, request: { layers } });
    const second = await build({ cache, request: { layers } });
    expect(second.report?.cacheHit).toBe('result');
    expect(second.report?.described.map((file) => file.name)).toEqual(expect.arrayContaining(added));
  });

  test('nothing of a build without the key is signed, and nothing that is sealed is of use to one', async () => {
    const cache = memoryCache();
    await build({ cache });
    const open = new Set(cache.entries.keys());
    const second = await build({ cache, request: { layers } });
    expect(second.report).toMatchObject({ cacheHit: 'none', packages: { fromCache: 0 } });
    expect(restored(second.report)).toEqual([]);
    const sealed = [...cache.entries].filter(([key]) => !open.has(key));
    expect(sealed.length).toBe(open.size);
    for (const [key, content] of sealed) {
      expect(key).toMatch(/^slurm-factory-v4-k[0-9a-f]{12}-/);
      expect(content.has('ENTRY.hmac')).toBe(true);
    }
    for (const key of open) cache.entries.delete(key);
    expect(restored((await build({ cache })).report)).toEqual([]);
  });

  test.each(['result', 'lock', 'index', 'ccache', 'package'])(
    'a %s that was forged under the very key of a signing build is not believed',
    async (kind) => {
      const cache = memoryCache();
      await build({ cache, request: { layers } });
      const kept = kind === 'result' ? ['result'] : [kind, ...(kind === 'package' ? ['lock'] : [])];
      for (const [key, content] of cache.entries) {
        const of = key.split('-')[4] ?? '';
        if (!kept.includes(of)) cache.entries.delete(key);
        if (of !== kind) continue;
        // Whoever can write to the cache can make sums that fit, but not the seal.
        for (const name of content.keys()) {
          if (!name.startsWith('ENTRY.')) content.set(name, Buffer.from('forged'));
        }
        const names = [...content.keys()].filter((name) => !name.startsWith('ENTRY.'));
        const sums = names.map((name) => `${sha256('forged')}  ${name}\n`).join('');
        content.set('ENTRY.sha256', Buffer.from(sums));
      }
      const second = await build({ cache, request: { layers } });
      expect(second.error).toBeUndefined();
      expect(second.report?.cacheHit).toBe('none');
      const uses = second.report?.caches.filter((use) => use.kind === kind) ?? [];
      expect(uses.map(({ outcome }) => outcome)).toContain('damaged');
      expect(uses.map(({ outcome }) => outcome)).not.toContain('restored');
      expect(second.ports.logger.of('warning').join()).toContain("its seal is not this build's");
    },
  );

  test('the key goes to gpg alone, by standard input, and is masked; nothing of it is left', async () => {
    const cache = memoryCache();
    const { process, ports, record } = await build({ cache, request: { layers } });
    const secret = /correct horse|lQOYBGVfake/;
    const shown = (call: (typeof process.calls)[number]) =>
      JSON.stringify([call.command, call.options.env, call.options.cwd]);
    expect(process.calls.filter((call) => secret.test(shown(call)))).toEqual([]);
    const fed = process.calls.filter((call) => secret.test(call.options.input ?? ''));
    expect(new Set(fed.map((call) => call.command[0]))).toEqual(new Set(['gpg']));
    expect(ports.logger.of('mask')).toEqual(
      expect.arrayContaining([signingKey.armored.trim(), signingKey.passphrase]),
    );
    const told = ports.logger.log.filter((line) => line.level !== 'mask');
    expect(JSON.stringify([told, record])).not.toMatch(secret);
    const saved = [...cache.entries.values()].flatMap((content) => [...content.values()].map(String));
    expect(saved.filter((text) => secret.test(text))).toEqual([]);
    expect(keyringIn(record)).toMatch(/slurm-factory-gpg-/);
    expect(await exists(keyringIn(record) ?? '')).toBe(false);
  });

  test('without a key gpg is not asked', async () => {
    const { process, ports } = await build();
    expect(process.lines.filter((line) => line.startsWith('gpg'))).toEqual([]);
    expect(ports.logger.of('mask')).toEqual([]);
  });

  test('a key that can not sign fails the build with 5, and nothing is uploaded', async () => {
    const script: MachineScript = {
      answer: (words) => (words.includes('--detach-sign') ? { exitCode: 2, stderr: 'gpg: no' } : undefined),
    };
    const { error, ports } = await build({ script, request: { layers } });
    expect(error).toBeInstanceOf(errors.SigningError);
    expect(errors.exitCodeOf(error)).toBe(5);
    expect(ports.artifacts.uploads).toEqual([]);
  });
});

describe('build provenance', () => {
  type Files = Parameters<NonNullable<Ports['attest']>>[0];

  test('is asked for by name and sum of all that is handed out', async () => {
    const asked: Files[] = [];
    const layers = [{ 'gpg-private-key': signingKey.armored }];
    const { report, ports } = await build({
      request: { layers },
      attest: async (files) => {
        asked.push(files);
      },
    });
    expect(asked).toEqual([report?.described.map(({ name, sha256 }) => ({ name, sha256 }))]);
    expect(asked[0]).toHaveLength(11);
    for (const { sha256 } of asked[0] ?? []) expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(ports.artifacts.uploads.length).toBeGreaterThan(0);
  });

  test('is asked for a cached result too, and never for a build that failed', async () => {
    const cache = memoryCache();
    const asked: Files[] = [];
    const attest = async (files: Files) => void asked.push(files);
    const script: MachineScript = { check: () => ({ status: 'failed', detail: 'no' }) };
    await build({ cache, attest, script });
    expect(asked).toEqual([]);
    const request = { layers: [{ 'cache-secret': 'a secret of thirty-two characters' }] };
    const first = await build({ cache, attest, request });
    const second = await build({ cache, attest, request });
    expect(second.report?.cacheHit).toBe('result');
    expect(asked.map((files) => files.map((file) => file.name).sort())).toEqual(
      [first, second].map(({ report }) => report?.described.map((file) => file.name).sort()),
    );
  });

  test('is not made of what came from a cache that no secret guards, and the notice says so', async () => {
    const cache = memoryCache();
    const asked: Files[] = [];
    const attest = async (files: Files) => void asked.push(files);
    await build({ cache, attest });
    expect(asked).toHaveLength(1);
    const second = await build({ cache, attest });
    expect(second.report?.cacheHit).toBe('result');
    expect(asked).toHaveLength(1);
    expect(second.ports.logger.of('notice')).toEqual([
      expect.stringMatching(/^No build provenance: .*-open-result-.*cache-secret/),
    ]);
  });
});

describe('a release', () => {
  const trigger = { event: 'release', ref: 'refs/tags/v1', fromFork: false };

  test('without a secret reads no cache, and says so', async () => {
    const cache = memoryCache();
    await build({ cache });
    const { report, ports } = await build({ cache, request: { trigger } });
    expect(report?.cacheHit).toBe('none');
    expect(restored(report)).toEqual([]);
    expect(ports.logger.of('notice')).toEqual([expect.stringMatching(/not read for a tag or a release/)]);
  });

  test('with a secret is served with what builds with the same secret saved', async () => {
    const cache = memoryCache();
    const layers = [{ 'cache-secret': 'a secret of thirty-two characters' }];
    await build({ cache, request: { layers } });
    expect((await build({ cache, request: { layers, trigger } })).report?.cacheHit).toBe('result');
    const other = [{ 'cache-secret': 'another secret of 32 characters!' }];
    expect((await build({ cache, request: { layers: other, trigger } })).report?.cacheHit).toBe('none');
  });
});

describe('what goes wrong', () => {
  const failing = (
    part: string,
    answer: { exitCode: number; stdout?: string; stderr?: string },
  ): MachineScript => ({
    answer: (words) => (words.join(' ').includes(part) ? answer : undefined),
  });

  test.each<[string, MachineScript, new (...args: never[]) => Error, RegExp]>([
    [
      'no Spack to be had',
      failing(' fetch ', { exitCode: 128, stderr: 'fatal: unable to access' }),
      errors.SpackUnreachableError,
      /git\.test.*unable to access/,
    ],
    [
      'a container that does not start',
      failing('run --detach', { exitCode: 125, stderr: 'no space left' }),
      errors.ContainerError,
      /no space left/,
    ],
    [
      'an image that lacks packages',
      failing('dpkg-query', { exitCode: 1, stderr: 'no packages found matching libmunge-dev' }),
      errors.ContainerError,
      /libmunge-dev/,
    ],
    [
      'no solution',
      failing(' concretize', { exitCode: 1, stderr: '==> Error: cannot satisfy munge@99' }),
      errors.ConcretizationError,
      /cannot satisfy munge@99/,
    ],
    [
      'other bytes than expected',
      failing(' install ', { exitCode: 1, stderr: 'ChecksumError: sha256 checksum failed for slurm.tar.gz' }),
      errors.ChecksumError,
      /checksum failed for slurm\.tar\.gz/,
    ],
    [
      'an install that Spack forgot',
      failing(' install ', { exitCode: 0 }),
      errors.PackagingError,
      /its database .* does not/,
    ],
    [
      'a tarball that could not be written',
      failing('--use-compress-program', { exitCode: 2, stderr: 'tar: No space left on device' }),
      errors.PackagingError,
      /No space left on device/,
    ],
    [
      'a library of nobody',
      {
        facts: (facts) => ({
          ...facts,
          systemLibraries: [{ soname: 'libmunge.so.2', path: '/usr/local/lib/libmunge.so.2', package: null }],
        }),
      },
      errors.PackagingError,
      /auth_munge\.so: it needs \/usr\/local\/lib\/libmunge\.so\.2, which belongs to no package/,
    ],
    [
      'an audit that can not be done',
      failing('elf_inventory', { exitCode: 1, stderr: 'Traceback\nMemoryError' }),
      errors.PackagingError,
      /could not be audited: MemoryError/,
    ],
    [
      'an image for the smoke test that can not be made',
      failing('slurm-factory=smoke', { exitCode: 1, stderr: 'E: Unable to locate package lmod' }),
      errors.ContainerError,
      /Unable to locate package lmod/,
    ],
  ])('%s', async (_, script, kind, message) => {
    const { error, report, process, record, ports } = await build({ script });
    expect(report).toBeUndefined();
    expect(error).toBeInstanceOf(kind);
    expect(String(error)).toMatch(message);
    expect(ports.artifacts.uploads.filter((upload) => !upload.name.endsWith('-logs'))).toEqual([]);
    expect(await exists(record?.buildFolder ?? '')).toBe(false);
    const started = process.lines.some((line) => line.startsWith('docker run'));
    expect(process.lines.some((line) => line.startsWith('docker rm'))).toBe(started);
  });

  test('a package that fails: which, in which phase, and the first line of its log that says why', async () => {
    const script: MachineScript = {
      answer: async (words, folders) => {
        if (!words.includes('install')) return undefined;
        await writeFiles(folders['stage'] ?? '', {
          'builder/spack-stage-slurm-1-sss/spack-build-out.txt':
            'checking...\nconfigure: error: no munge\nmake: no\n',
        });
        const log = '/opt/slurm-factory/stage/builder/spack-stage-slurm-1-sss/spack-build-out.txt';
        const lines = [
          '[ ] sssssss slurm@24-11-6-1 configure (3s)',
          `[x] sssssss slurm@24-11-6-1 failed: ${log} (4s)`,
        ];
        return { exitCode: 1, stdout: lines.join('\n'), stderr: '==> Error: slurm was not installed' };
      },
    };
    const { error, ports } = await build({ script });
    expect(error).toBeInstanceOf(errors.PackageBuildError);
    expect((error as errors.PackageBuildError).failure).toMatchObject({
      package: 'slurm@24-11-6-1',
      phase: 'configure',
      firstError: 'configure: error: no munge',
    });
    const [logs] = ports.artifacts.uploads;
    expect(logs?.name).toBe('slurm-24.11.6-bookworm-amd64-logs');
    // The name that the error tells is a name among the logs that are kept.
    const named = (error as errors.PackageBuildError).failure.log ?? '';
    expect(logs?.files[named]).toContain('configure: error: no munge');
  });

  test('after a failure the next build takes up what was finished', async () => {
    const cache = memoryCache();
    const script: MachineScript = {
      answer: (words) => (words.includes('install') ? { exitCode: 1, stderr: '==> Error: no' } : undefined),
    };
    await build({ cache, script });
    const second = await build({ cache });
    expect(spackVerbs(second.process.lines)).toEqual(['install']);
    expect(second.report?.cacheHit).toBe('none');
  });
});

describe('the network', () => {
  const proxy = { https_proxy: 'http://me:secret@proxy:3128' };
  const starts = (lines: readonly string[]) =>
    lines.filter((line) => /^docker run --detach .* --label slurm-factory=(build|fetch) /.test(line));

  test('is for what fetches, and gone with it before anything is built', async () => {
    const { process, record } = await build({ request: { host: host({ proxy }) } });
    const [building, fetching, ...others] = starts(process.lines);
    expect(others).toEqual([]);
    expect(building).toContain(' --network none ');
    expect(building).not.toContain('https_proxy ');
    expect(fetching).not.toContain(' --network ');
    expect(fetching).toMatch(/--name \S+-fetch .* --env https_proxy /);
    const at = (part: RegExp) => process.lines.findIndex((line) => part.test(line));
    const order = [/ concretize /, / fetch \//, /^docker rm \S+ \S+ \S+-fetch$/, / install /].map(at);
    expect(order).not.toContain(-1);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(containerIn(record, 'fetch')).toBeUndefined();
    const ours = process.lines.filter((line) => !line.includes('slurm-factory/smoke'));
    expect(ours.join('\n')).not.toContain('secret');
  });

  test('is not asked for where everything is in the cache', async () => {
    const cache = memoryCache();
    await build({ cache });
    for (const key of [...cache.entries.keys()]) if (key.includes('-result-')) cache.entries.delete(key);
    const { process, report } = await build({ cache });
    expect(report?.cacheHit).toBe('build-cache');
    expect(starts(process.lines)).toHaveLength(1);
  });

  test.each<[string, string, new (...args: never[]) => Error, RegExp]>([
    [
      'that is not there: the package and the last address',
      `==> Error: All fetchers failed for spack-stage-slurm-1-${hashes.slurm}\n    https://a.test: 404\n    https://b.test: 503`,
      errors.PackageBuildError,
      /^PackageBuildError: slurm@24-11-6-1 failed in phase fetch: All fetchers failed .* https:\/\/b\.test: 503$/,
    ],
    [
      'with other bytes: as such',
      '==> Error: sha256 checksum failed for /stage/slurm.tar.gz\nExpected aa but got bb',
      errors.ChecksumError,
      /sha256 is not the expected one: .*slurm\.tar\.gz/,
    ],
  ])('a source %s', async (_, stderr, kind, message) => {
    const script: MachineScript = {
      answer: (words) =>
        words.includes('fetch') && words[0] !== 'git' ? { exitCode: 1, stderr } : undefined,
    };
    const { error, process } = await build({ script });
    expect(error).toBeInstanceOf(kind);
    expect(String(error)).toMatch(message);
    expect(spackVerbs(process.lines)).toEqual(['concretize']);
    const names = starts(process.lines).map((line) => / --name (\S+)/.exec(line)?.[1]);
    for (const name of names) expect(process.lines).toContain(`docker rm --force --volumes ${name}`);
  });

  test('a cancel while it is there takes its container away, and nothing is built', async () => {
    const controller = new AbortController();
    const script: MachineScript = {
      answer: (words) => {
        if (!words.includes('fetch') || words[0] === 'git') return undefined;
        setImmediate(() => controller.abort());
        return never;
      },
    };
    const { error, process } = await build({ script, signal: controller.signal });
    expect(error).toBeInstanceOf(errors.CancelledError);
    expect(process.lines.some((line) => /^docker rm .*-fetch$/.test(line))).toBe(true);
    expect(spackVerbs(process.lines)).toEqual(['concretize']);
  });

  test('a killed build is known to have had a container with it', async () => {
    const script: MachineScript = {
      answer: (words) => {
        if (words.includes('fetch') && words[0] !== 'git') throw new Error('killed');
        return undefined;
      },
    };
    const { record } = await build({ script });
    expect(containerIn(record, 'fetch')).toMatchObject({
      program: 'docker',
      name: `${containerIn(record, 'build')?.name}-fetch`,
    });
  });
});

describe('links that a build has planted', () => {
  /** A build whose session plants links at a moment, all to one folder of the machine. */
  const planting = async (
    when: (words: readonly string[]) => boolean,
    plant: (folders: Readonly<Record<string, string>>, canaries: string) => Promise<Answer | undefined>,
  ) => {
    const canaries = await temporaryFolder({ file: 'canary', 'folder/index.json': 'canary' });
    const cache = memoryCache();
    const script: MachineScript = {
      answer: (words, folders) => (when(words) ? plant(folders, canaries) : undefined),
    };
    const built = await build({ cache, script });
    // Nothing of the machine was changed, and nothing of it has come out.
    expect(await readFiles(canaries)).toEqual({ file: 'canary', 'folder/index.json': 'canary' });
    const out = [
      ...[...cache.entries.values()].flatMap((content) => [...content.values()].map(String)),
      ...built.ports.artifacts.uploads.map(({ files }) => JSON.stringify(files)),
      ...built.ports.logger.log.map(({ message }) => message),
      String(built.error),
    ];
    expect(out.filter((text) => text.includes('canary'))).toEqual([]);
    return { ...built, cache };
  };

  test('before spack.yaml is written: it is written in their place', async () => {
    const { report } = await planting(
      (words) => words[0] === 'dpkg-query' && !words.join().includes('Architecture'),
      async (folders, canaries) => {
        await symlink(join(canaries, 'file'), join(folders['environment'] ?? '', 'spack.yaml'));
        return undefined;
      },
    );
    expect(report?.cacheHit).toBe('none');
  });

  test('as spack.lock: the build ends', async () => {
    const { error } = await planting(
      (words) => words.includes('concretize'),
      async (folders, canaries) => {
        await symlink(join(canaries, 'file'), join(folders['environment'] ?? '', 'spack.lock'));
        return {};
      },
    );
    expect(String(error)).toContain('spack.lock is a symbolic link');
  });

  test("as Spack's database: the build ends", async () => {
    const { error } = await planting(
      (words) => words.includes('install'),
      async (folders, canaries) => {
        const root = join(folders['store'] ?? '', '__spack_path_placeholder__');
        await mkdir(root, { recursive: true });
        await symlink(join(canaries, 'folder'), join(root, '.spack-db'));
        return {};
      },
    );
    expect(error).toBeInstanceOf(errors.PackagingError);
  });

  test.each([
    ['a path out of the stage', '/opt/slurm-factory/stage/../../../canaries'],
    ['a path of the machine', '/etc/passwd'],
    ['a link in the stage', '/opt/slurm-factory/stage/spack-build-out.txt'],
  ])('as the log of a failure: %s is not read', async (_, log) => {
    const { error } = await planting(
      (words) => words.includes('install'),
      async (folders, canaries) => {
        const stage = folders['stage'] ?? '';
        await symlink(join(canaries, 'file'), join(stage, 'spack-build-out.txt'));
        await symlink(join(canaries, 'file'), join(stage, 'config.log'));
        const told = log.replace('/../../../canaries', `/../${relative(dirname(stage), canaries)}/file`);
        return { exitCode: 1, stdout: `[x] sssssss slurm@24-11-6-1 failed: ${told} (4s)` };
      },
    );
    expect(error).toBeInstanceOf(errors.PackageBuildError);
  });

  test('among the indexes: they stay behind', async () => {
    const { cache } = await planting(
      (words) => words.includes('concretize'),
      async (folders, canaries) => {
        const misc = join(folders['user-cache'] ?? '', 'misc');
        await mkdir(join(misc, 'tags'), { recursive: true });
        await symlink(join(canaries, 'file'), join(misc, 'tags', 'builtin.json'));
        await symlink(join(canaries, 'folder'), join(misc, 'patches'));
        return undefined;
      },
    );
    const index = [...cache.entries].find(([key]) => key.includes('-index-'))?.[1];
    expect([...(index?.keys() ?? [])].sort()).toEqual(['ENTRY.sha256', 'providers/builtin.json']);
  });

  test('as what compilers made and as what was pushed: they stay behind', async () => {
    const { cache } = await planting(
      (words) => words.includes('install'),
      async (folders, canaries) => {
        const place = (name: string) => folders[name] ?? '';
        await symlink(join(canaries, 'folder'), join(place('user-cache'), 'ccache'));
        await symlink(join(canaries, 'folder'), join(place('build-cache'), 'v3'));
        return { exitCode: 1 };
      },
    );
    const kinds = [...cache.entries.keys()].map((key) => readKey(key).kind);
    expect(kinds.sort()).toEqual(['index', 'lock']);
  });

  test('a prefix that is not in the store is none', async () => {
    const { error } = await planting(
      (words) => words.includes('install'),
      async (folders) => {
        const installs = {
          [hashes.slurm]: { path: '/opt/slurm-factory/store/../../../etc', installed: true },
        };
        const database = JSON.stringify({ database: { installs } });
        await writeFiles(folders['store'] ?? '', { '.spack-db/index.json': database });
        return {};
      },
    );
    expect(error).toBeInstanceOf(errors.PackagingError);
  });
});

describe('keepContainer', () => {
  const failing: MachineScript = {
    answer: (words) => (words.includes('install') && words[0] !== 'git' ? { exitCode: 1 } : undefined),
  };

  test('leaves the container and the folder of a failed build, and says how to enter and remove them', async () => {
    const { error, process, request, record, ports } = await build({
      script: failing,
      request: { keepContainer: true },
    });
    expect(error).toBeInstanceOf(errors.PackageBuildError);
    const name = containerIn(record, 'build')?.name;
    expect(process.lines).not.toContain(`docker rm --force --volumes ${name}`);
    expect(process.lines).toContain(`docker rm --force --volumes ${name}-fetch`);
    const started = process.lines.filter((line) => line.startsWith('docker run'));
    expect(started.map((line) => line.includes(' --label slurm-factory.keep=1 '))).toEqual([true, false]);
    expect((await readdir(request.workRoot)).sort()).toEqual([basename(record?.buildFolder ?? ''), 'clones']);
    expect(ports.logger.of('notice').join('\n')).toContain(
      `The container ${name} is kept. Enter it: docker exec -it ${name} bash. ` +
        `Remove it: docker rm --force --volumes ${name} && rm -rf ${record?.buildFolder}`,
    );
  });

  test('with engine none leaves the folder', async () => {
    const { error, request, record, ports } = await build({
      // A session there, and a Spack in it that writes no lock.
      script: { answer: onMachine },
      request: {
        keepContainer: true,
        layers: [{ engine: 'none' }],
        host: host({ os: { id: 'debian', version: '12' } }),
      },
    });
    expect(error).toBeDefined();
    expect(await readdir(request.workRoot)).toContain(basename(record?.buildFolder ?? ''));
    expect(ports.logger.of('notice').join('\n')).toContain(
      `The build's folder is kept: ${record?.buildFolder}`,
    );
  });

  test.each<[string, MachineScript]>([
    ['that succeeds', {}],
    [
      'that could not start its container',
      { answer: (words) => (words[1] === 'run' ? { exitCode: 125 } : undefined) },
    ],
  ])('leaves nothing of a build %s', async (_, script) => {
    const { process, request, record } = await build({ script, request: { keepContainer: true } });
    expect(process.lines).toContain(`docker rm --force --volumes ${containerIn(record, 'build')?.name}`);
    expect(await readdir(request.workRoot)).toEqual(['clones']);
  });

  test('leaves nothing of a build that was cancelled', async () => {
    const controller = new AbortController();
    const script: MachineScript = {
      answer: (words) => {
        if (!words.includes('install')) return undefined;
        setImmediate(() => controller.abort());
        return never;
      },
    };
    const { process, record, request } = await build({
      script,
      signal: controller.signal,
      request: { keepContainer: true },
    });
    expect(process.lines).toContain(`docker rm --force --volumes ${containerIn(record, 'build')?.name}`);
    expect(await readdir(request.workRoot)).toEqual(['clones']);
  });
});

describe('a cancel', () => {
  const is =
    (...wanted: string[]) =>
    (words: readonly string[]) =>
      wanted.every((word) => words.includes(word));

  test.each<[string, (words: readonly string[]) => boolean]>([
    ['an engine is looked for', is('docker', 'version')],
    ['a ref is asked for', is('git', 'ls-remote')],
    ['Spack is fetched', is('git', 'fetch')],
    ['an image is looked for', is('docker', 'image')],
    ['the container starts', is('docker', 'run')],
    ['Spack concretizes', is('concretize')],
    ['Spack fetches', (words) => words[0] !== 'git' && words.includes('fetch')],
    ['Spack installs', is('install')],
    ['a tarball is made', (words) => words.some((word) => word.startsWith('--transform='))],
    ['it is audited', (words) => words[2]?.includes('# elf_inventory.py') === true],
    ['it is tested', is('--checks')],
    ['it is signed', is('gpg', '--detach-sign')],
  ])(
    'while %s reaches the process, and the containers go',
    async (_, waits) => {
      const controller = new AbortController();
      const script: MachineScript = {
        answer: (words) => {
          if (!waits(words)) return undefined;
          setImmediate(() => controller.abort());
          return never;
        },
      };
      const signing = { 'gpg-private-key': signingKey.armored, 'gpg-passphrase': signingKey.passphrase };
      const layers = [signing, waits(['git', 'ls-remote']) ? { 'spack-ref': 'develop' } : {}];
      const { error, process } = await build({ script, signal: controller.signal, request: { layers } });
      expect(error).toBeInstanceOf(errors.CancelledError);
      expect(controller.signal.aborted).toBe(true);
      for (const { command } of process.calls.filter(({ command }) => command[1] === 'run')) {
        const name = command[command.indexOf('--name') + 1];
        expect(process.lines).toContain(`docker rm --force --volumes ${name}`);
      }
    },
    10_000,
  );

  test('while the builder image is made starts no container any more', async () => {
    const controller = new AbortController();
    const script: MachineScript = {
      answer: (words) => {
        if (words.includes('inspect')) controller.abort();
        return undefined;
      },
    };
    const { error, process } = await build({ script, signal: controller.signal });
    expect(error).toBeInstanceOf(errors.CancelledError);
    expect(process.lines.some((line) => line.startsWith('docker run'))).toBe(false);
  });
});
