// Slurm without Spack and without our patches: upstream's archive, our recipe's configure arguments, make.
import { execFileSync } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { listFiles } from '../src/base/files.js';
import { readKey } from '../src/cache/keys.js';
import { archiveBelow, type Left, type Prepared } from './bench.js';
import { entryKeys } from './ours.js';
import type { BareFigures } from './results.js';
import { commandsOf, withSession } from './session.js';

/** The words of a line that Spack has quoted as a shell wants it. */
export function splitWords(text: string): string[] {
  const parts = text.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? [];
  return parts.map((part) =>
    part.replace(/'([^']*)'|"([^"]*)"/g, (_, single?: string, double?: string) => single ?? double ?? ''),
  );
}

/**
 * The recipe's configure arguments for a build without Spack: what names one of its folders goes, but for
 * the PAM directory, which lies below the prefix.
 * @param spackRoot folder of all that is Spack's
 */
export function bareArguments(words: readonly string[], prefix: string, spackRoot: string): string[] {
  return words.flatMap((word) => {
    if (word.startsWith('--with-pam_dir=')) return [`--with-pam_dir=${prefix}/lib/security`];
    // The recipe has the makefiles made after configure, on all cores.
    if (word === '--no-create') return [];
    const kept = word
      .split(' ')
      .filter((part) => !part.includes(`${spackRoot}/`))
      .join(' ');
    return kept === '' ? [] : [kept];
  });
}

export async function measureBare(bench: Prepared, left: Left): Promise<BareFigures> {
  const { plan, image, release, work, say } = bench;
  const given = splitWords(await readConfigureArguments(left.cacheDir));
  const folder = join(work, 'bare');
  const figures = await withSession(bench, image, folder, async (session) => {
    const run = commandsOf(session, say);
    const { sources, buildStage, store } = session.layout;
    const prefix = `${store}/slurm`;
    const tree = `${buildStage}/slurm`;
    const words = [`--prefix=${prefix}`, ...bareArguments(given, prefix, dirname(store))];
    const archive = archiveBelow(sources, release.archiveSha256);
    // Of an earlier round.
    await run('clean', ['rm', '-rf', tree, prefix]);
    // Configure wants the PAM directory to be there.
    await run('make folders', ['mkdir', '-p', tree, `${prefix}/lib/security`]);
    await run('unpack', ['tar', '-xzf', archive, '-C', tree, '--strip-components=1']);
    const configure = await run('configure', ['./configure', ...words], { cwd: tree });
    const make = await run('make', ['make', '-j', String(plan.jobs)], { cwd: tree });
    const install = await run('make install', ['make', 'install'], { cwd: tree });
    return { arguments: words, configure: configure.seconds, make: make.seconds, install: install.seconds };
  });
  return { ...figures, total: figures.configure + figures.make + figures.install };
}

/** What Spack's recipe gave to configure, out of the package that the cold build has pushed. */
async function readConfigureArguments(cacheDir: string): Promise<string> {
  const key = (await entryKeys(cacheDir)).find((name) => {
    const { kind, name: packageName } = readKey(name);
    return kind === 'package' && packageName === 'slurm';
  });
  if (key === undefined) throw new Error('the cache has no package of Slurm');
  const entry = join(cacheDir, 'entries', key);
  const blobs = (await listFiles(entry)).filter((file) => /^blobs\/sha256\/.*\/?[0-9a-f]{64}$/.test(file));
  const sizes = await Promise.all(blobs.map(async (blob) => (await stat(join(entry, blob))).size));
  // The other blob is the spec.
  const largest = blobs[sizes.indexOf(Math.max(...sizes))];
  if (largest === undefined) throw new Error(`${key} has no blobs`);
  const member = '*/.spack/spack-configure-args.txt';
  const words = ['--extract', '--gzip', '--to-stdout', '--wildcards', '--file', join(entry, largest), member];
  return execFileSync('tar', words, { encoding: 'utf8', maxBuffer: 1 << 24 });
}
