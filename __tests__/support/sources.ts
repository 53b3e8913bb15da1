import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const largeOutput = { maxBuffer: 1 << 30, encoding: 'buffer' as const };

/** A tag of an upstream repository, and the sha256 of its archive as the repository's host serves it. */
export interface UpstreamArchive {
  readonly repository: string;
  readonly tag: string;
  /** Folder that the archive's files lie in. */
  readonly prefix: string;
  readonly sha256: string;
}

/** Whether an upstream repository can be asked from here. */
export async function reachable(repository: string): Promise<boolean> {
  return execute('git', ['-c', 'core.askPass=true', 'ls-remote', '--heads', repository], {
    timeout: 20_000,
  }).then(
    () => true,
    () => false,
  );
}

interface ReleasesFile {
  readonly releases: Readonly<
    Record<
      string,
      readonly { readonly version: string; readonly tag: string; readonly archiveSha256: string }[]
    >
  >;
}

/** Slurm's repository, as the data's tags and sums are of it. */
export const slurmRepository = 'https://github.com/SchedMD/slurm.git';

/**
 * Fills a Spack source mirror with all that the builds of some releases fetch, whatever their GPU. What is there
 * already is left alone.
 * @param root folder of the project, whose data says what that is
 * @throws when the data has no such release, or an archive has another sha256
 */
export async function fillMirror(mirror: string, root: string, versions: readonly string[]): Promise<void> {
  const data = async (name: string) => JSON.parse(await readFile(join(root, 'data', name), 'utf8'));
  const { releases }: ReleasesFile = await data('slurm-releases.json');
  const all = Object.values(releases).flat();
  const wanted = versions.map((version): UpstreamArchive => {
    const found = all.find((release) => release.version === version);
    if (found === undefined) throw new Error(`data/slurm-releases.json has no release '${version}'`);
    const { tag, archiveSha256: sha256 } = found;
    return { repository: slurmRepository, tag, prefix: `slurm-${tag}`, sha256 };
  });
  const { nvml, sources } = await data('pins.json');
  const { git: repository, tag, version, archiveSha256: sha256 } = sources['compiler-wrapper'];
  const wrapper = { repository, tag, prefix: `compiler-wrapper-${version}`, sha256 };
  await mkdir(mirror, { recursive: true });
  await mirrorArchives(mirror, [...wanted, wrapper]);
  // The recipe takes this one on every architecture.
  const wheel = { requirement: `${nvml.package}==${nvml.version}`, ...nvml.wheels.amd64 };
  await mirrorWheel(mirror, { ...wheel, platform: 'manylinux2014_x86_64' });
}

/**
 * Puts upstream archives into a Spack source mirror, made from the tags with git archive: byte for byte
 * what the host serves, which the sha256 proves.
 * @throws when an archive has another sha256
 */
export async function mirrorArchives(mirror: string, archives: readonly UpstreamArchive[]): Promise<void> {
  for (const archive of archives) {
    const file = mirrorPath(mirror, archive.sha256, '.tar.gz');
    if (
      await readFile(file).then(
        () => true,
        () => false,
      )
    )
      continue;
    const clone = join(mirror, '.clone');
    await rm(clone, { recursive: true, force: true });
    await execute('git', ['init', '--quiet', '--bare', clone]);
    const ref = `refs/tags/${archive.tag}`;
    await execute('git', [
      '-C',
      clone,
      'fetch',
      '--quiet',
      '--depth',
      '1',
      archive.repository,
      `${ref}:${ref}`,
    ]);
    const tar = await execute(
      'git',
      [
        '-C',
        clone,
        '-c',
        'tar.tar.gz.command=gzip -cn',
        'archive',
        '--format=tar.gz',
        `--prefix=${archive.prefix}/`,
        archive.tag,
      ],
      largeOutput,
    );
    await store(file, tar.stdout, archive.sha256);
    await rm(clone, { recursive: true, force: true });
  }
}

export interface UpstreamWheel {
  /** `name==version` */
  readonly requirement: string;
  /** pip's name of the platform that the wheel is for. */
  readonly platform: string;
  readonly sha256: string;
}

/** Puts a wheel of PyPI, fetched by pip under its name, into a Spack source mirror, which wants it without extension. */
export async function mirrorWheel(mirror: string, wheel: UpstreamWheel): Promise<void> {
  const { requirement, platform, sha256 } = wheel;
  const file = mirrorPath(mirror, sha256, '');
  if (
    await readFile(file).then(
      () => true,
      () => false,
    )
  )
    return;
  const folder = join(mirror, '.wheel');
  await rm(folder, { recursive: true, force: true });
  const pip = ['-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary', ':all:'];
  await execute('python3', [...pip, '--platform', platform, '--dest', folder, requirement]);
  const [name = ''] = await readdir(folder);
  await store(file, await readFile(join(folder, name)), sha256);
  await rm(folder, { recursive: true });
}

/** Puts archives (`.tar.gz`) that a server hands out into a Spack source mirror. */
export async function mirrorDownloads(
  mirror: string,
  downloads: readonly { readonly url: string; readonly sha256: string }[],
): Promise<void> {
  for (const { url, sha256 } of downloads) {
    const file = mirrorPath(mirror, sha256, '.tar.gz');
    const known = await readFile(file).catch(() => undefined);
    if (known !== undefined) continue;
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
    await store(file, Buffer.from(await answer.arrayBuffer()), sha256);
  }
}

function mirrorPath(mirror: string, sha256: string, extension: string): string {
  return join(mirror, '_source-cache', 'archive', sha256.slice(0, 2), `${sha256}${extension}`);
}

async function store(file: string, bytes: Buffer, expected: string): Promise<void> {
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (actual !== expected) throw new Error(`${file}: sha256 is ${actual}`);
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(`${file}.partial`, bytes);
  await rename(`${file}.partial`, file);
}
