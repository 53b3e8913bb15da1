// What the measured ways need before they start, counted on none of them: the source mirror, the clones
// and the builder image.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, release as kernel, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';

/** Seconds that a promise's work takes, and what it gives. */
export async function timed(body) {
  const start = performance.now();
  const value = await body();
  return { seconds: (performance.now() - start) / 1000, value };
}

const docker = (...words) =>
  execFileSync('docker', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();

/** What the figures were measured on. */
export function describeMachine() {
  const system = /^PRETTY_NAME="?(.*?)"?$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model,
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    system,
    kernel: kernel(),
    node: process.version,
    // What else is going on: figures of a busy machine say little.
    loadAtStart: loadavg()[0],
    ...describeEngine(),
  };
}

// Start-up can be measured without an engine.
function describeEngine() {
  try {
    return {
      engine: `Docker ${docker('version', '--format', '{{.Server.Version}}')}, ${docker('info', '--format', '{{.Driver}}')}`,
      otherContainers: docker('ps', '--quiet')
        .split('\n')
        .filter((line) => line !== '').length,
    };
  } catch {
    return { engine: undefined, otherContainers: 0 };
  }
}

/** Imports a module of the library, as `npm run build` has compiled it. */
export function libraryOf(root) {
  if (!existsSync(join(root, 'build', 'src'))) throw new Error('build/ is missing: npm run build');
  return (path) => import(join(root, 'build', 'src', path));
}

/** Imports a module of the tests' support, which is compiled first. */
export function supportOf(root) {
  execFileSync(join(root, 'node_modules', '.bin', 'tsc'), ['-p', join(root, 'bench')], { stdio: 'inherit' });
  return (path) => import(join(root, 'build', '__tests__', 'support', path));
}

const readData = (root, name) => JSON.parse(readFileSync(join(root, 'data', name), 'utf8'));

/** The archives that the builds fetch, in a Spack source mirror: what is not there is made from upstream's tags. */
async function fillMirror({ root, support, settings }) {
  const { mirrorArchives } = await support('sources.js');
  const all = Object.values(readData(root, 'slurm-releases.json').releases).flat();
  const wanted = [settings.release, settings.nextRelease].map((version) => {
    const found = all.find((release) => release.version === version);
    if (found === undefined) throw new Error(`there is no release '${version}' in data/slurm-releases.json`);
    return found;
  });
  const wrapper = readData(root, 'pins.json').sources['compiler-wrapper'];
  await mirrorArchives(settings.mirror, [
    ...wanted.map((release) => ({
      repository: 'https://github.com/SchedMD/slurm.git',
      tag: release.tag,
      prefix: `slurm-${release.tag}`,
      sha256: release.archiveSha256,
    })),
    {
      repository: wrapper.git,
      tag: wrapper.tag,
      prefix: `compiler-wrapper-${wrapper.version}`,
      sha256: wrapper.archiveSha256,
    },
  ]);
  return wanted[0];
}

async function planOf({ root, settings, cacheDir, library }) {
  const { inspectHost } = await library('base/host.js');
  const { nodeProcess } = await library('local/process.js');
  const { openProject } = await library('pipeline/project.js');
  const { resolveBuild } = await library('pipeline/resolve.js');
  const { nodeWeb } = await library('local/web.js');
  const host = await inspectHost(process.env);
  const plan = await resolveBuild(
    {
      layers: [
        {
          origin: 'option',
          values: {
            'slurm-version': settings.release,
            toolchain: settings.toolchain,
            engine: 'docker',
            'source-mirror': settings.mirror,
          },
        },
      ],
      project: await openProject(root),
      host,
      cwd: process.cwd(),
      workRoot: cacheDir,
      transfer: join(cacheDir, 'transfer'),
      trigger: { event: undefined, ref: undefined, fromFork: false },
      env: {},
      runId: 'bench',
      installMissing: false,
    },
    { process: nodeProcess, web: nodeWeb({}), signal: new AbortController().signal },
  );
  if (plan.engine instanceof Error) throw plan.engine;
  return { host, plan, nodeProcess };
}

/**
 * Brings all of it.
 * @returns the context with what the measurements use, and `preparation`, how long it took
 */
export async function prepare(context) {
  const { root, work, say } = context;
  say('== source archives, clones and builder image');
  const library = libraryOf(root);
  const support = supportOf(root);
  const mirror = await timed(() => fillMirror({ ...context, support }));
  const planned = await planOf({ ...context, library });
  const { plan, host, nodeProcess } = planned;
  const { checkOut } = await library('spack/checkout.js');
  const { ensureImage } = await library('container/image.js');
  const clones = await timed(() =>
    Promise.all(
      [
        [plan.pins.spack, plan.hostLayout.spack],
        [plan.pins.packages, plan.hostLayout.recipes],
      ].map(([pin, folder]) => checkOut(pin, folder, join(work, 'clones'), nodeProcess)),
    ),
  );
  const logger = { info: say, notice: say };
  const image = await timed(() =>
    ensureImage('docker', plan.image, host, join(work, 'image-context'), { process: nodeProcess, logger }),
  );
  return {
    ...context,
    ...planned,
    library,
    support,
    release: mirror.value,
    image: image.value.tag,
    preparation: {
      sources: mirror.seconds,
      clones: clones.seconds,
      builderImage: { seconds: image.seconds, reused: image.value.reused },
    },
  };
}
