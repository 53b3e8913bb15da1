// Measures this project against Spack used plainly, in one run, with real Docker and real Spack:
// `node bench/run.mjs [--json FILE] [--release 24.11.6] [--source-mirror DIR]`.
// The figures go to standard output (and to FILE) as JSON, a table to standard error.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, homedir, release as kernel, loadavg, tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { measurePlain } from './plain.mjs';
import { measureStartup } from './startup.mjs';
import { compare, formatTable } from './table.mjs';

const root = resolve(import.meta.dirname, '..');
const tools =
  process.env.SLURM_FACTORY_TEST_TOOLS ??
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'slurm-factory-tests');
const toolchain = 'bookworm';
const say = (text) => process.stderr.write(`${text}\n`);

/** Seconds that a promise's work takes. */
async function timed(body) {
  const start = performance.now();
  const value = await body();
  return { seconds: (performance.now() - start) / 1000, value };
}

/** Runs one side; its figures come with the highest load meanwhile, which shows whether it was alone. */
async function side(name, body) {
  say(`== ${name}`);
  let peakLoad = 0;
  const timer = setInterval(() => {
    peakLoad = Math.max(peakLoad, loadavg()[0]);
  }, 5000);
  try {
    return { ...(await body()), peakLoad };
  } finally {
    clearInterval(timer);
  }
}

function readArguments() {
  const { values } = parseArgs({
    options: {
      json: { type: 'string' },
      release: { type: 'string', default: '24.11.6' },
      'source-mirror': { type: 'string' },
    },
  });
  const kept = join(tools, 'source-mirror');
  const mirror = values['source-mirror'] ?? (existsSync(kept) ? kept : undefined);
  return { json: values.json, release: values.release, mirror };
}

function machine() {
  const running = execFileSync('docker', ['ps', '--quiet'], { encoding: 'utf8' });
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model,
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    kernel: kernel(),
    node: process.version,
    // What else is going on: figures of a busy machine say little.
    loadAtStart: loadavg()[0],
    otherContainers: running.split('\n').filter((line) => line !== '').length,
  };
}

/** What both sides need before they start, counted on neither: the clones and the builder image. */
async function prepare(settings, work, cacheDir) {
  const library = (path) => import(join(root, 'build', 'src', path));
  if (!existsSync(join(root, 'build', 'src'))) throw new Error('build/ is missing: npm run build');
  const { inspectHost, nodeProcess, openProject, planBuild } = await library('index.js');
  const { checkOut } = await library('spack/checkout.js');
  const { ensureImage } = await library('container/image.js');
  const host = await inspectHost(process.env);
  const plan = await planBuild(
    {
      layers: [
        {
          'slurm-version': settings.release,
          toolchain,
          engine: 'docker',
          ...(settings.mirror === undefined ? {} : { 'source-mirror': settings.mirror }),
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
    nodeProcess,
  );
  if (plan.engine instanceof Error) throw plan.engine;
  const clones = await timed(() =>
    Promise.all(
      ['spack', 'packages'].map((name) =>
        checkOut(plan.pins[name], plan.hostLayout[name], nodeProcess, async () => false),
      ),
    ),
  );
  const logger = { info: say, notice: say };
  const image = await timed(() =>
    ensureImage('docker', plan.image, host, join(work, 'image-context'), { process: nodeProcess, logger }),
  );
  return {
    plan,
    host,
    image: image.value.tag,
    figures: {
      clones: clones.seconds,
      builderImage: { seconds: image.seconds, reused: image.value.reused },
    },
    nodeProcess,
    library,
  };
}

/** The command line with empty caches, from its start to its end. */
async function measureOurs(settings, work, cacheDir) {
  const report = join(work, 'report.json');
  const words = ['build', settings.release, '--toolchain', toolchain, '--engine', 'docker'];
  words.push('--cache-dir', cacheDir, '--output-dir', join(work, 'output'), '--report', report);
  // The plain way tests nothing that it made.
  words.push('--smoke-test', 'false');
  if (settings.mirror !== undefined) words.push('--source-mirror', settings.mirror);
  const { seconds: total } = await timed(
    () =>
      new Promise((done, fail) => {
        const child = spawn(process.execPath, [join(root, 'dist', 'cli', 'index.js'), ...words], {
          stdio: ['ignore', process.stderr, 'inherit'],
        });
        child.on('error', fail);
        child.on('close', (code) => (code === 0 ? done() : fail(new Error(`the build ended with ${code}`))));
      }),
  );
  const { timings, cacheHit, described } = JSON.parse(await readFile(report, 'utf8'));
  if (cacheHit !== 'none') throw new Error(`the build was not cold: ${cacheHit}`);
  const stage = (name) => {
    const found = timings.find((timing) => timing.stage === name);
    if (found === undefined) throw new Error(`the report has no stage '${name}'`);
    return found.seconds;
  };
  return {
    total,
    concretize: stage('Bring the lock'),
    // Each package is pushed to the build cache as it finishes, within the installation.
    installAndPush: stage('Install'),
    tarball: stage('Make the tarballs'),
    audit: stage('Audit'),
    tarballBytes: described.find((file) => file.name.endsWith('-software.tar.gz')).size,
    buildCacheBytes: await packageBytes(join(cacheDir, 'entries')),
    stages: timings,
  };
}

/** Bytes of the cache entries that hold built packages. */
async function packageBytes(entries) {
  const files = await readdir(entries, { recursive: true, withFileTypes: true });
  const packages = files.filter((file) => file.isFile() && file.parentPath.includes('-package-'));
  const sizes = await Promise.all(
    packages.map(async (file) => (await stat(join(file.parentPath, file.name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function main() {
  const settings = readArguments();
  const work = mkdtempSync(join(tmpdir(), 'slurm-factory-bench-'));
  const cacheDir = join(work, 'cache');
  // An interrupt ends what runs at the moment; the folder is then removed as after any failure.
  process.once('SIGINT', () => {});
  try {
    const about = machine();
    say('== start-up');
    const startup = await measureStartup(root, work, [
      process.execPath,
      join(tools, 'node', 'node_modules', 'node', 'bin', 'node'),
    ]);
    say('== clones and builder image');
    const prepared = await prepare(settings, work, cacheDir);
    // Ours comes first: what the page cache lacks, it has to read.
    const ours = await side('ours', () => measureOurs(settings, work, cacheDir));
    const plain = await side('plain', () => measurePlain({ ...prepared, work, say }));
    const results = {
      release: settings.release,
      toolchain,
      machine: about,
      preparation: prepared.figures,
      ours,
      plain,
      startup,
      ...compare(ours, plain, startup),
    };
    const json = `${JSON.stringify(results, undefined, 2)}\n`;
    if (settings.json !== undefined) await writeFile(settings.json, json);
    process.stdout.write(json);
    say(formatTable(results));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

await main();
