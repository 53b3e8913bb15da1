import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { selfContainedPath } from '../../src/targets/self-contained.js';
import { runCli } from './cli.js';
import { isHere, projectRoot, sourceMirror, temporaryFolder } from './prepare.js';
import { mirrorArchives, mirrorDownloads } from './sources.js';

/*
 * A tarball with libraries that Spack builds. The tests can have the sources that Debian hands out as their projects
 * made them, byte for byte; what else Slurm links is the distribution's.
 */

/** By SLURM_FACTORY_TEST_SELF_CONTAINED=1 only: it compiles Slurm, for minutes. */
export const testsSelfContained = process.env['SLURM_FACTORY_TEST_SELF_CONTAINED'] === '1';

const pool = 'https://deb.debian.org/debian/pool/main';

/** What Spack builds in the tests. The sums are those of Spack's and our own recipes. */
export const builtPackages = {
  'http-parser': {
    version: '2.9.4',
    url: `${pool}/h/http-parser/http-parser_2.9.4.orig.tar.gz`,
    sha256: '467b9e30fd0979ee301065e70f637d525c28193449e1b13fbcb1b1fab3ad224f',
  },
  lua: {
    version: '5.4.4',
    url: `${pool}/l/lua5.4/lua5.4_5.4.4.orig.tar.gz`,
    sha256: '164c7849653b80ae67bec4b7473b884bf5cc8d2dca05653475ec2ed27b9ebf61',
  },
  lz4: {
    version: '1.10.0',
    url: `${pool}/l/lz4/lz4_1.10.0.orig.tar.gz`,
    sha256: '537512904744b35e232912055ccf8ec66d768639ff3abe5788d90d792ec5f48b',
  },
  numactl: {
    version: '2.0.19',
    url: `${pool}/n/numactl/numactl_2.0.19.orig.tar.gz`,
    sha256: '8b84ffdebfa0d730fb2fc71bb7ec96bb2d38bf76fb67246fde416a68e04125e4',
  },
} as const;

/** And what git hosts serve as archives of tags, with what they need. */
export const builtOfTags = {
  jansson: {
    ...{ version: '2.14', repository: 'https://github.com/akheron/jansson.git', tag: 'v2.14' },
    ...{ prefix: 'jansson-2.14' },
    sha256: 'c739578bf6b764aa0752db9a2fdadcfe921c78f1228c7ec0bb47fa804c55d17b',
  },
  libjwt: {
    ...{ version: '1.15.3', repository: 'https://github.com/benmcollins/libjwt.git', tag: 'v1.15.3' },
    ...{ prefix: 'libjwt-1.15.3' },
    sha256: 'cb2fd95123689e7d209a3a8c060e02f68341c9a5ded524c0cd881a8cd20d711f',
  },
} as const;

export const externals = [
  ...['curl', 'hwloc', 'json-c', 'libyaml', 'mariadb-c-client', 'openssl', 'readline'],
] as const;

/**
 * Builds such a tarball with Docker.
 * @param cacheDir of the build; what is there already is not built again
 * @returns the folder of the files, and the target's name; undefined, with a word, where it can't be built
 */
export async function buildSelfContained(
  version: string,
  cacheDir: string,
  root = projectWithPins(),
): Promise<{ readonly folder: string; readonly target: string } | undefined> {
  if (!(await isHere('upstream', 'Docker Engine'))) return undefined;
  const mirror = await sourceMirror([version]);
  await mirrorDownloads(mirror, Object.values(builtPackages));
  await mirrorArchives(mirror, Object.values(builtOfTags));
  const folder = temporaryFolder('self-contained');
  const done = runCli(
    [
      'build',
      version,
      ...['--engine', 'docker', '--dependencies', 'self-contained', '--externals', externals.join(' ')],
      ...['--source-mirror', mirror, '--cache-dir', cacheDir, '--output-dir', folder],
    ],
    { root },
  );
  if (done.exitCode !== 0) throw new Error(`the build failed:\n${done.stderr.slice(-8000)}`);
  const [manifest = ''] = readdirSync(folder).filter((name) => name.endsWith('-manifest.json'));
  return { folder, target: manifest.replace('-manifest.json', '') };
}

/** A project as ours, but for versions that no source can be had of. */
function projectWithPins(): string {
  const folder = temporaryFolder('project');
  mkdirSync(folder, { recursive: true });
  for (const part of ['dist', 'data', 'spack-repo']) {
    cpSync(join(projectRoot, part), join(folder, part), { recursive: true });
  }
  for (const part of ['toolchains', 'templates', 'scripts']) {
    symlinkSync(join(projectRoot, part), join(folder, part));
  }
  const file = join(folder, selfContainedPath);
  const rules = parse(readFileSync(file, 'utf8'));
  const reason = 'Its source can be had.';
  rules.require.push({ package: 'lua', spec: `@=${builtPackages.lua.version}`, reason });
  writeFileSync(file, stringify(rules));
  return folder;
}
