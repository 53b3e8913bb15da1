import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  type InstalledEntry,
  moduleFiles,
  moduleTemplates,
  renderInstaller,
} from '../../src/bundle/modules.js';
import { formatTarget } from '../../src/targets/identifier.js';
import { systemTarget } from './fakes.js';
import { projectRoot } from './prepare.js';

/** A member of a tarball; `type` as in tar's header: 0 file, 1 hard link, 2 link, 3 device, 5 folder, 6 pipe. */
export interface Member {
  readonly path: string;
  readonly type: '0' | '1' | '2' | '3' | '5' | '6';
  readonly mode: number;
  readonly text?: string;
  readonly link?: string;
}

export const file = (path: string, text = path, mode = 0o755): Member => ({ path, type: '0', mode, text });
const folder = (path: string): Member => ({ path, type: '5', mode: 0o755 });

/** A tree with the names that matter, and some that shells stumble over. */
export const smallTree: readonly Member[] = [
  ...['bin', 'etc', 'lib', 'lib/slurm', 'lib/e m p t y', 'sbin'].map(folder),
  ...['sackd', 'slurmctld', 'slurmd', 'slurmdbd', 'slurmrestd', 'slurmstepd'].map((name) =>
    file(`sbin/${name}`),
  ),
  ...['lib/slurm/auth.so', 'lib/slurm/libslurmfull.so', 'bin/sinfo'].map((path) => file(path)),
  file('etc/slurm.conf.example', 'ClusterName=cluster\n', 0o644),
  file("lib/it's $(id) ö", 'x', 0o644),
  { path: 'lib/libslurm.so', type: '2', mode: 0o777, link: 'slurm/libslurmfull.so' },
];

export const smallTarget = systemTarget();

export interface SmallResult {
  readonly dir: string;
  readonly script: string;
  readonly tarball: string;
}

/**
 * Writes a result as a build leaves it, with an installer and hardly anything to install.
 * @param packed what the tarball has, where that is not what the installer expects, the tree
 * @param room characters that the prefix may have, where it is written into files
 */
export function writeSmallResult(
  dir: string,
  target = smallTarget,
  packed = smallTree,
  { tree = smallTree, room }: { readonly tree?: readonly Member[]; readonly room?: number } = {},
): SmallResult {
  const name = formatTarget(target);
  const [software, modules] = [`${name}-software.tar.gz`, `${name}-modules.tar.gz`];
  const template = (of: string) => readFileSync(join(projectRoot, 'templates', of), 'utf8');
  const templates = { lmod: template(moduleTemplates.lmod), tcl: template(moduleTemplates.tcl) };
  const members = moduleFiles(target, templates).map(({ path, text }) => file(path, text, 0o644));
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, software), tarball(name, packed));
  writeFileSync(join(dir, modules), tarball('modulefiles', members));
  const sums = [software, modules].map((of) => `${sha256(readFileSync(join(dir, of)))}  ${of}\n`);
  writeFileSync(join(dir, `${name}-SHA256SUMS`), sums.join(''));
  const machine = { os: { id: 'debian', version: '12' }, packageManager: 'dpkg', room } as const;
  const script = join(dir, `${name}-install.sh`);
  writeFileSync(script, renderInstaller(template('install.sh'), target, machine, [], tree.map(installed)));
  return { dir, script, tarball: join(dir, software) };
}

const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

function installed({ path, type, mode, text, link }: Member): InstalledEntry {
  if (type === '0') return { path, type: 'file', mode, sha256: sha256(text ?? ''), target: null };
  if (type === '5') return { path, type: 'folder', mode, sha256: null, target: null };
  return { path, type: 'symlink', mode, sha256: null, target: link ?? '' };
}

function tarball(top: string, members: readonly Member[]): Buffer {
  const blocks = [folder('.'), ...members].flatMap((member) => {
    const text = Buffer.from(member.text ?? '');
    const header = Buffer.alloc(512);
    const path = member.path === '.' ? top : `${top}/${member.path}`;
    const link = member.type === '1' ? `${top}/${member.link}` : (member.link ?? '');
    const octal = (value: number, length: number) => `${value.toString(8).padStart(length - 1, '0')}\0`;
    header.write(path, 0, 'utf8');
    header.write(octal(member.mode, 8) + octal(0, 8) + octal(0, 8), 100);
    header.write(octal(text.length, 12) + octal(315532800, 12), 124);
    header.write(`        ${member.type}${link}`, 148);
    header.write('ustar\x0000', 257);
    header.write(octal(1, 8) + octal(3, 8), 329);
    header.write(
      octal(
        header.reduce((sum, byte) => sum + byte, 0),
        7,
      ),
      148,
    );
    return [header, text, Buffer.alloc((512 - (text.length % 512)) % 512)];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}
