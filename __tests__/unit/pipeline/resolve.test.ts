import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { InputError, MissingRequirementError, NoEngineError } from '../../../src/base/errors.js';
import { mirrorFolder } from '../../../src/base/folders.js';
import type { Host } from '../../../src/base/host.js';
import { containerOf } from '../../../src/pipeline/confine.js';
import type { Project } from '../../../src/pipeline/project.js';
import { resolveBuild } from '../../../src/pipeline/resolve.js';
import { buildRequest, type RequestChange } from '../../support/build.js';
import {
  fakePorts,
  fakeProcess,
  fakeProject,
  host,
  pins,
  projectToolchain,
  temporaryFolder,
} from '../../support/fakes.js';
import { fakeMachine } from '../../support/machine.js';

const plan = async (change: RequestChange = {}, process = fakeMachine()) =>
  resolveBuild(await buildRequest(change), fakePorts({ process }));

const advisories = [{ ids: ['CVE-2030-1234'], mended: ['24.11.6'], source: '' }];

describe('the content key is the same', () => {
  test.each<[string, () => Promise<RequestChange>]>([
    ['again', async () => ({})],
    ['in another folder', async () => ({ cwd: await temporaryFolder(), workRoot: await temporaryFolder() })],
    ['with other cores', async () => ({ host: host({ cpus: 64 }) })],
    ['with other jobs', async () => ({ layers: [{ jobs: '3' }] })],
    ['for another user', async () => ({ host: host({ uid: 0, gid: 0 }) })],
    [
      'behind a proxy',
      async () => ({ host: host({ proxy: { http_proxy: 'http://p' }, caBundle: '/ca.crt' }) }),
    ],
    ['on another distribution', async () => ({ host: host({ os: { id: 'fedora', version: '44' } }) })],
    ['from a source mirror', async () => ({ layers: [{ 'source-mirror': 'https://mirror.test/' }] })],
    ['with another output folder', async () => ({ layers: [{ 'output-dir': 'elsewhere' }] })],
    ['whatever becomes of the result', async () => ({ layers: [{ upload: 'false', cache: 'false' }] })],
    ['for the release by another name', async () => ({ layers: [{ 'slurm-version': '24.11' }] })],
    ['for the pinned commit by name', async () => ({ layers: [{ 'spack-ref': pins.spack.commit }] })],
    [
      'for another trigger',
      async () => ({ trigger: { event: 'release', ref: 'refs/tags/v1', fromFork: true } }),
    ],
    ['with or without a smoke test', async () => ({ layers: [{ 'smoke-test': 'false' }] })],
    [
      'signed',
      async () => ({
        layers: [{ 'gpg-private-key': '-----BEGIN PGP PRIVATE KEY BLOCK-----', 'gpg-passphrase': 'phrase' }],
      }),
    ],
    ['in another environment', async () => ({ env: { PATH: '/opt/bin', CC: 'clang' } })],
  ])('%s', async (_, change) => {
    const { contentKey } = await plan();
    expect((await plan(await change())).contentKey).toBe(contentKey);
  });

  test('with Podman, and without any engine: a cached result serves both', async () => {
    const podman = fakeProcess((command) =>
      command[0] === 'podman' ? { stdout: '{"Client":{"Version":"4.3.1"}}' } : { exitCode: 127 },
    );
    const nothing = fakeProcess(() => ({ exitCode: 127 }));
    const { contentKey } = await plan();
    expect((await plan({}, podman)).contentKey).toBe(contentKey);
    const without = await plan({}, nothing);
    expect(without.contentKey).toBe(contentKey);
    expect(without.engine).toBeInstanceOf(NoEngineError);
  });
});

describe('the content key changes with', () => {
  const project = (change: Partial<Project>): RequestChange => ({ project: fakeProject(change) });
  const other = projectToolchain();
  const withToolchain = (changed: typeof other, dockerfile = 'FROM scratch\n') =>
    project({ loadToolchain: async () => ({ toolchain: changed, dockerfile }) });
  const digestOf = (changed: string) =>
    project({ digest: async (part) => (part === changed ? 'changed' : `digest of ${part}`) });

  test.each<[string, RequestChange]>([
    ['the release', { layers: [{ 'slurm-version': '24.11.5' }] }],
    ['the GPU', { layers: [{ gpu: 'cuda' }] }],
    ['debug files', { layers: [{ debug: 'true' }] }],
    ['the base image', { layers: [{ 'container-image': 'debian:12' }] }],
    ['the commit of Spack', { layers: [{ 'spack-ref': '3'.repeat(40) }] }],
    ['the commit of the packages', { layers: [{ 'packages-ref': '3'.repeat(40) }] }],
    ['the architecture', { host: host({ arch: 'arm64' }) }],
    ['the pinned Spack', project({ pins: { ...pins, spack: { ...pins.spack, commit: '4'.repeat(40) } } })],
    ['our recipes', digestOf('spack-repo')],
    ['the templates', digestOf('templates')],
    ['the scripts of the session', digestOf('scripts/inside')],
    ['the Dockerfile', withToolchain(other, 'FROM scratch\nRUN true\n')],
    ['the Python modules', project({ requirements: 'clingo==9\n' })],
    ['the pinned base', withToolchain({ ...other, base: { image: 'debian:bookworm', digest: 'sha256:00' } })],
    ['the compiler', withToolchain({ ...other, compiler: { ...other.compiler, version: '13.1.0' } })],
    ['the packages of the image', withToolchain({ ...other, buildPackages: ['make'] })],
    ['the libraries', withToolchain({ ...other, dependencies: other.dependencies.slice(1) })],
  ])('%s', async (_, change) => {
    const { contentKey } = await plan();
    expect((await plan(change)).contentKey).not.toBe(contentKey);
  });

  test('the machine itself, where that builds', async () => {
    const bookworm = host({ os: { id: 'debian', version: '12' } });
    const onMachine = await plan({ host: bookworm, layers: [{ engine: 'none' }] });
    expect(onMachine.engine).toMatchObject({ kind: 'none', version: '' });
    expect(onMachine.contentKey).not.toBe((await plan()).contentKey);
  });
});

describe('the plan', () => {
  test('names the target, and the pins with their addresses', async () => {
    const made = await plan({ layers: [{ gpu: 'true', 'slurm-version': '24.05' }] });
    expect(made.identifier).toBe('slurm-24.05.8-bookworm-amd64-cuda');
    expect(made.pins).toEqual({
      spack: { name: 'spack', url: pins.spack.git, commit: pins.spack.commit },
      packages: { name: 'packages', url: pins.packages.git, commit: pins.packages.commit },
    });
  });

  test('resolves refs that are no commits at the official addresses', async () => {
    const process = fakeMachine({
      answer: (words) =>
        words.includes('ls-remote') ? { stdout: `${'5'.repeat(40)}\trefs/heads/develop\n` } : undefined,
    });
    const made = await plan({ layers: [{ 'spack-ref': 'develop' }] }, process);
    expect(made.pins.spack.commit).toBe('5'.repeat(40));
    expect(process.lines.filter((line) => line.includes('ls-remote'))).toEqual([
      expect.stringContaining(`-- ${pins.spack.git} `),
    ]);
  });

  test.each<[string, Partial<Host>, Record<string, string>, number]>([
    ["the machine's cores", { cpus: 12 }, {}, 12],
    ['what was asked for', { cpus: 12 }, { jobs: '3' }, 3],
  ])('jobs: %s', async (_, machine, layer, jobs) => {
    expect((await plan({ host: host(machine), layers: [layer] })).jobs).toBe(jobs);
  });

  test('takes paths of the inputs from the working folder', async () => {
    const cwd = await temporaryFolder({ 'mirror/file': '' });
    const made = await plan({ cwd, layers: [{ 'output-dir': 'out', 'source-mirror': 'mirror' }] });
    expect(made.outputDir).toBe(join(cwd, 'out'));
    expect(made.hostLayout.sources).toBe(join(cwd, 'mirror'));
    expect((await plan({ cwd, layers: [{ 'output-dir': '/abs/out' }] })).outputDir).toBe('/abs/out');
  });

  test('keeps clones by commit, apart from the folder of the build', async () => {
    const request = await buildRequest();
    const made = await resolveBuild(request, fakePorts({ process: fakeMachine() }));
    expect(made.hostLayout.spack).toBe(join(request.workRoot, 'clones', `spack-${pins.spack.commit}`));
    expect(made.hostLayout.overlay).toBe(request.project.overlay);
    for (const place of ['store', 'buildStage', 'output', 'environment', 'buildCache', 'home'] as const) {
      expect(made.hostLayout[place].startsWith(`${made.buildFolder}/`)).toBe(true);
    }
  });

  test('a release or a fork saves nothing', async () => {
    const fork = { event: 'pull_request', ref: 'refs/pull/1/merge', fromFork: true };
    expect((await plan({ trigger: fork })).policy).toMatchObject({ restore: true, save: false });
  });

  test('two runs of the same build share neither folder nor container', async () => {
    const [one, other] = [await plan({ runId: '1' }), await plan({ runId: '2' })];
    expect(one.contentKey).toBe(other.contentKey);
    expect(one.buildFolder).not.toBe(other.buildFolder);
    expect(containerOf(one.buildFolder)).not.toBe(containerOf(other.buildFolder));
    expect(containerOf(one.buildFolder)).toMatch(/^slurm-factory-build-[0-9a-f]{12}-1$/);
  });
});

describe('refused before anything starts', () => {
  test('a signing key that is none', async () => {
    const attempt = plan({ layers: [{ 'gpg-private-key': 'no key' }] });
    await expect(attempt).rejects.toThrow('gpg-private-key is not a private key');
  });

  test.each(['/no/such/mirror', 'no-such-mirror'])('a local mirror that is not there: %s', async (mirror) => {
    const process = fakeMachine();
    const attempt = plan({ layers: [{ 'source-mirror': mirror }] }, process);
    await expect(attempt).rejects.toThrow(InputError);
    await expect(attempt).rejects.toThrow(`source-mirror: the directory '${mirror}' does not exist`);
    expect(process.calls).toEqual([]);
  });

  test('a release with known vulnerabilities, where that is asked for', async () => {
    const layers = [{ 'deny-vulnerable': 'true', 'slurm-version': '24.11.5' }];
    const attempt = plan({ layers, project: fakeProject({ advisories }) });
    await expect(attempt).rejects.toThrow(InputError);
    await expect(attempt).rejects.toThrow(
      'slurm-version: Slurm 24.11.5 has known vulnerabilities (CVE-2030-1234); mended in 24.11.6.',
    );
    const mended = plan({ layers: [{ 'deny-vulnerable': 'true' }], project: fakeProject({ advisories }) });
    expect((await mended).vulnerability).toBeUndefined();
  });

  test('an architecture that is not built for', async () => {
    await expect(plan({ host: host({ arch: 'riscv64' }) })).rejects.toThrow(/riscv64/);
  });

  test('engine: none on another distribution', async () => {
    await expect(plan({ layers: [{ engine: 'none' }] })).rejects.toThrow(MissingRequirementError);
  });

  test('wrong inputs, all at once', async () => {
    await expect(plan({ layers: [{ jobs: 'x', toolchain: 'y' }] })).rejects.toMatchObject({
      problems: [expect.objectContaining({ input: 'toolchain' }), expect.objectContaining({ input: 'jobs' })],
    });
  });
});

test.each([
  [undefined, undefined],
  ['https://mirror.test/', undefined],
  ['s3://bucket', undefined],
  ['/mnt/mirror', '/mnt/mirror'],
  ['mirror', '/mirror'],
  ['./a://b', '/a:/b'],
  ['file:///mnt/my%20mirror', '/mnt/my mirror'],
  ['FILE:///mnt/mirror', '/mnt/mirror'],
  ['file://localhost/mnt/mirror', '/mnt/mirror'],
])('%s as a folder of this machine: %s', (mirror, folder) => {
  expect(mirror === undefined ? undefined : mirrorFolder(mirror, '/')).toBe(folder);
});

test('a file:// mirror is mounted as a folder is, and missed as one', async () => {
  const folder = await temporaryFolder();
  const mirror = (name: string) => plan({ layers: [{ 'source-mirror': `file://${join(folder, name)}` }] });
  await mkdir(join(folder, 'here'));
  expect((await mirror('here')).hostLayout.sources).toBe(join(folder, 'here'));
  await expect(mirror('gone')).rejects.toThrow(/source-mirror: the directory 'file:.*' does not exist/);
  const elsewhere = plan({ layers: [{ 'source-mirror': 'file://host/mirror' }] });
  await expect(elsewhere).rejects.toThrow(
    /source-mirror: 'file:\/\/host\/mirror' is not a file URL of a folder on this machine/,
  );
});

test('a mirror that is there is taken', async () => {
  const cwd = await temporaryFolder();
  await mkdir(join(cwd, 'it is; here'));
  expect((await plan({ cwd, layers: [{ 'source-mirror': 'it is; here' }] })).hostLayout.sources).toBe(
    join(cwd, 'it is; here'),
  );
});
