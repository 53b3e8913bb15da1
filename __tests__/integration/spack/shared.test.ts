import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { inspectHost } from '../../../src/base/host.js';
import { ensureImage } from '../../../src/container/image.js';
import { containerLayout, layoutBelow, places } from '../../../src/container/layout.js';
import { type Session, startSession } from '../../../src/container/session.js';
import { nodeProcess } from '../../../src/local/process.js';
import { openProject } from '../../../src/pipeline/project.js';
import type { Recorder } from '../../../src/pipeline/record.js';
import type { BuildRequest, ResolvedBuild } from '../../../src/pipeline/resolve.js';
import { resolveShared, type SharedCache, SharedPackages, writeIndex } from '../../../src/pipeline/shared.js';
import { whileShared } from '../../../src/pipeline/sharing.js';
import type { Builder } from '../../../src/pipeline/stages/builder.js';
import { readPrefixes } from '../../../src/pipeline/stages/installed.js';
import { shareInContainer } from '../../../src/pipeline/stages/sharer.js';
import { checkOut } from '../../../src/spack/checkout.js';
import { concretizeCommand, installCommand, type SpackCommand } from '../../../src/spack/commands.js';
import { builtSpecs, parseLock } from '../../../src/spack/lock.js';
import { parseBuildCache } from '../../../src/targets/build-cache.js';
import { fakePorts, recordingLogger } from '../../support/fakes.js';
import { makeSigningKey } from '../../support/gpg.js';
import { hostArch, isHere, projectRoot, temporaryFolder, testCache } from '../../support/prepare.js';
import { type CacheService, registryLogin, startRegistry, startS3 } from '../../support/services/registry.js';
import { makeCertificate, startTroubled, type Troubled } from '../../support/services/troubled.js';
import { fittedToolchain } from '../../support/toolchains.js';

/*
 * Build caches that machines share, with real Spack in real containers, a real registry and a real S3 service. Two
 * packages of a line each stand for Slurm and what it needs.
 */

/** With SLURM_FACTORY_TEST_SHARED=1 all services and all faults: Spack asks one that is busy again and again. */
const all = process.env['SLURM_FACTORY_TEST_SHARED'] === '1';
const isThere = await isHere('Docker Engine', 'upstream', 'docker-registry', 'moto');
const folder = temporaryFolder('shared');
const minutes = 60_000;
const phrase = 'the phrase of the key';
const variables = {
  REGISTRY_USER: registryLogin.user,
  REGISTRY_PASSWORD: registryLogin.password,
  S3_ID: 'AKIATESTS',
  S3_SECRET: 'the-secret-of-s3',
};

const recipe = (name: string, body: string) => `from spack_repo.builtin.build_systems.generic import Package

from spack.package import *


class ${name}(Package):
    """A line of text."""

    homepage = "https://example.org"
    has_code = False
    version("1")
${body}
    def install(self, spec, prefix):
        mkdirp(prefix.share)
        with open(join_path(prefix.share, spec.name), "w") as file:
            file.write(prefix)
`;

let project: Awaited<ReturnType<typeof openProject>>;
let host: Awaited<ReturnType<typeof inspectHost>>;
let image: string;
let registry: CacheService;
let open: CacheService;
let s3: CacheService;
let troubled: Troubled;
let key: string;
/** Where the packages were built. */
let first: Machine | undefined;

interface Machine {
  readonly build: ResolvedBuild;
  readonly session: Session;
}

beforeAll(async () => {
  if (!isThere) return;
  project = await openProject(projectRoot);
  const tls = makeCertificate(join(folder, 'tls'));
  host = await inspectHost({ ...process.env, SSL_CERT_FILE: tls.certificate });
  const { dockerfile } = await project.loadToolchain('bookworm', hostArch());
  const context = join(folder, 'context');
  mkdirSync(context);
  const { requirements } = project;
  const toolchain = fittedToolchain('bookworm');
  const definition = { toolchain, dockerfile, requirements, containerImage: undefined };
  const ports = { process: nodeProcess, logger: recordingLogger() };
  ({ tag: image } = await ensureImage('docker', definition, host, context, ports));
  for (const name of ['spack', 'packages'] as const) {
    const { git, commit } = project.pins[name];
    await checkOut({ url: git, commit }, clone(name), join(folder, 'scratch'), nodeProcess);
  }
  writeRepository(join(folder, 'repository', 'spack_repo', 'tiny'));
  registry = await startRegistry(join(folder, 'registry'));
  open = await startRegistry(join(folder, 'open'), true);
  troubled = await startTroubled(registry.port, tls);
  s3 = await startS3('cache');
  key = makeSigningKey(join(folder, 'gpg'), phrase);
  first = await machine('first');
  await run(first.session, concretizeCommand(first.session));
  await run(first.session, installCommand(first.session, 1));
}, 10 * minutes);

afterAll(async () => {
  await first?.session.stop();
  for (const service of [troubled, registry, open, s3]) await service?.close();
  rmSync(folder, { recursive: true, force: true });
});

const clone = (name: 'spack' | 'packages'): string =>
  join(testCache, 'build-cache', 'clones', `${name}-${project.pins[name].commit}`);

async function run(session: Session, { command, env }: SpackCommand): Promise<void> {
  const done = await session.exec(command, { env });
  if (done.exitCode !== 0) throw new Error(done.stdout + done.stderr);
}

function writeRepository(at: string): void {
  for (const [name, body] of [
    ['Greeting', ''],
    ['Slurm', '    depends_on("greeting", type=("link", "run"))\n'],
  ] as const) {
    const place = join(at, 'packages', name.toLowerCase());
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'package.py'), recipe(name, body));
  }
  writeFileSync(join(at, 'repo.yaml'), 'repo:\n  namespace: tiny\n  api: v2.0\n');
}

/** A machine with nothing installed, and the lock of the two packages once the first one has made it. */
async function machine(name: string): Promise<Machine> {
  const buildFolder = join(folder, name);
  const overlay = join(folder, 'repository');
  const hostLayout = {
    ...layoutBelow(buildFolder),
    spack: clone('spack'),
    recipes: clone('packages'),
    overlay,
  };
  for (const place of places) mkdirSync(hostLayout[place], { recursive: true });
  const environment = {
    specs: ['tiny.slurm'],
    view: false,
    config: {
      install_tree: { root: containerLayout.store, padded_length: 128 },
      build_stage: [containerLayout.buildStage],
      misc_cache: `${containerLayout.userCache}/misc`,
      source_cache: `${containerLayout.userCache}/sources`,
    },
    bootstrap: { enable: false },
    repos: {
      tiny: `${containerLayout.overlay}/spack_repo/tiny`,
      builtin: `${containerLayout.recipes}/repos/spack_repo/builtin`,
    },
    packages: {
      gcc: {
        buildable: false,
        externals: [
          {
            ...{ spec: "gcc@12.2.0 languages:='c'", prefix: '/usr' },
            extra_attributes: { compilers: { c: '/usr/bin/gcc' } },
          },
        ],
      },
    },
  };
  writeFileSync(join(hostLayout.environment, 'spack.yaml'), JSON.stringify({ spack: environment }));
  // What the tests' cache has of Spack's indexes saves it half a minute.
  const { spack, packages } = project.pins;
  const commits = `${spack.commit.slice(0, 12)}-${packages.commit.slice(0, 12)}`;
  const entries = join(testCache, 'build-cache', 'entries');
  const known = existsSync(entries) ? readdirSync(entries) : [];
  const index = known.find((entry) => entry.includes('-index-') && entry.includes(commits));
  if (index !== undefined) {
    cpSync(join(entries, index), join(hostLayout.userCache, 'misc'), { recursive: true });
  }
  if (first !== undefined) {
    const lock = join(first.build.hostLayout.environment, 'spack.lock');
    copyFileSync(lock, join(hostLayout.environment, 'spack.lock'));
  }
  const plan = { program: 'docker' as const, image, kind: 'build' as const, host };
  const ports = fakePorts({ process: nodeProcess, env: { PATH: process.env['PATH'] ?? '' } });
  const session = await startSession(
    { ...plan, name: `slurm-factory-shared-${process.pid}-${name}` },
    hostLayout,
    ports,
  );
  const toolchain = fittedToolchain('bookworm');
  const build = { buildFolder, hostLayout, toolchain, options: {} } as unknown as ResolvedBuild;
  return { build, session };
}

interface Use {
  readonly address: string;
  readonly login?: string;
  readonly endpoint?: string;
  readonly signed?: boolean;
  readonly readOnly?: boolean;
}

function sharedOf({ address, login, endpoint, signed = false, readOnly = false }: Use): SharedCache {
  const [id = '', secret = ''] = login?.split(' ') ?? [];
  const shared = resolveShared(
    {
      buildCache: parseBuildCache(address),
      buildCacheLogin: login === undefined ? undefined : { id, secret },
      buildCacheEndpoint: endpoint,
      cache: readOnly ? 'restore-only' : 'true',
      signing: signed ? { privateKey: key, passphrase: phrase } : undefined,
    },
    {
      trigger: { event: undefined, ref: undefined, fromFork: false },
      cwd: folder,
      variable: (name) => variables[name as keyof typeof variables],
    },
  );
  if (shared === undefined) throw new Error(`${address} is none`);
  return shared;
}

/** Looks, brings what is there, and pushes the rest from where it is installed. */
async function use(at: Machine | undefined, given: Use) {
  if (at === undefined) throw new Error('nothing was built');
  const logger = recordingLogger();
  const shared = sharedOf(given);
  const ports = fakePorts({ process: nodeProcess, logger, env: { PATH: process.env['PATH'] ?? '' } });
  const build = {
    ...at.build,
    options: given.signed ? { signing: { privateKey: key, passphrase: phrase } } : {},
  } as unknown as ResolvedBuild;
  const request = { project, host } as unknown as BuildRequest;
  const startShare = shareInContainer(build, request, { program: 'docker', image, host }, ports);
  const recorder = { addCleanup: () => {}, dropContainer: () => {} } as unknown as Recorder;
  const builder = { startShare } as unknown as Builder;
  const work = { build, shared, builder, recorder, ports };
  const lock = parseLock(readFileSync(join(at.build.hostLayout.environment, 'spack.lock'), 'utf8'));
  const wanted = builtSpecs(lock);
  const before = await readPrefixes(at.build, containerLayout);
  await whileShared({ ...work, locked: true }, async (sharer) => {
    const packages = new SharedPackages(shared, sharer, logger, new AbortController().signal, async () =>
      before.keys(),
    );
    await packages.bring(wanted, [...before.keys()]);
    for (const hash of before.keys()) packages.installed(hash.slice(0, 7));
    await packages.settled();
  });
  const installed = await readPrefixes(at.build, containerLayout);
  const index = async () => {
    let fault: unknown;
    await whileShared({ ...work, locked: false }, async (sharer) => {
      fault = await writeIndex(shared, sharer, logger);
    });
    return fault;
  };
  const said = logger.log.flatMap(({ level, message }) => (level === 'mask' ? [] : [message])).join('\n');
  return { warnings: logger.of('warning'), infos: logger.of('info'), installed, index, said };
}

let machines = 0;
/** What a new machine gets out of a build cache. */
async function fresh(given: Use) {
  machines += 1;
  const second = await machine(`fresh-${machines}`);
  try {
    return await use(second, given);
  } finally {
    await second.session.stop();
  }
}

const services: [string, () => Use][] = [
  [
    'a registry',
    () => ({
      address: `oci://127.0.0.1:${troubled.port}/Site/cache`,
      login: 'REGISTRY_USER REGISTRY_PASSWORD',
    }),
  ],
  ['a registry without TLS and login', () => ({ address: `oci+http://localhost:${open.port}/cache` })],
  [
    'S3',
    () => ({
      address: 's3://cache/some/prefix',
      endpoint: `http://127.0.0.1:${s3.port}`,
      login: 'S3_ID S3_SECRET',
    }),
  ],
  ['S3, signed', () => ({ ...(services[2]?.[1]() as Use), address: 's3://cache/signed', signed: true })],
  ['a folder', () => ({ address: 'a folder' })],
  ['a folder, signed', () => ({ address: 'another', signed: true })],
];

const few = ['a registry', 'S3', 'a folder, signed'];
const tried = services.filter(([name]) => all || few.includes(name));

(isThere ? describe : describe.skip).each(tried)('%s', (_, given) => {
  test(
    'takes what was built, gives it to another machine, and has an index',
    async () => {
      const pushed = await use(first, given());
      expect(pushed.warnings).toEqual([]);
      expect(pushed.infos.at(-1)).toContain('2 packages were pushed');
      const again = await use(first, given());
      expect(again.infos.join('\n')).toContain('2 of 2 packages are in the build cache');
      expect(again.infos.join('\n')).not.toContain('pushed');
      const second = await fresh({ ...given(), readOnly: true });
      expect(second.warnings).toEqual([]);
      expect([...second.installed.keys()].sort()).toEqual([...pushed.installed.keys()].sort());
      expect(await pushed.index()).toBeUndefined();
      for (const value of [variables.REGISTRY_PASSWORD, variables.S3_SECRET, phrase]) {
        expect(pushed.said + second.said).not.toContain(value);
      }
    },
    3 * minutes,
  );
});

(isThere ? describe : describe.skip)('trust', () => {
  test(
    'what another key or none has signed is not taken',
    async () => {
      const open = { address: 'open folder' };
      expect((await use(first, open)).warnings).toEqual([]);
      const second = await fresh({ ...open, signed: true, readOnly: true });
      expect(second.installed.size).toBe(0);
      expect(second.warnings).toHaveLength(1);
    },
    2 * minutes,
  );

  test(
    'a folder that is only read stays as it is',
    async () => {
      const read = await fresh({ address: 'empty folder', readOnly: true });
      expect(read.warnings).toEqual([]);
      expect(readdirSync(join(folder, 'empty folder'))).toEqual([]);
    },
    2 * minutes,
  );
});

(isThere ? describe : describe.skip)('faults', () => {
  const given = (name: string): Use => ({
    address: `oci://127.0.0.1:${troubled.port}/site/${name}`,
    login: 'REGISTRY_USER REGISTRY_PASSWORD',
  });

  const faults: [string, Troubled['trouble'], RegExp][] = [
    ['403', { status: 403 }, /is not used: its login may not do that \(403\)/],
    ['429', { status: 429 }, /is not used: it was asked too often \(429\)/],
    ['503', { status: 503 }, /is not used: it is broken or busy \(503\)/],
    ['403 for writes', { status: 403, writes: true }, /did not take all packages.*\(403\)/],
    ['death in mid-push', { diesAfter: 40 }, /did not take all packages/],
  ];
  const quick = ['403', 'death in mid-push'];

  test.each(faults.filter(([name]) => all || quick.includes(name)))(
    '%s is one warning',
    async (name, trouble, expected) => {
      troubled.trouble = trouble;
      const used = await use(first, given(name.replaceAll(/\W+/g, '-').toLowerCase()));
      expect(used.warnings).toHaveLength(1);
      expect(used.warnings[0]).toMatch(expected);
      if (!expected.source.includes('take')) return;
      // Nothing of a package is there that broke off.
      troubled.trouble = 'none';
      const second = await fresh({ ...given(name.replaceAll(/\W+/g, '-').toLowerCase()), readOnly: true });
      expect(second.installed.size).toBe(0);
      expect(second.warnings).toEqual([]);
    },
    5 * minutes,
  );

  test(
    'a wrong password is told, and is in no log',
    async () => {
      troubled.trouble = 'none';
      const used = await use(first, { ...given('wrong'), login: 'REGISTRY_USER S3_SECRET' });
      expect(used.warnings).toEqual([
        expect.stringMatching(/is not used: it wants a login, or does not know this one/),
      ]);
      expect(used.said).not.toContain(variables.S3_SECRET);
    },
    2 * minutes,
  );

  test(
    'S3 without its bucket says so',
    async () => {
      const used = await use(first, { ...(services[2]?.[1]() as Use), address: 's3://nowhere/x' });
      expect(used.warnings).toEqual([expect.stringMatching(/there is no such place \(404\)/)]);
    },
    2 * minutes,
  );

  if (!all) return;

  test(
    'one that is down, and one that is silent',
    async () => {
      const gone = await startTroubled(registry.port);
      await gone.close();
      const used = await use(first, {
        ...given('down'),
        address: `oci://127.0.0.1:${gone.port}/site/down`,
      });
      expect(used.warnings).toEqual([expect.stringMatching(/does not answer.*refused/i)]);
      troubled.trouble = 'silent';
      const silent = await use(first, given('silent'));
      expect(silent.warnings).toEqual([expect.stringMatching(/does not answer.*(timed out|too long)/i)]);
    },
    5 * minutes,
  );
});
