import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { imageTag } from '../../src/container/image.js';
import { nodeWeb } from '../../src/local/web.js';
import { openProject } from '../../src/pipeline/project.js';
import { runCli } from '../support/cli.js';
import {
  docker,
  hostArch,
  hostTarget,
  isHere,
  projectRoot,
  sourceMirror,
  temporaryFolder,
  testCache,
} from '../support/prepare.js';
import { builtResult } from '../support/result.js';
import { fittedToolchain } from '../support/toolchains.js';

/** A library of the builder image that the distribution has a security update of: the real archive is asked. */

const version = '24.11.6';
const target = hostTarget(version);
const project = await openProject(projectRoot);
const { dockerfile } = await project.loadToolchain('bookworm', hostArch());
const toolchain = fittedToolchain('bookworm');
const { archive = '', suite } = toolchain.security ?? {};

/** Whether the archive answers; without it there is nothing to see. */
async function archiveAnswers(): Promise<boolean> {
  const signal = new AbortController().signal;
  const limit = { bytes: 1e6, milliseconds: 20_000 };
  return nodeWeb(process.env)
    .get(`${archive}/dists/${suite}/InRelease`, limit, signal)
    .then(
      () => true,
      (error: Error) => {
        process.stderr.write(`skipped, not to be had here: the security archive: ${error.message}\n`);
        return false;
      },
    );
}

const ready = (await isHere('upstream', 'Docker Engine')) && (await archiveAnswers());
const real = ready ? describe : describe.skip;
const minutes = 60_000;

real('a security update of a library that the tarball brings', () => {
  const folder = temporaryFolder('updates');
  const cache = join(folder, 'cache');
  const tag = imageTag({
    toolchain,
    dockerfile,
    requirements: project.requirements,
    containerImage: undefined,
  });
  const kept = `sf-updates-kept:${process.pid}`;
  /** An image in which libgnutls30 is older than it is, by its version and its bytes. */
  const older = '3.7.9-2+deb12u0';
  const library = '/usr/lib/*/libgnutls.so.30';
  let sumOfOlder = '';

  beforeAll(async () => {
    await builtResult(version);
    cpSync(join(testCache, 'build-cache'), cache, { recursive: true });
    for (const name of readdirSync(join(cache, 'entries'))) {
      if (name.includes('-result-')) rmSync(join(cache, 'entries', name), { recursive: true });
    }
    docker('tag', tag, kept);
    const status = `/^Package: libgnutls30$/,/^$/ s/^Version: .*/Version: ${older}/`;
    const made = spawnSync('docker', ['build', '--quiet', '--tag', tag, '-'], {
      encoding: 'utf8',
      input: `FROM ${kept}
USER root
RUN sed -i '${status}' /var/lib/dpkg/status && printf older >> $(readlink -f ${library})
`,
    });
    if (made.status !== 0) throw new Error(made.stderr);
    sumOfOlder = docker('run', '--rm', tag, 'sh', '-c', `sha256sum ${library}`).slice(0, 8);
  }, 10 * minutes);

  // Other tests build with that image.
  afterAll(() => {
    spawnSync('docker', ['tag', kept, tag]);
    spawnSync('docker', ['rmi', kept]);
    rmSync(folder, { recursive: true, force: true });
  });

  async function build(name: string, ...more: string[]) {
    const output = join(folder, name);
    const done = runCli([
      ...['build', version, '--engine', 'docker', '--cache-dir', cache, '--output-dir', output],
      ...['--source-mirror', await sourceMirror([version]), ...more],
    ]);
    expect({ exitCode: done.exitCode, told: done.exitCode === 0 ? '' : done.stderr }).toEqual({
      exitCode: 0,
      told: '',
    });
    const manifest = JSON.parse(readFileSync(join(output, `${target}-manifest.json`), 'utf8'));
    const software = readFileSync(join(output, `${target}-software.tar.gz`));
    return {
      told: done.stderr,
      gnutls: manifest.libraries.find(({ soname }: { soname: string }) => soname === 'libgnutls.so.30'),
      sum: createHash('sha256').update(software).digest('hex'),
    };
  }

  test(
    'is not known without the archive, comes once it is asked, and is kept',
    async () => {
      const without = await build('without', '--security-archive', 'http://127.0.0.1:9/');
      expect(without.told).toMatch(/security updates is not known: http:\/\/127\.0\.0\.1:9\/dists\//);
      expect(without.gnutls).toMatchObject({
        version: older,
        name: expect.stringContaining(sumOfOlder),
      });

      // Only the tree is put together anew: Slurm comes from the build cache.
      const updated = await build('updated');
      expect(updated.told).toMatch(
        /cached result is not used[\s\S]*libgnutls30 3\.7\.9-2\+deb12u0 → 3\.7\.9-2\+deb12u/,
      );
      expect(updated.told).toMatch(
        /Security updates came for what is installed:[\s\S]*libgnutls30 3\.7\.9-2\+deb12u0/,
      );
      expect(updated.told).toMatch(/slurm@\S+: fetching from build cache/);
      expect(updated.gnutls.version).not.toBe(older);
      expect(updated.gnutls.name).not.toContain(sumOfOlder);

      const again = await build('again');
      expect(again.told).not.toContain('Security updates came');
      expect(again.sum).toBe(updated.sum);
    },
    10 * minutes,
  );
});
