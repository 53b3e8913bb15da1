// What each thing that a build could keep takes up, and the time that it saves: kept where that pays.
import { execFileSync } from 'node:child_process';
import { cp, mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureImage } from '../src/container/image.js';
import { nodeProcess } from '../src/local/process.js';
import { checkOut, git } from '../src/spack/checkout.js';
import {
  archiveBelow,
  folderBytes,
  type Left,
  type Prepared,
  quietLogger,
  timed,
  withNewBase,
} from './bench.js';
import { fetchBare } from './first.js';
import { measureAfterCold } from './ours.js';
import type { CaseFigures, Figures, Worth } from './results.js';

/**
 * Bytes of each thing, and seconds of the stage that it is for without it and with it.
 * @param measured figures of the cases so far
 */
export async function measureWorth(
  bench: Prepared,
  left: Left,
  { cold, nothing, packaging, patch }: Figures,
): Promise<CaseFigures['worth']> {
  if (cold === undefined) throw new Error('there is no cold build');
  // With the result and the lock lost, it concretizes with Spack's indexes, and compiles nothing.
  const relocked = await measureAfterCold(bench, left, 'relocked', {
    lost: (kind) => kind === 'lock' || kind === 'result',
  });
  const bytes = cold.entryBytes;
  const archive = archiveBelow(bench.settings.mirror, bench.release.archiveSha256);
  const figures: CaseFigures['worth'] = {
    result: { bytes: bytes.result, without: packaging?.total, with: nothing?.total },
    lock: { bytes: bytes.lock, without: relocked.concretize, with: packaging?.concretize },
    index: { bytes: bytes.index, without: cold.concretize, with: relocked.concretize },
    packages: { bytes: bytes.package, without: cold.installAndPush, with: relocked.installAndPush },
    ccache: { bytes: bytes.ccache, without: cold.installAndPush, with: patch?.installAndPush },
    clones: await measureClones(bench),
    image: await withNewBase(bench, (base) => measureImage(bench, base)),
    // Who compiles nothing fetches none, and a compilation takes minutes.
    sources: { bytes: (await stat(archive)).size },
  };
  for (const [name, figure] of Object.entries(figures)) bench.say(`   ${name}: ${JSON.stringify(figure)}`);
  return figures;
}

/** A fetch from the official addresses against a checkout of bare repositories that are there. */
async function measureClones({ plan, work }: Prepared): Promise<Worth> {
  const folder = join(work, 'worth');
  const pins = [plan.pins.spack, plan.pins.packages];
  const kept = (name: string) => join(folder, `${name}.git`);
  for (const pin of pins) fetchBare(pin, kept(pin.name));
  const fetched = await timed(() =>
    Promise.all(
      pins.map((pin) => checkOut(pin, join(folder, pin.name), join(folder, 'scratch'), nodeProcess)),
    ),
  );
  const restored = await timed(() =>
    Promise.all(
      pins.map(async ({ name, commit }) => {
        const bare = join(folder, `${name}-restored.git`);
        const tree = join(folder, `${name}-restored`);
        await cp(kept(name), bare, { recursive: true });
        await mkdir(tree);
        const words = ['--git-dir', bare, '--work-tree', tree, 'checkout', '--quiet', '--detach', commit];
        return nodeProcess.run([...git, ...words]);
      }),
    ),
  );
  const failed = restored.value.find(({ exitCode }) => exitCode !== 0);
  if (failed !== undefined) throw new Error(failed.stderr);
  const sizes = await Promise.all(pins.map(({ name }) => folderBytes(kept(name))));
  await rm(folder, { recursive: true });
  return {
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    without: fetched.seconds,
    with: restored.seconds,
  };
}

/** A build of the builder image against its layers out of a file, as a cache would bring it. */
async function measureImage({ plan, host, work, say }: Prepared, base: string): Promise<Worth> {
  const ports = { process: nodeProcess, logger: quietLogger(say) };
  const definition = { ...plan.image, containerImage: base };
  const context = join(work, 'worth-image');
  const built = await timed(() => ensureImage('docker', definition, host, context, ports));
  await rm(context, { recursive: true });
  const file = join(work, 'image.tar.zst');
  const shell = (script: string, ...words: string[]) =>
    timed(async () =>
      execFileSync('bash', ['-o', 'pipefail', '-c', script, 'bash', file, ...words], { stdio: 'ignore' }),
    );
  const { tag } = built.value;
  await shell('docker save "$2" | zstd -q -T0 -3 -o "$1"', tag);
  execFileSync('docker', ['image', 'rm', tag], { stdio: 'ignore' });
  const load = await shell('zstd -q -d -c "$1" | docker load');
  const { size } = await stat(file);
  await rm(file);
  return { bytes: size, without: built.seconds, with: load.seconds };
}
