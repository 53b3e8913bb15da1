import { readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { ChecksumError, InputError, SourceError } from '../../../src/base/errors.js';
import { sha256 } from '../../../src/base/files.js';
import type { ProcessRunner } from '../../../src/base/ports.js';
import { askTag, bringArchive, bringCommit, repositoryPlace } from '../../../src/spack/source.js';
import { tarMember } from '../../support/bundle.js';
import { type Answer, fakePorts, fakeProcess, fakeWeb, temporaryFolder } from '../../support/fakes.js';
import { sourceArchive, sourceTar } from '../../support/slurm-source.js';

const repository = 'https://git.test/slurm.git';
const commit = 'c'.repeat(40);
const name = 'slurm-24-11-6-1';

/** git that has the commit as an archive. */
function upstream(
  archive: Buffer = sourceArchive('24.11.6'),
  fails: (words: readonly string[]) => Answer | undefined = () => undefined,
) {
  return fakeProcess(async (words, { stdoutFile }) => {
    const answer = fails(words);
    if (answer !== undefined) return answer;
    const output = words.find((word) => word.startsWith('--output='))?.slice('--output='.length);
    if (words.includes('archive') && output !== undefined) await writeFile(output, archive);
    if (stdoutFile !== undefined) await writeFile(stdoutFile, sourceTar('24.11.6'));
    return undefined;
  });
}

/** Where a source comes to, from a web that has the archive of 24.11.6. */
const at = (folder: string, process: ProcessRunner, web = fakeWeb(sourceArchive('24.11.6'))) => ({
  folder,
  ports: fakePorts({ process, web }),
});

describe('a commit', () => {
  test('comes alone, as the archive that its host would serve, and is there the next time', async () => {
    const folder = await temporaryFolder();
    const process = upstream();
    const brought = await bringCommit({ repository, commit, name }, at(folder, process));
    expect(brought).toEqual({
      file: join(folder, `${name}-${commit}.tar.gz`),
      sha256: sha256(sourceArchive('24.11.6')),
      version: '24.11.6',
      early: false,
      date: '2026-01-02',
    });
    expect(process.lines.map((line) => line.replace(/^.*?--git-dir \S+ /, ''))).toEqual([
      'init --quiet',
      `fetch --quiet --depth 1 --no-tags -- ${repository} ${commit}`,
      expect.stringMatching(
        new RegExp(
          `-c tar\\.tar\\.gz\\.command=gzip -cn .* archive --prefix=slurm-${name}/ --output=\\S+ ${commit}$`,
        ),
      ),
    ]);
    const again = upstream();
    expect(await bringCommit({ repository, commit, name }, at(folder, again))).toEqual(brought);
    expect(again.calls).toEqual([]);
    expect(await readdir(folder)).toEqual([`${name}-${commit}.tar.gz`]);
  });

  test.each(['fetch', 'archive'])('that git can not give in its step %s leaves nothing', async (step) => {
    const folder = await temporaryFolder();
    const process = upstream(undefined, (words) =>
      words.includes(step) ? { exitCode: 128, stderr: 'fatal: not our ref\u001b[31m\n' } : undefined,
    );
    const attempt = bringCommit({ repository, commit, name }, at(folder, process));
    await expect(attempt).rejects.toThrow(SourceError);
    await expect(attempt).rejects.toThrow(
      `Slurm's source can't be had from ${repository}: fatal: not our ref\\x1b[31m`,
    );
    expect(await readdir(folder)).toEqual([]);
  });

  test.each<[string, Buffer]>([
    ['without META', gzipSync(Buffer.concat([tarMember('slurm-x/README', 'text'), Buffer.alloc(1024)]))],
    ['whose META is deeper', gzipSync(Buffer.concat([tarMember('a/b/META', 'Major: 24')]))],
    ['whose META is a link', gzipSync(Buffer.concat([tarMember('a/META', '', '2')]))],
    ['whose META is of something else', gzipSync(Buffer.concat([tarMember('a/META', 'Name: munge')]))],
    ['with a META that is too large', gzipSync(tarMember('a/META', 'x'.repeat(100_000)))],
    ['that is damaged', sourceArchive('24.11.6').subarray(0, 40)],
    ['that is no archive', Buffer.from('text')],
  ])('%s is no source of Slurm', async (_, archive) => {
    const folder = await temporaryFolder();
    const attempt = bringCommit({ repository, commit, name }, at(folder, upstream(archive)));
    await expect(attempt).rejects.toThrow(`commit ${commit} is no source of Slurm: it has no META`);
  });

  test('removes what a build that was killed has left, but not what another one needs', async () => {
    const folder = await temporaryFolder({ '.partial-old/half': '', '.partial-new/half': '' });
    const long = new Date(Date.now() - 2 * 24 * 60 * 60_000);
    await utimes(join(folder, '.partial-old'), long, long);
    await bringCommit({ repository, commit, name }, at(folder, upstream()));
    expect((await readdir(folder)).sort()).toEqual(['.partial-new', `${name}-${commit}.tar.gz`]);
  });
});

describe('an archive', () => {
  const archive = sourceArchive('24.11.6');
  const sum = sha256(archive);

  test.each(['https://h.test/slurm.tar.gz', 'slurm.tar.gz'])('%s comes if it has its sum', async (place) => {
    const cwd = await temporaryFolder({ 'slurm.tar.gz': archive });
    const folder = await temporaryFolder();
    const web = fakeWeb(archive);
    const given = { place, sha256: sum, cwd };
    const brought = await bringArchive(given, at(folder, upstream(), web));
    expect(brought).toMatchObject({ version: '24.11.6', date: '2026-01-02', sha256: sum });
    expect(brought.file).toBe(join(folder, `slurm-${sum}.tar.gz`));
    expect(web.asked).toEqual(place.includes(':') ? [place] : []);
    const again = upstream();
    expect(await bringArchive(given, at(folder, again, web))).toEqual(brought);
    expect(again.calls).toEqual([]);
    expect(web.asked.length).toBeLessThan(2);
  });

  test('that can not be had is a SourceError that says why', async () => {
    const folder = await temporaryFolder();
    const given = { place: 'https://h.test/slurm.tgz', sha256: sum, cwd: '/' };
    const attempt = bringArchive(given, at(folder, upstream(), fakeWeb(new Error('HTTP status 404'))));
    await expect(attempt).rejects.toThrow(SourceError);
    await expect(attempt).rejects.toThrow('https://h.test/slurm.tgz: HTTP status 404');
    expect(await readdir(folder)).toEqual([]);
  });

  test('with another sum is not used', async () => {
    const folder = await temporaryFolder();
    const place = 'https://h.test/slurm.tar.gz';
    const attempt = bringArchive({ place, sha256: 'e'.repeat(64), cwd: '/' }, at(folder, upstream()));
    await expect(attempt).rejects.toThrow(ChecksumError);
    await expect(attempt).rejects.toThrow(
      `${place} has the sha256 ${sum}, not the ${'e'.repeat(64)} of slurm-sha256`,
    );
    expect(await readdir(folder)).toEqual([]);
  });

  test('that is not there, or is a link, is refused', async () => {
    const folder = await temporaryFolder();
    const attempt = bringArchive({ place: 'no.tar.gz', sha256: sum, cwd: folder }, at(folder, upstream()));
    await expect(attempt).rejects.toThrow(InputError);
  });

  test.each([
    ['bzip2', 'BZh91AY'],
    ['xz', '\xfd7zXZ\0'],
  ])('of %s is unpacked by that, to a file with a limit', async (program, magic) => {
    const packed = Buffer.from(`${magic}packed`, 'latin1');
    const cwd = await temporaryFolder({ 'slurm.tar.bz2': packed });
    const folder = await temporaryFolder();
    const process = upstream();
    const given = { place: 'slurm.tar.bz2', sha256: sha256(packed), cwd };
    expect((await bringArchive(given, at(folder, process))).version).toBe('24.11.6');
    expect(process.lines).toEqual([
      expect.stringMatching(
        new RegExp(`^prlimit --fsize=\\d+ -- ${program} --decompress --stdout ${folder}/slurm-`),
      ),
    ]);
    expect(await readdir(folder)).toEqual([`slurm-${sha256(packed)}.tar.bz2`]);
    const fails = upstream(undefined, () => ({ exitCode: 1, stderr: 'it is not whole' }));
    await expect(bringArchive(given, at(folder, fails))).rejects.toThrow(
      "can't be unpacked: it is not whole",
    );
  });
});

describe('tags', () => {
  test('are asked for by the release', async () => {
    const process = fakeProcess(() => ({ stdout: `${commit}\trefs/tags/${name}\n` }));
    expect(await askTag(repository, '24.11.6', process)).toEqual({ tag: name, commit });
    expect(process.lines).toEqual([expect.stringMatching(/ls-remote -- \S+ refs\/tags\/slurm-24-11-6-\*$/)]);
  });

  test('of a repository that can not be asked are an error', async () => {
    const process = fakeProcess(() => ({ exitCode: 128, stderr: 'no route\n' }));
    await expect(askTag(repository, '24.11.6', process)).rejects.toThrow(SourceError);
  });
});

test.each([
  ['https://git.test/slurm.git', 'https://git.test/slurm.git'],
  ['.', '/work'],
  ['../slurm', '/slurm'],
  ['/srv/slurm', '/srv/slurm'],
  ['file:///srv/my%20slurm', '/srv/my slurm'],
])('the repository %s is %s for git', (source, place) => {
  expect(repositoryPlace(source, '/work')).toBe(place);
});
