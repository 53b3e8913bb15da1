// What each thing that a build could keep takes up, and the time that it saves: kept where that pays.
import { execFileSync } from 'node:child_process';
import { cp, mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { archiveBelow } from './bare.mjs';
import { folderBytes, measureRelocked } from './ours.mjs';
import { timed } from './prepare.mjs';

/**
 * Bytes of each thing, and seconds of the stage that it is for without it and with it.
 * @param ours figures of the own cases so far
 */
export async function measureWorth(context, { ours }) {
  const { cold, nothing, packaging, patch } = ours;
  const relocked = await measureRelocked(context);
  const bytes = cold.entryBytes;
  const figures = {
    result: { bytes: bytes.result, without: packaging?.total, with: nothing?.total },
    lock: { bytes: bytes.lock, without: relocked.concretize, with: packaging?.concretize },
    index: { bytes: bytes.index, without: cold.concretize, with: relocked.concretize },
    packages: { bytes: bytes.package, without: cold.installAndPush, with: relocked.installAndPush },
    ccache: { bytes: bytes.ccache, without: cold.installAndPush, with: patch?.installAndPush },
    clones: await measureClones(context),
    image: await measureImage(context),
    // Who compiles nothing fetches none, and a compilation takes minutes.
    sources: { bytes: (await stat(archiveBelow(context.settings.mirror, context.release))).size },
  };
  for (const [name, figure] of Object.entries(figures)) context.say(`   ${name}: ${JSON.stringify(figure)}`);
  return figures;
}

/** A fetch from the official addresses against a checkout of bare repositories that are there. */
async function measureClones({ library, plan, nodeProcess, work }) {
  const { checkOut } = await library('spack/checkout.js');
  const folder = join(work, 'worth');
  const pins = ['spack', 'packages'].map((name) => plan.pins[name]);
  const kept = ({ name }) => join(folder, `${name}.git`);
  const git = (...words) => execFileSync('git', words, { stdio: ['ignore', 'ignore', 'inherit'] });
  for (const pin of pins) {
    git('init', '--quiet', '--bare', kept(pin));
    git('-C', kept(pin), 'fetch', '--quiet', '--depth', '1', '--no-tags', '--', pin.url, pin.commit);
  }
  const fetched = await timed(() =>
    Promise.all(
      pins.map((pin) => checkOut(pin, join(folder, pin.name), join(folder, 'scratch'), nodeProcess)),
    ),
  );
  const restored = await timed(() =>
    Promise.all(
      pins.map(async (pin) => {
        const bare = join(folder, `${pin.name}-restored.git`);
        const tree = join(folder, `${pin.name}-restored`);
        await cp(kept(pin), bare, { recursive: true });
        await mkdir(tree);
        const words = ['--git-dir', bare, '--work-tree', tree, 'checkout', '--quiet', '--detach', pin.commit];
        return nodeProcess.run(['git', ...words]);
      }),
    ),
  );
  const failed = restored.value.find(({ exitCode }) => exitCode !== 0);
  if (failed !== undefined) throw new Error(failed.stderr);
  const sizes = await Promise.all(pins.map((pin) => folderBytes(kept(pin))));
  await rm(folder, { recursive: true });
  return { bytes: sizes[0] + sizes[1], without: fetched.seconds, with: restored.seconds };
}

/** A build of the builder image against its layers out of a file, as a cache would bring it. */
async function measureImage({ library, plan, host, nodeProcess, work, say }) {
  const { ensureImage } = await library('container/image.js');
  // Another label at its start, and nothing of the engine's own cache fits.
  const dockerfile = plan.image.dockerfile.replace(
    /^FROM .*$/m,
    `$&\nLABEL slurm-factory-bench=${process.pid}`,
  );
  const built = await timed(() =>
    ensureImage('docker', { ...plan.image, dockerfile }, host, join(work, 'worth-image'), {
      process: nodeProcess,
      logger: { info: () => {}, notice: say },
    }),
  );
  const file = join(work, 'image.tar.zst');
  const shell = (script, ...words) =>
    timed(() =>
      execFileSync('bash', ['-o', 'pipefail', '-c', script, 'bash', file, ...words], { stdio: 'ignore' }),
    );
  const { tag } = built.value;
  const save = await shell('docker save "$2" | zstd -q -T0 -3 -o "$1"', tag);
  execFileSync('docker', ['image', 'rm', tag], { stdio: 'ignore' });
  const load = await shell('zstd -q -d -c "$1" | docker load');
  execFileSync('docker', ['image', 'rm', tag], { stdio: 'ignore' });
  const { size } = await stat(file);
  await rm(file);
  return { bytes: size, save: save.seconds, without: built.seconds, with: load.seconds };
}
