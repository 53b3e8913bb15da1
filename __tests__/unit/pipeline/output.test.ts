import { link, lstat, mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { exitCodeOf, InputError, PackagingError } from '../../../src/base/errors.js';
import { sha256 } from '../../../src/base/files.js';
import { processOwner } from '../../../src/base/owner.js';
import { possibleNames, resultFiles } from '../../../src/bundle/catalogue.js';
import { verifyFolder } from '../../../src/bundle/verify.js';
import { handOut, type OutputPlace, prepareOutput } from '../../../src/pipeline/output.js';
import { writeResult } from '../../support/bundle.js';
import { fakeProcess, readFiles, temporaryFolder, writeFiles } from '../../support/fakes.js';

const identifier = 'slurm-24.11.6-bookworm-amd64';
const names = resultFiles(identifier);

const place = (outputDir: string): OutputPlace => ({ outputDir, identifier, owner: processOwner() });

/** A folder with a whole result, and what a build says of it. */
async function result(content = 'bytes') {
  const folder = await temporaryFolder();
  await writeResult(folder, identifier, { content, smoke: true });
  const texts = await readFiles(folder);
  const files = await Promise.all(
    Object.keys(texts).map(async (name) => {
      const bytes = await readFile(join(folder, name));
      return { name, size: bytes.length, sha256: sha256(bytes) };
    }),
  );
  return { folder, files, texts };
}

describe('handOut', () => {
  test('puts the files there, with the usual rights, and nothing else', async () => {
    const { folder, files, texts } = await result();
    const out = await temporaryFolder({ 'notes.txt': 'mine', 'slurm-24.11.5-bookworm-amd64-SHA256SUMS': '' });
    await handOut(place(out), folder, files, true);
    expect(await readFiles(out)).toEqual({
      ...texts,
      'notes.txt': 'mine',
      'slurm-24.11.5-bookworm-amd64-SHA256SUMS': '',
    });
    const rights = async (name: string) => ((await stat(join(out, name))).mode & 0o777).toString(8);
    const usual = async (mode: number) => ((await stat(join(out, 'notes.txt'))).mode & mode).toString(8);
    expect(await rights(names.software)).toBe(await usual(0o666));
    expect(await rights(names.installer)).toMatch(/^7.[05]$/);
    // What was there before is still where it was made.
    expect(await readFiles(folder)).toEqual(texts);
  });

  test('older files of the target go: signatures, debug files, the key', async () => {
    const { folder, files, texts } = await result();
    const older = Object.fromEntries(possibleNames(identifier).map((name) => [name, 'older']));
    const out = await temporaryFolder({ ...older, [`${identifier}-cuda-debug.tar.gz`]: 'of another' });
    await handOut(place(out), folder, files, true);
    expect(await readFiles(out)).toEqual({ ...texts, [`${identifier}-cuda-debug.tar.gz`]: 'of another' });
  });

  test('a single file replaces its own name only', async () => {
    const { folder, files } = await result();
    const out = await temporaryFolder({ [names.software]: 'older', [names.sums]: 'older' });
    const report = files.filter(({ name }) => name.endsWith('-smoke.xml'));
    await handOut(place(out), folder, report, false);
    expect(Object.keys(await readFiles(out))).toEqual([
      names.sums,
      `${identifier}-smoke.xml`,
      names.software,
    ]);
    expect((await readFiles(out))[names.sums]).toBe('older');
  });

  test('a planted link is replaced, at any of the names, and never followed', async () => {
    const { folder, files, texts } = await result();
    const victim = await temporaryFolder({ precious: 'precious' });
    const out = await temporaryFolder();
    for (const name of possibleNames(identifier)) {
      await symlink(join(victim, 'precious'), join(out, name));
      await symlink(join(victim, 'precious'), join(out, `${name}.partial`));
    }
    await handOut(place(out), folder, files, true);
    expect(await readFiles(victim)).toEqual({ precious: 'precious' });
    for (const { name } of files) expect((await lstat(join(out, name))).isFile()).toBe(true);
    expect(await readFiles(out)).toEqual(texts);
  });

  test('a link and a file that has a second name keep what they had elsewhere', async () => {
    const { folder, files } = await result();
    const out = await temporaryFolder();
    const other = await temporaryFolder({ kept: 'kept' });
    await link(join(other, 'kept'), join(out, names.software));
    await handOut(place(out), folder, files, true);
    expect(await readFiles(other)).toEqual({ kept: 'kept' });
  });

  test('files that are not what they were checked to be are not handed out, and nothing changes', async () => {
    const { folder, files } = await result();
    const out = await temporaryFolder({ [names.software]: 'older', [names.sums]: 'older' });
    await writeFile(join(folder, names.software), 'exchanged');
    await expect(handOut(place(out), folder, files, true)).rejects.toThrow(PackagingError);
    expect(await readFiles(out)).toEqual({ [names.software]: 'older', [names.sums]: 'older' });
    expect(await readdir(out)).toHaveLength(2);
  });

  test('a link in the place of a file that was checked is not followed either', async () => {
    const { folder, files } = await result();
    const out = await temporaryFolder();
    const other = await temporaryFolder({ secret: 'secret' });
    const linked = await temporaryFolder();
    for (const { name } of files) {
      await (name === names.software
        ? symlink(join(other, 'secret'), join(linked, name))
        : link(join(folder, name), join(linked, name)));
    }
    await expect(handOut(place(out), linked, files, true)).rejects.toThrow(/software.* is a symbolic link/);
    expect(await readdir(out)).toEqual([]);
  });

  test('40 at once, of two results, leave one of them whole', async () => {
    const results = [await result('one'), await result('two')];
    const out = await temporaryFolder();
    await Promise.all(
      Array.from({ length: 40 }, (_, index) => {
        const { folder, files } = results[index % 2] as (typeof results)[0];
        return handOut(place(out), folder, files, true);
      }),
    );
    const left = await readFiles(out);
    expect(results.map(({ texts }) => texts)).toContainEqual(left);
    expect((await readdir(out)).sort()).toEqual(Object.keys(left).sort());
    expect((await verifyFolder(out, { env: {} }, fakeProcess())).targets).toHaveLength(1);
  });

  test('what a killed build left is removed: its folder aside and its lock', async () => {
    const { folder, files, texts } = await result();
    const out = await temporaryFolder();
    const [host, boot, namespace] = processOwner().split('~');
    const dead = join(out, `.${identifier}+${host}~${boot}~${namespace}~999999999~1.AbCdEf`);
    const alive = join(out, `.${identifier}+${host}~${boot}~1~1~1.AbCdEf`);
    const old = join(out, `.${identifier}+elsewhere~${boot}~1~1~1.AbCdEf`);
    for (const left of [dead, alive, old]) await writeFiles(left, { [names.software]: 'half' });
    await utimes(old, 1, 1);
    const lock = join(out, `.${identifier}.lock`);
    await mkdir(lock);
    const past = new Date(Date.now() - 60_000);
    await utimes(lock, past, past);
    await handOut(place(out), folder, files, true);
    expect((await readdir(out)).sort()).toEqual([alive.slice(out.length + 1), ...Object.keys(texts)].sort());
  });

  test('a link that looks like what a killed build left is left alone, and so is what it leads to', async () => {
    const { folder, files } = await result();
    const out = await temporaryFolder();
    const victim = await temporaryFolder({ [names.software]: 'precious' });
    const [host, boot, namespace] = processOwner().split('~');
    await symlink(victim, join(out, `.${identifier}+${host}~${boot}~${namespace}~999999999~1.AbCdEf`));
    await handOut(place(out), folder, files, true);
    expect(await readFiles(victim)).toEqual({ [names.software]: 'precious' });
  });
});

describe('an output folder that can be none', () => {
  test.each<[string, (root: string) => Promise<string>, RegExp]>([
    [
      'a file',
      async (root) => {
        await writeFile(join(root, 'out'), '');
        return join(root, 'out');
      },
      /is a file, not a folder/,
    ],
    [
      'below a file',
      async (root) => {
        await writeFile(join(root, 'file'), '');
        return join(root, 'file', 'out');
      },
      /is a file, not a folder/,
    ],
    [
      'a dangling link',
      async (root) => {
        await symlink(join(root, 'nowhere'), join(root, 'out'));
        return join(root, 'out');
      },
      /is a link to nothing/,
    ],
    [
      'a loop of links',
      async (root) => {
        await symlink('out', join(root, 'out'));
        return join(root, 'out', 'deeper');
      },
      /is a loop of links/,
    ],
    ['too long a name', async (root) => join(root, 'x'.repeat(300)), /is too long/],
    ['where none can be made', async () => '/proc/slurm-factory/out', /no file or folder can be created/],
    [
      "with a folder in a file's place",
      async (root) => {
        await mkdir(join(root, 'out', names.software), { recursive: true });
        return join(root, 'out');
      },
      /has a folder named .*-software\.tar\.gz, where a file has to go/,
    ],
  ])('%s is an InputError, before anything is built', async (_, make, message) => {
    const out = await make(await temporaryFolder());
    const error = await prepareOutput(place(out)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InputError);
    expect(exitCodeOf(error)).toBe(2);
    expect(String(error)).toMatch(message);
  });

  test('one that is not there is made, and left empty', async () => {
    const out = join(await temporaryFolder(), 'a', 'b');
    await prepareOutput(place(out));
    expect(await readdir(out)).toEqual([]);
    await prepareOutput(place(out));
  });

  test('one that went meanwhile is made again', async () => {
    const { folder, files, texts } = await result();
    const out = join(await temporaryFolder(), 'gone');
    await handOut(place(out), folder, files, true);
    expect(await readFiles(out)).toEqual(texts);
  });
});
