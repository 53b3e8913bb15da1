// Lints all Dockerfiles, those of the source too: `node scripts/lint-dockerfiles.mjs HADOLINT`, behind a compile.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { distros } from '../build/src/distro/distros.js';

const [, , hadolint] = process.argv;
const toolchains = resolve(import.meta.dirname, '../toolchains');
const dockerfiles = new Map([
  ...readdirSync(toolchains)
    .filter((name) => name.endsWith('Dockerfile'))
    .map((name) => [name, readFileSync(join(toolchains, name), 'utf8')]),
  ...distros.map(({ packageManager, smokeDockerfile }) => [
    `smoke test with ${packageManager}`,
    smokeDockerfile,
  ]),
]);
// Versions of packages are the archive's: a build takes the newest with its security updates.
const ignored = ['DL3008', 'DL3041'].flatMap((rule) => ['--ignore', rule]);
for (const [name, text] of dockerfiles) {
  const { status, stdout, stderr, error } = spawnSync(hadolint, ['--no-color', ...ignored, '-'], {
    input: text,
    encoding: 'utf8',
  });
  if (status === 0) continue;
  console.error(`${name}\n${stdout}${stderr}${error ?? ''}`);
  process.exitCode = 1;
}
