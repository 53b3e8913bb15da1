import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Watch, watchedPath, watchPrograms } from '../support/canary.js';
import { type CliRun, projectWithOwnRecipes, runCli } from '../support/cli.js';
import { makeSigningKey } from '../support/gpg.js';
import { docker, isHere, sourceMirror, temporaryFolder } from '../support/prepare.js';

const canRun = await isHere('upstream', 'Docker Engine');
const e2e = canRun ? test : test.skip;
const minutes = 60_000;
const folder = temporaryFolder('canary');
/** What no process, log, image, cache, artifact or record may hold; each is found by its own word. */
const canary = (name: string): string => `canary-${name}-${randomBytes(8).toString('hex')}`;
const passphrase = canary('passphrase');
const cacheSecret = canary('cache-secret');
const proxyPassword = canary('proxy');
/** Let through to all processes, to show that the watch sees them. */
const witness = canary('witness');
const image = `slurm-factory-test:${randomBytes(4).toString('hex')}`;
let mirror: string;
let privateKey: string;
let watch: Watch;

beforeAll(async () => {
  if (!canRun) return;
  mirror = await sourceMirror(['24.11.6']);
  privateKey = makeSigningKey(join(folder, 'gpg'), passphrase);
  watch = watchPrograms(join(folder, 'watch'), ['docker', 'git', 'gpg', 'gpgconf', 'tar']);
  mkdirSync(join(folder, 'keys'));
  for (const [name, text] of Object.entries({ key: privateKey, passphrase, cacheSecret })) {
    writeFileSync(join(folder, 'keys', name), text, { mode: 0o600 });
  }
  // Another image than any that was built from: nothing of the engine's own cache fits.
  execFileSync('docker', ['build', '--tag', image, '-'], {
    input: `FROM debian:bookworm\nLABEL canary=${image}\n`,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
}, 20 * minutes);

afterAll(() => {
  spawnSync('docker', ['rmi', image]);
  rmSync(folder, { recursive: true, force: true });
});

const secrets = (): string[] => [
  passphrase,
  cacheSecret,
  proxyPassword,
  ...privateKey.split('\n').filter((line) => line.length > 40),
];

/** Builds with every secret there is, and a proxy that answers nobody. */
function build(name: string, words: readonly string[], root?: string): CliRun {
  const proxy = `http://user:${proxyPassword}@127.0.0.1:9`;
  const keys = join(folder, 'keys');
  return runCli(
    [
      ...['build', '24.11.6', '--engine', 'docker', '--source-mirror', mirror],
      ...['--gpg-private-key-file', join(keys, 'key'), '--gpg-passphrase-file', join(keys, 'passphrase')],
      ...['--cache-secret-file', join(keys, 'cacheSecret')],
      ...['--cache-dir', join(folder, name, 'cache'), '--output-dir', join(folder, name, 'out'), '--verbose'],
      ...words,
    ],
    {
      ...(root === undefined ? {} : { root }),
      env: {
        PATH: watchedPath(watch),
        TZ: witness,
        https_proxy: proxy,
        HTTPS_PROXY: proxy,
        http_proxy: proxy,
      },
    },
  );
}

function expectNoSecret(name: string, run: CliRun): void {
  const log = `${run.stdout}${run.stderr}`;
  const seen = watch.seen();
  expect(secrets().filter((secret) => log.includes(secret))).toEqual([]);
  // The folders of cache, output, logs and records, whatever is in them.
  for (const secret of secrets()) {
    const found = spawnSync('grep', ['-raF', '--files-with-matches', '--', secret, join(folder, name)], {
      encoding: 'utf8',
    });
    expect(found.stdout).toBe('');
  }
  expect(seen).toContain(witness);
  const keys = secrets().filter((secret) => secret !== proxyPassword);
  expect(keys.filter((secret) => seen.includes(secret))).toEqual([]);
  const isArgument = seen
    .split('\n')
    .filter((line) => line.includes(proxyPassword) && !/^(?:https?|HTTPS?)_(?:proxy|PROXY)=/.test(line));
  expect(isArgument).toEqual([]);
}

e2e(
  'a recipe and an engine that look around find no secret, nor is one in logs, caches and records',
  () => {
    const root = projectWithOwnRecipes(join(folder, 'project'));
    const recipe = join(root, 'spack-repo', 'spack_repo', 'slurm_factory', 'packages', 'slurm', 'package.py');
    const text = readFileSync(recipe, 'utf8');
    const look = `
    @run_before("configure")
    def look_around(self):
        import glob
        import sys
        for path in glob.glob("/proc/*/environ") + glob.glob("/proc/*/cmdline"):
            try:
                sys.stdout.write("SEEN " + open(path, "rb").read().replace(b"\\0", b" ").decode(errors="replace") + "\\n")
            except OSError as error:
                sys.stdout.write("HIDDEN " + str(error) + "\\n")
        sys.stdout.write("SEEN " + str(dict(os.environ)) + "\\n")
        raise InstallError("looked around")
`;
    const spying = text.replace(/^class Slurm\(.*\n(?: {4}"""(?:.|\n)*?"""\n)?/m, (head) => `${head}${look}`);
    expect(spying).not.toBe(text);
    writeFileSync(recipe, spying);
    const run = build('spied', [], root);
    expect(run.stderr).toContain('looked around');
    expect(run.exitCode).toBe(4);
    const kept = spawnSync('grep', ['-rh', 'SEEN', join(folder, 'spied', 'cache', 'logs')], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    // It has looked: Spack's own variables are there.
    expect(kept.stdout).toContain('SPACK_');
    expectNoSecret('spied', run);
    // Not even the proxy: what compiles has no network.
    expect(kept.stdout).not.toContain('127.0.0.1:9');
  },
  15 * minutes,
);

e2e(
  'a builder image that is made behind a proxy holds no password, nor does the command that makes it',
  () => {
    const run = build('image', ['--container-image', image]);
    // The proxy answers nobody, so no package can be fetched.
    expect(run.exitCode).toBe(3);
    expect(watch.seen()).toContain(`BASE_IMAGE=${image}`);
    expectNoSecret('image', run);
    const images = execFileSync('docker', ['images', '--all', '--quiet', '--no-trunc'], { encoding: 'utf8' });
    for (const id of new Set(images.trim().split('\n'))) {
      const told = docker('image', 'inspect', id) + docker('history', '--no-trunc', id);
      expect(secrets().filter((secret) => told.includes(secret))).toEqual([]);
    }
  },
  10 * minutes,
);
