import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { inspectHost } from '../../src/base/host.js';
import { ensureImage } from '../../src/container/image.js';
import { containerLayout } from '../../src/container/layout.js';
import { parseVersions } from '../../src/distro/distro.js';
import { nodeProcess } from '../../src/local/process.js';
import { openProject } from '../../src/pipeline/project.js';
import { checkOut } from '../../src/spack/checkout.js';
import { renderEnvironment, rootSpec } from '../../src/spack/environment.js';
import { defaultChoice } from '../../src/targets/feature-choice.js';
import { type FeatureSet, featureSets } from '../../src/targets/feature-sets.js';
import { driversOf, hasGpu } from '../../src/targets/gpus.js';
import type { FittedToolchain } from '../../src/targets/toolchains.js';
import { recordingLogger } from '../support/fakes.js';
import { docker, hostArch, isHere, projectRoot, temporaryFolder, testCache } from '../support/prepare.js';
import { fittedToolchain } from '../support/toolchains.js';

/*
 * Each release for each of these distributions, with each kind of GPU and each set of features: the solver finds what
 * we want it to find. The distributions' versions are those of their lists of packages on 2026-11-28.
 */
const ids = ['bookworm', 'trixie', 'bullseye'] as const;
const kinds = ['none', 'cuda', 'rocm', 'all'] as const;
const isThere = await isHere('Docker Engine', 'upstream');
const folder = temporaryFolder('concretize');
const minutes = 60_000;
let image: string;
let project: Awaited<ReturnType<typeof openProject>>;

/** One line of `scripts/concretize_all.py`. */
interface Answer {
  readonly asked: string;
  readonly stands_for: readonly string[];
  readonly seconds: number;
  readonly nodes?: Readonly<Record<string, { readonly version: string; readonly external?: string }>>;
  readonly error?: string;
}

beforeAll(async () => {
  if (!isThere) return;
  project = await openProject(projectRoot);
  const { dockerfile } = await project.loadToolchain('bookworm', hostArch());
  const host = await inspectHost({ ...process.env });
  const { requirements } = project;
  mkdirSync(join(folder, 'context'));
  const definition = {
    toolchain: fittedToolchain('bookworm'),
    dockerfile,
    requirements,
    containerImage: undefined,
  };
  const ports = { process: nodeProcess, logger: recordingLogger() };
  ({ tag: image } = await ensureImage('docker', definition, host, join(folder, 'context'), ports));
  const { spack, packages } = project.pins;
  for (const [name, { git, commit }] of Object.entries({ spack, packages })) {
    const pin = { name: name as 'spack' | 'packages', url: git, commit };
    await checkOut(pin, cloneOf(pin.name), join(testCache, 'build-cache', 'scratch'), nodeProcess);
  }
}, 10 * minutes);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const cloneOf = (name: 'spack' | 'packages'): string =>
  join(testCache, 'build-cache', 'clones', `${name}-${project.pins[name].commit}`);

/** All releases of a set, each with each kind of GPU that the distribution can have. */
function requests(
  id: string,
  base: FeatureSet,
): { readonly toolchain: FittedToolchain; readonly specs: string[] } {
  const fitted = project.releases.map(({ version, spack }) => ({
    ...{ spack, toolchain: fittedToolchain(id, { ...defaultChoice, base }, version) },
  }));
  const specs = fitted.flatMap(({ spack, toolchain }) =>
    kinds
      .filter((gpu) => hasGpu(gpu, toolchain.lacking))
      .map((gpu) => rootSpec({ spackVersion: spack, gpu, debug: false, toolchain })),
  );
  // One environment for all of them: with what any needs.
  const all = fitted.map(({ toolchain }) => toolchain);
  const [one] = all as [FittedToolchain];
  const needed = new Map(all.flatMap(({ dependencies }) => dependencies.map((item) => [item.spec, item])));
  const notBuilt = one.notBuilt.filter((name) => all.every((other) => other.notBuilt.includes(name)));
  return { toolchain: { ...one, dependencies: [...needed.values()], notBuilt }, specs: [...new Set(specs)] };
}

function concretized(id: string, base: FeatureSet): Answer[] {
  const { toolchain, specs } = requests(id, base);
  const environment = mkdtempSync(join(folder, `${id}-${base}-`));
  const versions = parseVersions(
    readFileSync(join(projectRoot, '__tests__', 'support', 'versions', `${id}.txt`), 'utf8'),
  );
  const yaml = renderEnvironment({
    ...{ spackVersion: '24-11-7-1', gpu: 'none', debug: false, arch: hostArch(), toolchain },
    ...{ layout: containerLayout, sourceMirror: undefined },
    versionOf: (item) => versions.get(item.package) ?? '?',
  });
  writeFileSync(join(environment, 'spack.yaml'), yaml);
  writeFileSync(join(environment, 'specs.json'), JSON.stringify(specs));
  const { spack, recipes, overlay, userCache } = containerLayout;
  const mounts = {
    [cloneOf('spack')]: `${spack}:ro`,
    [cloneOf('packages')]: `${recipes}:ro`,
    [join(projectRoot, 'spack-repo')]: `${overlay}:ro`,
    [join(projectRoot, 'scripts')]: '/scripts:ro',
    [environment]: containerLayout.environment,
    // Spack's indexes are made once.
    [join(folder, 'user-cache')]: userCache,
  };
  mkdirSync(join(folder, 'user-cache'), { recursive: true });
  const out = docker(
    ...[
      'run',
      '--rm',
      '--init',
      '--network',
      'none',
      '--name',
      `slurm-factory-concretize-test-${process.pid}`,
    ],
    ...Object.entries(mounts).flatMap(([from, to]) => ['--volume', `${from}:${to}`]),
    ...['--env', 'SPACK_DISABLE_LOCAL_CONFIG=1', '--env', `SPACK_USER_CACHE_PATH=${userCache}`],
    ...['--env', `PYTHONPYCACHEPREFIX=${userCache}/pycache`],
    image,
    ...['/opt/slurm-factory/python/bin/python3', `${spack}/bin/spack`, '--color=never'],
    ...['--env-dir', containerLayout.environment, 'python', '/scripts/concretize_all.py'],
    ...[`${containerLayout.environment}/specs.json`, '2'],
  );
  const answers = out
    .split('\n')
    .flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Answer] : []));
  expect(answers.flatMap((answer) => answer.stands_for).sort()).toEqual([...specs].sort());
  return answers;
}

(isThere ? describe : describe.skip).each(ids)('%s', (id) => {
  test.each(featureSets)(
    '%s',
    (base) => {
      const answers = concretized(id, base);
      expect(answers.filter(({ error }) => error !== undefined)).toEqual([]);
      for (const { asked, nodes = {} } of answers) {
        const built = Object.keys(nodes).filter((name) => nodes[name]?.external === undefined);
        const own = ['slurm', 'compiler-wrapper', 'gcc-runtime', 'glibc', 's2n', 'nvml'];
        expect({ asked, strange: built.filter((name) => !own.includes(name)) }).toEqual({
          asked,
          strange: [],
        });
        const variants = new Set(asked.split(' ').filter((word) => word.startsWith('+')));
        expect({ asked, nvml: 'nvml' in nodes, s2n: 's2n' in nodes }).toEqual({
          ...{ asked, nvml: variants.has('+nvml'), s2n: variants.has('+s2n') },
        });
      }
      // Each release with each kind of GPU that makes a difference there.
      const specs = answers.flatMap(({ stands_for }) => stands_for);
      const differ = new Set(
        kinds.map((gpu) => String(driversOf(gpu, fittedToolchain(id).lacking).map(({ variant }) => variant))),
      );
      expect(specs).toHaveLength(project.releases.length * differ.size);
    },
    15 * minutes,
  );
});

(isThere ? test : test.skip)(
  'the indexes that the project brings are those that Spack has made for this',
  async () => {
    const shipped = await project.shippedIndexes();
    for (const [path, text] of Object.entries(shipped.files)) {
      const made = readFileSync(join(folder, 'user-cache', 'misc', path), 'utf8');
      expect({ path, index: sorted(JSON.parse(made)) }).toEqual({ path, index: sorted(JSON.parse(text)) });
    }
  },
);

/** Spack's lists stand for sets: their order is that of a run. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}
