import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { inspectHost } from '../../src/base/host.js';
import { type GraftPlace, graftRequest, readGraft } from '../../src/bundle/graft.js';
import { distributionCommand } from '../../src/bundle/ingredients.js';
import { ensureImage } from '../../src/container/image.js';
import { parseDistribution, parseVersions } from '../../src/distro/distro.js';
import { distroOf } from '../../src/distro/distros.js';
import { nodeProcess } from '../../src/local/process.js';
import { imageArguments, smokeImage } from '../../src/smoke/plan.js';
import { spackTarget } from '../../src/targets/identifier.js';
import { imagePackages } from '../../src/targets/toolchains.js';
import { auditFacts, recordingLogger, selfContained, writeFiles } from '../support/fakes.js';
import { docker, hostArch, isHere, projectRoot, temporaryFolder } from '../support/prepare.js';
import { epochOf, librariesOf, releaseTag, versionOf, worldFiles, worldTools } from '../support/rpm-world.js';
import { readToolchain, toolchainFile, toolchainIds } from '../support/toolchains.js';

// The toolchains with rpm, with real rpm and dnf, on stand-ins of their packages. Minutes: by
// SLURM_FACTORY_TEST_RPM=1 only.

const real = (await isHere('Docker Engine')) ? describe : describe.skip;
const minutes = 60_000;
const folder = temporaryFolder('rpm');
const tools = `sf-rpm-tools:${process.pid}`;
const ids = toolchainIds.filter((id) => readToolchain(id, hostArch()).packageManager === 'rpm');
const images: string[] = [tools];

afterAll(() => {
  spawnSync('docker', ['rmi', '--force', ...images]);
  rmSync(folder, { recursive: true, force: true });
});

async function makeImage(tag: string, files: Readonly<Record<string, string>>): Promise<void> {
  const context = join(folder, 'context');
  await mkdir(context, { recursive: true });
  await writeFiles(context, files);
  docker('build', '--quiet', '--network', 'host', '--tag', tag, context);
  images.push(tag);
  rmSync(context, { recursive: true });
}

/** Runs a command in a fresh container of an image. */
function inside(image: string, words: readonly string[], ...options: readonly string[]) {
  const done = spawnSync('docker', ['run', '--rm', '--network', 'none', ...options, image, ...words], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  return { exitCode: done.status ?? -1, stdout: done.stdout, stderr: done.stderr };
}

const script = (...names: string[]): string =>
  names.map((name) => readFileSync(join(projectRoot, 'scripts', 'inside', name), 'utf8')).join('\n');

beforeAll(async () => {
  if (real === describe) await makeImage(tools, { Dockerfile: worldTools });
}, 5 * minutes);

real.each(ids)('%s', (id) => {
  const toolchain = readToolchain(id, hostArch());
  const distro = distroOf(toolchain.packageManager);
  const base = `sf-rpm-${id}:${process.pid}`;
  const libraries = librariesOf(toolchain);
  const release = `${releaseTag}${toolchain.os.version}`;
  let builder = '';

  beforeAll(async () => {
    const make = `FROM ${tools}\nCOPY . /world/\nRUN sh /world/make-world.sh\n`;
    await makeImage(base, { ...worldFiles(toolchain), Dockerfile: make });
    const definition = {
      toolchain,
      dockerfile: toolchainFile('rpm.Dockerfile'),
      requirements: toolchainFile('clingo-requirements.txt'),
      containerImage: base,
    };
    const logger = recordingLogger();
    const ports = { process: nodeProcess, logger, env: process.env };
    const context = join(folder, `builder-${id}`);
    const image = await ensureImage(
      'docker',
      definition,
      await inspectHost(process.env),
      context,
      ports,
    ).catch((error: unknown) => {
      throw new Error(logger.of('info').slice(-15).join('\n'), { cause: error });
    });
    builder = image.tag;
    images.push(builder);
  }, 5 * minutes);

  test('has packages in repositories that are off at first', () => {
    const before = inside(base, distro.installCommand(imagePackages(toolchain)));
    expect(before.exitCode).not.toBe(0);
    expect(before.stderr).toMatch(/Unable to find a match: .*ccache.*munge-devel/);
  });

  test('enables them by commands, for a machine', () => {
    const steps = [
      ...distro.enableCommands(toolchain.repositories),
      distro.installCommand(['munge-devel', 'ccache', 'munge']),
      ['rpm', '--query', '--all', '--queryformat', '%{NAME}\\n'],
    ];
    const { exitCode, stdout } = inside(base, [
      'sh',
      '-c',
      steps.map((words) => words.map((word) => `'${word}'`).join(' ')).join(' && '),
    ]);
    expect(exitCode).toBe(0);
    expect(stdout.split('\n')).toEqual(expect.arrayContaining(['munge-devel', 'ccache', 'munge']));
    // It is only recommended.
    expect(stdout).not.toMatch(/^strange-thing$/m);
  });

  test('has a builder image with all of them, found missing before and not after', () => {
    const names = imagePackages(toolchain);
    const queries = distro.installedQueries(names);
    const answers = (image: string) =>
      inside(image, ['sh', '-c', queries.map((words) => `${words.join(' ')}; echo "= $?"`).join('\n')])
        .stdout.split(/^= (\d+)$/m)
        .slice(0, -1);
    const missing = (image: string) => {
      const parts = answers(image);
      const pairs = queries.map((_, index) => ({
        stdout: parts[2 * index] ?? '',
        exitCode: Number(parts[2 * index + 1]),
      }));
      return distro.missingPackages(names, pairs);
    };
    // The small one of the base image is as good to what asks for it.
    expect(missing(base)).toEqual(names.filter((name) => name !== 'libcurl'));
    expect(missing(builder)).toEqual([]);
  });

  test('gives versions to Spack', () => {
    const packages = [...toolchain.dependencies, ...toolchain.tools].map((item) => item.package);
    const { exitCode, stdout } = inside(builder, distro.versionsCommand(packages));
    expect(exitCode).toBe(0);
    expect(Object.fromEntries(parseVersions(stdout))).toEqual(
      Object.fromEntries(packages.map((name) => [name, versionOf(name)])),
    );
  });

  test('tells what is known of its packages', () => {
    const { stdout } = inside(builder, distributionCommand(toolchain, ['libcurl', 'nothing-like-it']));
    const known = parseDistribution(stdout);
    expect(known.get('gcc')).toEqual({
      name: 'gcc',
      version: `${versionOf('gcc')}-${release}`,
      epoch: undefined,
      arch: spackTarget(hostArch()),
      source: `world-1-${release}.src.rpm`,
    });
    expect([...known.keys()]).toEqual(
      expect.arrayContaining(['gcc', 'glibc-devel', 'libcurl', 'munge-devel']),
    );
    const inventory = parseDistribution(inside(builder, distro.inventoryCommand).stdout);
    // A whole libcurl has taken the small one's place.
    expect(inventory.has('libcurl')).toBe(true);
    expect(inventory.has('libcurl-minimal')).toBe(false);
  });

  test('knows the owner of a file, by any of its names', () => {
    const files = [...libraries.values()].map((soname) => `/usr/lib64/${soname}`);
    const ask = `${script('packages.py')}\nimport json, sys\njson.dump(owning_packages(sys.argv[1:], "rpm"), sys.stdout)`;
    const { stdout, stderr } = inside(builder, [
      'python3',
      '-c',
      ask,
      ...files,
      '/usr/bin/env',
      '/no/such/file',
    ]);
    expect({ stderr, owners: JSON.parse(stdout) }).toEqual({
      stderr: '',
      owners: Object.fromEntries([...libraries].map(([name, soname]) => [`/usr/lib64/${soname}`, name])),
    });
  });

  test('brings its libraries into a tree, with their licences', async () => {
    const own = { built: [], sources: [], folders: [] };
    const place: GraftPlace = { tree: '/tree', origin: '/origin', ...own };
    const updates = { outdated: [], folder: undefined };
    const request = graftRequest(place, auditFacts.libraries, selfContained, 'rpm', updates);
    const linked = [...libraries.values()].map((soname) => `/usr/lib64/${soname}`).join(' ');
    // Packages with libraries have the loader's cache renewed by glibc, whose stand-in does not.
    const shell = `ldconfig && mkdir -p /tree/bin /origin
echo 'int main(void) { return 0; }' | gcc -o /tree/bin/sinfo -x c - -x none -Wl,--no-as-needed ${linked} &&
python3 -c "$SCRIPT" "$REQUEST" && find /tree/lib /tree/share ! -type d >&2`;
    const options = [
      '--env',
      `SCRIPT=${script('packages.py', 'elf.py', 'licences.py', 'graft.py')}`,
      '--env',
      `REQUEST=${request}`,
    ];
    const done = inside(builder, ['sh', '-c', shell], ...options);
    const grafted = readGraft(done);
    if ('wanted' in grafted) throw new Error('nothing is outdated here');
    expect(grafted.libraries.map(({ soname, package: owner }) => [owner, soname])).toEqual(
      expect.arrayContaining([...libraries].map((pair) => [...pair])),
    );
    for (const name of libraries.keys())
      expect(done.stderr).toContain(`/tree/share/licenses/${name}/COPYING\n`);
  });

  test(
    "has a smoke test's image",
    () => {
      const image = smokeImage(toolchain, ['libcurl', 'pmix'], base);
      const context = join(folder, `smoke-${id}`);
      const tag = `sf-rpm-smoke-${id}:${process.pid}`;
      images.push(tag);
      return mkdir(context, { recursive: true }).then(async () => {
        await writeFiles(context, { Dockerfile: image.dockerfile });
        const [verb = '', ...words] = imageArguments({ ...image, tag }, base, {}, context);
        docker(verb, '--quiet', ...words);
        const { stdout } = inside(tag, [
          'rpm',
          '--query',
          '--queryformat',
          '%{NAME} %{EPOCHNUM}\\n',
          ...image.packages,
        ]);
        expect(stdout.trim().split('\n')).toEqual(
          image.packages.map((name) => `${name} ${epochOf(name) ?? 0}`),
        );
      });
    },
    minutes,
  );
});
