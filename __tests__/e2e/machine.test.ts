import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { inspectHost } from '../../src/base/host.js';
import { parseSums } from '../../src/bundle/sums.js';
import {
  docker,
  gitConfiguration,
  hostTarget,
  projectRoot,
  sourceMirror,
  temporaryFolder,
} from '../support/prepare.js';
import { builtResult } from '../support/result.js';

const fromDocker = await builtResult('24.11.6');
const e2e = fromDocker === undefined ? test.skip : test;
const minutes = 60_000;
const target = hostTarget('24.11.6');
const folder = temporaryFolder('machine');
let mirror: string;

beforeAll(async () => {
  if (fromDocker !== undefined) mirror = await sourceMirror(['24.11.6']);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a machine behind a proxy with its own certificate authority has. */
async function authorities(): Promise<string[]> {
  const { caBundle: bundle } = await inspectHost(process.env);
  if (bundle === undefined) return [];
  return [
    ...['--mount', `type=bind,source=${bundle},target=/etc/authorities.crt,readonly`],
    ...['--env', 'SSL_CERT_FILE=/etc/authorities.crt'],
  ];
}

/** Mounts that make git find upstream repositories in a container as it does here. */
function gitMounts(): string[] {
  const config = join(folder, 'gitconfig');
  const mount = (source: string, target: string) => [
    '--mount',
    `type=bind,source=${source},target=${target},readonly`,
  ];
  return [...gitConfiguration(config), config].flatMap((path) =>
    mount(path, path === config ? '/etc/gitconfig' : path),
  );
}

e2e(
  'a fresh machine without a container engine installs what it lacks and builds',
  async () => {
    const build = 'node /project/dist/cli/index.js build 24.11.6 --source-mirror /mirror --install-missing';
    const log = docker(
      ...['run', '--rm', '--network', 'host'],
      ...['--mount', `type=bind,source=${projectRoot},target=/project,readonly`],
      ...['--mount', `type=bind,source=${process.execPath},target=/usr/bin/node,readonly`],
      ...['--mount', `type=bind,source=${mirror},target=/mirror,readonly`],
      ...['--mount', `type=bind,source=${folder},target=/out`],
      ...gitMounts(),
      ...(await authorities()),
      'debian:bookworm',
      'sh',
      '-euc',
      `apt-get update -qq && apt-get install -y -qq faketime >/dev/null 2>&1
       cd /out && faketime -f +20h ${build} --report /out/report.json 2>&1`,
    );
    expect(log).toContain('Installing: ');
    const report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'));
    expect(report).toMatchObject({ slurmVersion: '24.11.6', identifier: target, cacheHit: 'none' });
    const output = join(folder, 'slurm-factory-output');
    execFileSync('sha256sum', ['--check', '--strict', `${target}-SHA256SUMS`], { cwd: output });
    const sums = (of: string) =>
      parseSums(readFileSync(join(of, `${target}-SHA256SUMS`), 'utf8')).filter(({ name }) =>
        /-(?:software|modules)\.tar\.gz$|install\.sh$/.test(name),
      );
    // Another folder, another clock of what is not compiled, no container: the same bytes. Manifest and SBOM name the builder, which differs.
    expect(sums(output)).toEqual(sums(fromDocker ?? ''));
  },
  30 * minutes,
);
