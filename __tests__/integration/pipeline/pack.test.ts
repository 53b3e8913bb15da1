import { execFileSync } from 'node:child_process';
import { chmod, link, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { sha256 } from '../../../src/base/files.js';
import { packCommand } from '../../../src/bundle/archive.js';
import { layoutBelow } from '../../../src/container/layout.js';
import { machineSession, type Session } from '../../../src/container/session.js';
import { nodeProcess } from '../../../src/local/process.js';
import { copyTree } from '../../../src/pipeline/stages/pack.js';
import { temporaryFolder } from '../../support/fakes.js';

/** The tree that the software tarball is made from, by the real cp, find and tar. */

/** An installed tree with what an archive must not depend on. */
async function installed() {
  const root = await temporaryFolder({
    'store/slurm/.spack/spec.json': '{}',
    'store/slurm/.spack/sbom/spdx-2.3.json': '{}',
    'store/slurm/bin/srun': 'a program',
    'store/slurm/bin/.debug/srun.debug': 'debug sections',
    'store/slurm/lib/slurm/.debug/auth.debug': 'debug sections',
    'store/slurm/lib/slurm/auth.so': 'a plugin',
    'store/slurm/share/.spack/kept': "not Spack's folder",
  });
  const layout = layoutBelow(root);
  const prefix = join(layout.store, 'slurm');
  await chmod(join(prefix, 'bin/srun'), 0o755);
  await link(join(prefix, 'bin/srun'), join(prefix, 'bin/srun-hard'));
  await symlink('srun', join(prefix, 'bin/srun-soft'));
  await symlink('/nowhere', join(prefix, 'dangling'));
  await mkdir(join(prefix, 'empty'), { mode: 0o750 });
  // The machine's own session, but for the user that it would run as.
  const exec: Session['exec'] = (command, options) => nodeProcess.run(command, options);
  const session = { ...machineSession(layout, 'python3', nodeProcess, {}), exec };
  return { prefix, session };
}

/** The archive of a folder; gzip, as not every machine has pigz. */
function packed(folder: string, ...exclude: string[]): string {
  const words = packCommand({ archive: '-', folder, top: 'slurm-x', jobs: 2 });
  const [program, ...options] = words.map((word) => (word.startsWith('pigz') ? 'gzip --no-name' : word));
  return sha256(execFileSync(program ?? '', [...exclude, ...options]));
}

test('the archive of the copy has the bytes of that of the installed tree, without what is left out', async () => {
  const { prefix, session } = await installed();
  const tree = await copyTree(session, prefix);
  const names = execFileSync('find', ['.'], { cwd: tree, encoding: 'utf8' });
  expect(names).not.toMatch(/\.debug|spec\.json|sbom/);
  expect(names).toContain('./share/.spack/kept');
  expect(packed(tree)).toBe(packed(prefix, '--exclude=./.spack', '--exclude=.debug'));
});

test('a file of the copy can be changed in place without changing what was installed', async () => {
  const { prefix, session } = await installed();
  const tree = await copyTree(session, prefix);
  await writeFile(join(tree, 'bin/srun'), 'grafted', { flag: 'r+' });
  expect(await readFile(join(prefix, 'bin/srun'), 'utf8')).toBe('a program');
  expect((await stat(join(tree, 'bin/srun'))).mode & 0o777).toBe(0o755);
});
