// Slurm without Spack and without our patches: upstream's archive, our recipe's configure arguments, make.
import { execFileSync } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { commandsOf, withSession } from './session.mjs';

/** The words of a line that Spack has quoted as a shell wants it. */
export function splitWords(text) {
  const parts = text.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? [];
  return parts.map((part) => part.replace(/'([^']*)'|"([^"]*)"/g, (_, single, double) => single ?? double));
}

/**
 * The recipe's configure arguments for a build without Spack: what names one of its folders goes, but for
 * the PAM directory, which lies below the prefix.
 * @param spackRoot folder of all that is Spack's
 */
export function bareArguments(words, prefix, spackRoot) {
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

/** Where a Spack source mirror has a release's archive. */
export const archiveBelow = (mirror, { archiveSha256: sum }) =>
  join(mirror, '_source-cache', 'archive', sum.slice(0, 2), `${sum}.tar.gz`);

export async function measureBare(context) {
  const { plan, image, release, cacheDir, work, say } = context;
  const given = splitWords(await readConfigureArguments(cacheDir, release.spack));
  return withSession(context, image, join(work, 'bare'), async (session) => {
    const run = commandsOf(session, say);
    const { sources, stage, store } = session.layout;
    const prefix = `${store}/slurm`;
    const tree = `${stage}/slurm`;
    const words = [`--prefix=${prefix}`, ...bareArguments(given, prefix, dirname(store))];
    // Configure wants the PAM directory to be there.
    await run('make folders', ['mkdir', '-p', tree, `${prefix}/lib/security`]);
    await run('unpack', ['tar', '-xzf', archiveBelow(sources, release), '-C', tree, '--strip-components=1']);
    const configure = await run('configure', ['./configure', ...words], { cwd: tree });
    const make = await run('make', ['make', '-j', String(plan.jobs)], { cwd: tree });
    const install = await run('make install', ['make', 'install'], { cwd: tree });
    return {
      arguments: words,
      configure: configure.seconds,
      make: make.seconds,
      install: install.seconds,
      total: configure.seconds + make.seconds + install.seconds,
    };
  });
}

/** What Spack's recipe gave to configure, out of the package that the cold build has pushed. */
async function readConfigureArguments(cacheDir, version) {
  const entries = join(cacheDir, 'entries');
  const files = (await readdir(entries, { recursive: true })).sort();
  const manifest = files.find(
    (file) => file.includes(`/slurm-${version}-`) && file.endsWith('.spec.manifest.json'),
  );
  if (manifest === undefined) throw new Error(`the cache has no package of Slurm ${version}`);
  const key = manifest.slice(0, manifest.indexOf('/'));
  const blobs = files.filter((file) => file.startsWith(`${key}/blobs/sha256/`) && /[0-9a-f]{64}$/.test(file));
  const sized = await Promise.all(
    blobs.map(async (blob) => ({ file: join(entries, blob), size: (await stat(join(entries, blob))).size })),
  );
  // The other blob is the spec.
  const [{ file }] = sized.sort((a, b) => b.size - a.size);
  const member = '*/.spack/spack-configure-args.txt';
  const words = ['--extract', '--gzip', '--to-stdout', '--wildcards', '--file', file, member];
  return execFileSync('tar', words, { encoding: 'utf8' });
}
