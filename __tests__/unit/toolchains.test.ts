import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { distroOf } from '../../src/distro/distros.js';
import { defaultChoice } from '../../src/targets/feature-choice.js';
import { gpuDrivers } from '../../src/targets/gpus.js';
import { archs, formatTarget, readTarget } from '../../src/targets/identifier.js';
import { targetOf } from '../../src/targets/matrix.js';
import { compareVersions } from '../../src/targets/releases.js';
import {
  type FittedToolchain,
  fitToolchain,
  imagePackages,
  oldestGlibc,
  type Toolchain,
} from '../../src/targets/toolchains.js';
import { recipe as known } from '../support/fakes.js';
import { readToolchain, toolchainFile, toolchainFolder, toolchainIds } from '../support/toolchains.js';

// What every folder of toolchains/ has to have. To add one is to add a folder that passes this.

const recipe = readFileSync(
  new URL('../../spack-repo/spack_repo/slurm_factory/packages/slurm/package.py', import.meta.url),
  'utf8',
);
const needed = [...recipe.matchAll(/^ {4}depends_on\("([a-z0-9-]+)[^"]*"(.*)\)$/gm)].map(
  ([, name = '', rest = '']) => ({ name, rest }),
);
/** What the recipe links. */
const linked = needed
  .filter(({ rest }) => !rest.includes('type="build"'))
  // An archive of a recipe of ours, and what that links.
  .map(({ name }) => (name === 's2n' ? 'openssl' : name))
  .sort();
/** Of which GPU plugins want the headers, and no recipe of ours brings them. */
const headers = gpuDrivers
  .filter(({ headerPackage }) => headerPackage === undefined)
  .flatMap(({ variant }) => needed.filter(({ rest }) => rest.includes(`"+${variant}"`)))
  .map(({ name }) => name);

/** How the sonames of each package's libraries begin; null where no file lists one, since they are opened by name. */
const libraryOf: Readonly<Record<string, string | null>> = {
  curl: 'libcurl.so.',
  dbus: 'libdbus-1.so.',
  'http-parser': 'libhttp_parser.so.',
  freeipmi: 'libipmimonitoring.so.',
  gtkplus: 'libgtk-x11-2.0.so.',
  hdf5: 'libhdf5',
  hwloc: 'libhwloc.so.',
  'json-c': 'libjson-c.so.',
  libjwt: 'libjwt.so.',
  librdkafka: 'librdkafka.so.',
  libselinux: 'libselinux.so.',
  libyaml: 'libyaml-0.so.',
  'linux-pam': 'libpam.so.',
  llhttp: 'libllhttp.so.',
  lua: 'liblua',
  lz4: 'liblz4.so.',
  'mariadb-c-client': 'libmariadb.so.',
  munge: 'libmunge.so.',
  numactl: 'libnuma.so.',
  openssl: 'libcrypto.so.',
  perl: null,
  pmix: 'libpmix.so.',
  'rdma-core': 'libibmad.so.',
  readline: 'libreadline.so.',
  rrdtool: 'librrd.so.',
  ucx: null,
};

const glibcsOwn = [
  'ld-linux-aarch64.so.1',
  'ld-linux-x86-64.so.2',
  'libc.so.6',
  'libm.so.6',
  'libresolv.so.2',
];
/** They are libraries of their own until glibc 2.34. */
const glibcsOld = ['libdl.so.2', 'libpthread.so.0', 'librt.so.1', 'libutil.so.1'];

const source = z.string().regex(/^https?:\/\/\S+(, \d{4}-\d\d-\d\d)?$/);
const record = z.strictObject({
  read: z.array(
    z.strictObject({
      from: source,
      names: z.array(z.string()).min(1),
    }),
  ),
  unseen: z.array(z.string()).default([]),
  /** Lists of another architecture, which have all of the names but these. */
  absent: z
    .partialRecord(z.enum(archs), z.strictObject({ from: source, names: z.array(z.string()) }))
    .default({}),
});

/** All packages that a toolchain names. */
const allPackages = (toolchain: Toolchain): string[] => [
  ...new Set([
    ...imagePackages(toolchain),
    ...toolchain.dependencies.flatMap(({ runtime }) => runtime ?? []),
    ...toolchain.repositories.packages,
    ...toolchain.smoke.packages,
    ...toolchain.smoke.unpacked,
  ]),
];

const sorted = (names: readonly string[]): string[] => [...new Set(names)].sort();

test('what the recipe links is known here', () => {
  expect(linked).toEqual(Object.keys(libraryOf).sort());
});

test('each package manager has a Dockerfile that is its own', () => {
  const commands = { dpkg: /\bapt-get install\b/, rpm: /\bdnf install\b/ };
  for (const [manager, own] of Object.entries(commands)) {
    const text = toolchainFile(`${manager}.Dockerfile`);
    for (const [other, command] of Object.entries(commands)) {
      expect({ manager, other, is: command.test(text) }).toEqual({ manager, other, is: command === own });
    }
    for (const name of ['BASE_IMAGE', 'PYTHON', 'PYTHON_PACKAGES', 'PACKAGES']) {
      expect(text).toMatch(new RegExp(`^ARG ${name}$`, 'm'));
    }
  }
});

describe.each(toolchainIds.flatMap((id) => archs.map((arch) => [id, arch] as const)))(
  '%s on %s',
  (id, arch) => {
    const toolchain = readToolchain(id, arch);
    const { compiler, dependencies, tools, lacks, systemLibraries, notBuilt, smoke, repositories } =
      toolchain;
    const distro = distroOf(toolchain.packageManager);

    test('is two files, named by their folder', () => {
      expect(readdirSync(`${toolchainFolder}${id}`).sort()).toEqual(['packages.yaml', 'toolchain.yaml']);
      expect(toolchain.id).toBe(id);
    });

    test('names its targets', () => {
      for (const dependencies of ['system', 'bundled'] as const) {
        const target = targetOf({
          release: { version: '24.11.6' },
          toolchain,
          gpu: 'none',
          dependencies,
          features: defaultChoice,
        });
        expect(readTarget(formatTarget(target), id)).toEqual(target);
      }
    });

    test('has a base image by a tag of its own', () => {
      expect(toolchain.base.image).toMatch(/^[a-z0-9/]+:(?!latest$)[a-z0-9.]+$/);
      expect(toolchain.base.digest ?? `sha256:${'0'.repeat(64)}`).toMatch(/^sha256:[0-9a-f]{64}$/);
    });

    test('has the versions that the audit holds', () => {
      expect(compiler.glibcxx).toMatch(/^3\.4\.\d+$/);
      expect(compareVersions(oldestGlibc(toolchain), compiler.glibc)).toBeLessThanOrEqual(0);
    });

    test('has all that Slurm links, or lacks it', () => {
      expect(sorted([...dependencies.map(({ spec }) => spec), ...lacks])).toEqual(
        sorted([...linked, ...headers]),
      );
      const without = dependencies.filter(({ runtime }) => runtime === undefined);
      expect(without.filter(({ spec }) => !headers.includes(spec))).toEqual([]);
    });

    test('has the library of each dependency among those that a file may need', () => {
      const old = compareVersions(compiler.glibc, '2.34') < 0 ? glibcsOld : [];
      expect(systemLibraries).toEqual(expect.arrayContaining([...glibcsOwn, ...old]));
      for (const { spec } of dependencies.filter((item) => !headers.includes(item.spec))) {
        const start = libraryOf[spec];
        if (start === null) continue;
        expect({ spec, found: systemLibraries.some((soname) => soname.startsWith(start ?? '?')) }).toEqual({
          spec,
          found: true,
        });
      }
      for (const spec of lacks) {
        const start = libraryOf[spec] ?? '?';
        expect(systemLibraries.filter((soname) => soname.startsWith(start))).toEqual([]);
      }
      expect(systemLibraries).toEqual([...new Set(systemLibraries)]);
    });

    test('has build tools and compilers', () => {
      const specs = tools.map(({ spec }) => spec);
      expect(specs).toEqual(sorted(specs));
      expect(specs).toEqual(expect.arrayContaining(['gmake', 'patchelf', 'pkgconf']));
      expect(toolchain.buildPackages).toEqual(sorted(toolchain.buildPackages));
      expect(toolchain.buildPackages).toEqual(expect.arrayContaining(['ccache', 'gcc']));
    });

    test('leaves out what nothing of it is', () => {
      const own = new Set([...dependencies, ...tools].map(({ spec }) => spec));
      expect(notBuilt).toEqual(sorted(notBuilt));
      expect(notBuilt.filter((name) => own.has(name))).toEqual([]);
    });

    test('has a smoke test', () => {
      expect(smoke.packages).toEqual(expect.arrayContaining(['jq', 'munge']));
      expect(distro.unpacks || smoke.unpacked.length === 0).toBe(true);
    });

    test('has what its package manager has', () => {
      const isApt = toolchain.packageManager === 'dpkg';
      expect(repositories.packages.length > 0).toBe(!isApt);
      expect(toolchain.security === undefined).toBe(distro.security === undefined);
      if (toolchain.security !== undefined) {
        expect(toolchain.security).toMatchObject({
          suite: `${id}-security`,
          keyring: expect.stringMatching(/^\/usr\/share\/keyrings\/[a-z-]+\.gpg$/),
        });
      }
    });

    test('has packages that are nothing but names, each of them with where it was read', () => {
      const names = allPackages(toolchain);
      expect(names.filter((name) => !distro.isPackageName(name))).toEqual([]);
      const { read, unseen, absent } = record.parse(parse(toolchainFile(id, 'packages.yaml')));
      const recorded = [...read.flatMap((source) => source.names), ...unseen];
      const missing = absent[arch]?.names ?? [];
      expect(recorded).toEqual(expect.arrayContaining(missing));
      expect(recorded.filter((name) => !missing.includes(name)).sort()).toEqual(names.sort());
    });
  },
);

test('these name their bundled tarballs alike, so that a matrix has one of them', () => {
  const twins: Record<string, string[]> = {};
  for (const id of toolchainIds) {
    const glibc = oldestGlibc(readToolchain(id));
    const ids = toolchainIds.filter((other) => oldestGlibc(readToolchain(other)) === glibc);
    if (ids.length > 1) twins[glibc] = ids;
  }
  expect(twins).toEqual({
    '2.34': ['bookworm', 'rockylinux9'],
    '2.39': ['noble', 'rockylinux10', 'trixie'],
  });
});

test('a package that is taken from the distribution all the same is there, whatever needs it', () => {
  const fitted = (...kept: string[]) =>
    fitToolchain(readToolchain('bookworm'), known, defaultChoice, '26.05.3', kept) as FittedToolchain;
  const has = ({ dependencies, notBuilt }: FittedToolchain) => [
    dependencies.some(({ spec }) => spec === 'openssl'),
    notBuilt.includes('openssl'),
  ];
  expect(has(fitted())).toEqual([false, true]);
  expect(has(fitted('openssl'))).toEqual([true, false]);
});
