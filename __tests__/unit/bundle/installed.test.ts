import { chmod, mkdir, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { InputError, PackagingError } from '../../../src/base/errors.js';
import { sha256 } from '../../../src/base/files.js';
import { formatInstalledReport, recordName, verifyInstalled } from '../../../src/bundle/installed.js';
import { fakeProcess, temporaryFolder } from '../../support/fakes.js';

const target = 'slurm-24.11.6-bookworm-amd64';

const entry = (type: string, mode: string, value: string, path: string) =>
  `entry ${type}\t${mode}\t${value}\t${path}`;

/** An installed tree with the record that its installer leaves, and a unit beside it. */
async function installedTree() {
  const root = await temporaryFolder();
  const prefix = join(root, 'slurm');
  await mkdir(join(prefix, 'bin'), { recursive: true });
  await mkdir(join(prefix, 'etc'));
  await writeFile(join(prefix, 'bin', 'srun'), 'srun');
  await chmod(join(prefix, 'bin', 'srun'), 0o755);
  await writeFile(join(prefix, 'etc', 'slurm.conf.example'), 'example');
  await chmod(join(prefix, 'etc', 'slurm.conf.example'), 0o644);
  for (const folder of ['bin', 'etc']) await chmod(join(prefix, folder), 0o755);
  await symlink('srun', join(prefix, 'bin', 'salloc'));
  const unit = join(root, 'slurmd.service');
  await writeFile(unit, 'unit');
  const lines = [
    '# Written by slurm-factory',
    `target ${target}`,
    `prefix ${prefix}`,
    `file ${sha256('unit')} ${unit}`,
    entry('folder', '755', '-', 'bin'),
    entry('folder', '755', '-', 'etc'),
    entry('file', '755', sha256('srun'), 'bin/srun'),
    entry('file', '644', sha256('example'), 'etc/slurm.conf.example'),
    entry('link', '777', 'srun', 'bin/salloc'),
  ];
  await writeFile(join(prefix, recordName), `${lines.join('\n')}\n`);
  return { prefix, unit };
}

const verify = (prefix: string, folder?: string) =>
  verifyInstalled(prefix, { env: {}, folder }, fakeProcess());

test('a tree that is as its installer left it is told of, and by what', async () => {
  const { prefix } = await installedTree();
  const report = await verify(prefix);
  expect(report).toMatchObject({ prefix, target, against: 'record', entries: 5, outside: 1 });
  const [line, note] = formatInstalledReport(report);
  expect(line).toBe(
    `${prefix}  is ${target}: 5 files, folders and links are as they were installed, and 1 module files and units outside of it`,
  );
  expect(note).toContain('which whoever changed the tree could change too');
});

describe('what is not as it was installed', () => {
  test.each<[string, (at: { prefix: string; unit: string }) => Promise<unknown>, RegExp]>([
    ['a file', ({ prefix }) => writeFile(join(prefix, 'bin/srun'), 'other'), /bin\/srun: was changed/],
    ['a mode', ({ prefix }) => chmod(join(prefix, 'bin/srun'), 0o4755), /bin\/srun: has mode 4755, not 755/],
    ['a file that is missing', ({ prefix }) => unlink(join(prefix, 'bin/srun')), /bin\/srun: is missing/],
    [
      'a link to elsewhere',
      async ({ prefix }) => {
        await unlink(join(prefix, 'bin/salloc'));
        await symlink('/tmp/evil', join(prefix, 'bin/salloc'));
      },
      /bin\/salloc: points to \/tmp\/evil, not to srun/,
    ],
    [
      'a link in the place of a folder',
      async ({ prefix }) => {
        await rename(join(prefix, 'bin'), join(prefix, '..', 'bin'));
        await symlink('../bin', join(prefix, 'bin'));
      },
      /bin: is a symlink, not a folder\nbin\/srun: is missing/,
    ],
    [
      'a folder that was added, by its name alone',
      async ({ prefix }) => {
        await mkdir(join(prefix, 'lib', 'slurm'), { recursive: true });
        await writeFile(join(prefix, 'lib', 'slurm', 'evil.so'), '');
      },
      /:\nlib: was added$/,
    ],
    ['a unit', ({ unit }) => rm(unit), /slurmd\.service: is missing/],
  ])('%s', async (_, change, message) => {
    const at = await installedTree();
    await change(at);
    const failed = verify(at.prefix);
    await expect(failed).rejects.toThrow(PackagingError);
    await expect(failed).rejects.toThrow(message);
  });

  test("a site's own configuration and debug files are not among it", async () => {
    const { prefix } = await installedTree();
    await writeFile(join(prefix, 'etc', 'slurm.conf'), 'ClusterName=a');
    await mkdir(join(prefix, 'bin', '.debug'));
    await writeFile(join(prefix, 'bin', '.debug', 'srun.debug'), '');
    expect((await verify(prefix)).notes.join()).toContain(
      "3 files in etc and .debug folders are the site's own",
    );
  });
});

test.each<[string, string, new (...words: never[]) => Error, RegExp]>([
  ['no folder', 'no', InputError, /installed: there is no folder/],
  ['a tree without a record', 'etc', InputError, /has no \.slurm-factory-install/],
])('%s is refused', async (_, name, kind, message) => {
  const { prefix } = await installedTree();
  const failed = verify(join(prefix, name));
  await expect(failed).rejects.toThrow(kind);
  await expect(failed).rejects.toThrow(message);
});

test.each(['', `target ${target}\n`, `target ${target}\nentry file\t755\tx\t../../etc/passwd\n`])(
  'a record that is none is refused: %j',
  async (text) => {
    const { prefix } = await installedTree();
    await writeFile(join(prefix, recordName), text);
    await expect(verify(prefix)).rejects.toThrow(/is damaged, or was written by another version/);
  },
);
