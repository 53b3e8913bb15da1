import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Watch, watchedPath, watchPrograms } from '../support/canary.js';
import { type CliRun, runCliBeside } from '../support/cli.js';
import { readFiles } from '../support/fakes.js';
import { isHere, sourceMirror, temporaryFolder } from '../support/prepare.js';
import { buildCacheFolder, builtResult } from '../support/result.js';
import { type CacheService, registryLogin, startRegistry, tagsIn } from '../support/services/registry.js';
import {
  type Certificate,
  makeCertificate,
  startTroubled,
  type Troubled,
  trusting,
} from '../support/services/troubled.js';

/** Machines that share nothing but a registry: what one has built, the other one installs. */

const version = '24.11.6';
const reference = (await isHere('docker-registry')) ? await builtResult(version) : undefined;
const folder = temporaryFolder('build-cache');
const minutes = 60_000;
let registry: CacheService;
let front: Troubled;
let tls: Certificate;
let authorities: string;
let watch: Watch;
let mirror: string;

beforeAll(async () => {
  if (reference === undefined) return;
  mirror = await sourceMirror([version]);
  registry = await startRegistry(join(folder, 'registry'));
  tls = makeCertificate(join(folder, 'tls'));
  front = await startTroubled(registry.port, tls);
  authorities = trusting(tls, folder);
  watch = watchPrograms(join(folder, 'watch'), ['docker']);
});

afterAll(async () => {
  await front?.close();
  await registry?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A machine of its own, with what the tests' cache has of some kinds. */
function machine(name: string, kinds: readonly string[]): string {
  const cache = join(folder, name);
  mkdirSync(join(cache, 'entries'), { recursive: true, mode: 0o700 });
  for (const entry of readdirSync(join(buildCacheFolder, 'entries'))) {
    if (!kinds.some((kind) => entry.includes(`-${kind}-`))) continue;
    cpSync(join(buildCacheFolder, 'entries', entry), join(cache, 'entries', entry), { recursive: true });
  }
  // Clones are no caches.
  cpSync(join(buildCacheFolder, 'clones'), join(cache, 'clones'), { recursive: true });
  return cache;
}

const shared = () => `oci://localhost:${front.port}/Site/Slurm-Cache`;
const login = ['--build-cache-login', 'CACHE_USER CACHE_PASSWORD'];
const variables = { CACHE_USER: registryLogin.user, CACHE_PASSWORD: registryLogin.password };

const build = (name: string, ...more: readonly string[]): Promise<CliRun> =>
  runCliBeside(
    [
      ...['build', version, '--engine', 'docker', '--source-mirror', mirror, '--verbose'],
      ...['--cache-dir', join(folder, name), '--output-dir', join(folder, `${name}-output`)],
      ...['--build-cache', shared(), ...more],
    ],
    { env: { ...variables, PATH: watchedPath(watch), SSL_CERT_FILE: authorities } },
  );

(reference === undefined ? describe.skip : describe)('a registry', () => {
  test(
    'takes what a machine has built',
    async () => {
      machine('first', ['lock', 'package', 'index']);
      const done = await build('first', ...login);
      expect(done).toMatchObject({ exitCode: 0 });
      expect(done.stderr).toContain('0 of 3 packages are in the build cache oci');
      // What only compiles is not brought where nothing is compiled.
      expect(done.stderr).toContain('2 packages were pushed');
      // In no argument and no file; as a variable under the user's name here, and under ours in the container.
      const seen = watch
        .seen()
        .split('\n')
        .filter((line) => line.includes(registryLogin.password));
      expect([...new Set(seen)].sort()).toEqual([
        `CACHE_PASSWORD=${registryLogin.password}`,
        `SLURM_FACTORY_BUILD_CACHE_SECRET=${registryLogin.password}`,
      ]);
      expect(done.stdout + done.stderr).not.toContain(registryLogin.password);
      const kept = { ...(await readFiles(join(folder, 'first', 'records'))) };
      expect(JSON.stringify(kept)).not.toContain(registryLogin.password);
    },
    5 * minutes,
  );

  test(
    'gives it to another one, whose result has the same bytes',
    async () => {
      machine('second', ['lock', 'index']);
      const done = await build(
        'second',
        ...login,
        '--cache',
        'restore-only',
        '--report',
        join(folder, 'report.json'),
      );
      expect(done).toMatchObject({ exitCode: 0 });
      const { packages, cacheHit } = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'));
      expect({ packages, cacheHit }).toMatchObject({
        packages: { fromCache: 2, compiled: 0 },
        cacheHit: 'build-cache',
      });
      const [built, again] = await Promise.all(
        [reference ?? '', join(folder, 'second-output')].map((output) => readFiles(output)),
      );
      const tarball = (name: string) => name.endsWith('.tar.gz');
      expect(Object.keys(again ?? {}).filter(tarball)).not.toEqual([]);
      for (const name of Object.keys(again ?? {}).filter(tarball)) expect(again?.[name]).toBe(built?.[name]);
    },
    5 * minutes,
  );

  test(
    'has an index once somebody writes it, and says what is wrong',
    async () => {
      const index = (words: readonly string[], env: Record<string, string>) =>
        runCliBeside(
          [
            'index',
            '--build-cache',
            shared(),
            '--engine',
            'docker',
            '--cache-dir',
            join(folder, 'second'),
            ...words,
          ],
          { env: { ...env, SSL_CERT_FILE: authorities } },
        );
      const done = await index(login, variables);
      if (done.exitCode !== 0) throw new Error(done.stderr);
      expect(done.stdout).toContain('has an index of its packages');
      expect(await tagsIn(registry, 'site/slurm-cache')).toContain('index.spack');
      const wrong = await index(login, { ...variables, CACHE_PASSWORD: 'wrong' });
      expect(wrong).toMatchObject({ exitCode: 4 });
      expect(wrong.stderr).toMatch(/index of oci.*could not be written: it wants a login/);
      const unset = await index(login, {});
      expect(unset).toMatchObject({ exitCode: 2 });
      expect(unset.stderr).toContain('the variable CACHE_USER is not set');
    },
    5 * minutes,
  );
});
