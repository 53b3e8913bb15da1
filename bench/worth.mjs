// What each thing that a build could keep takes up, and the time that it saves: kept where that pays.
import { execFileSync } from 'node:child_process';
import { cp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { archiveBelow } from './bare.mjs';
import { folderBytes, measureRelocked } from './ours.mjs';
import { timed } from './prepare.mjs';

/**
 * Bytes of each thing, and seconds of the stage that it is for without it and with it.
 * @param ours figures of the own cases so far
 */
export async function measureWorth(context, { ours }) {
  const { cold, nothing, packaging } = ours;
  const relocked = await measureRelocked(context);
  const bytes = cold.entryBytes;
  const figures = {
    result: { bytes: bytes.result, without: packaging?.total, with: nothing?.total },
    lock: { bytes: bytes.lock, without: relocked.concretize, with: packaging?.concretize },
    index: { bytes: bytes.index, without: cold.concretize, with: relocked.concretize },
    packages: { bytes: bytes.package, without: cold.installAndPush, with: relocked.installAndPush },
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
  const { bareFolder, checkOut } = await library('spack/checkout.js');
  const bring = async (name, restore) => {
    const folder = join(work, 'worth', name);
    const { seconds } = await timed(() =>
      Promise.all(
        ['spack', 'packages'].map((repository) =>
          checkOut(
            plan.pins[repository],
            join(folder, repository),
            join(folder, 'scratch'),
            nodeProcess,
            restore(bareFolder(plan.hostLayout[repository])),
          ),
        ),
      ),
    );
    await rm(folder, { recursive: true });
    return seconds;
  };
  const bare = ['spack', 'packages'].map((repository) => bareFolder(plan.hostLayout[repository]));
  const sizes = await Promise.all(bare.map(folderBytes));
  return {
    bytes: sizes[0] + sizes[1],
    without: await bring('fetched', () => async () => false),
    with: await bring('restored', (kept) => async (wanted) => {
      await cp(kept, wanted, { recursive: true });
      return true;
    }),
  };
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
