import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expectationFor } from '../../src/audit/expectation.js';
import type { Inventory, InventoryRequest } from '../../src/audit/inventory.js';
import { exists } from '../../src/base/files.js';
import { elf, entry, folder, load, top } from './audit.js';
import { cachedPackage } from './buildcache.js';
import { tarball } from './bundle.js';
import {
  type Answer,
  auditFacts,
  type FakeProcess,
  fakeProcess,
  projectToolchain,
  targetNamed,
  writeFiles,
} from './fakes.js';

/** Hashes of the packages in the lock that the fake Spack writes. */
export const hashes = { slurm: 's'.repeat(32), nvml: 'n'.repeat(32), munge: 'm'.repeat(32) };

export const lockText = JSON.stringify({
  roots: [{ hash: hashes.slurm, spec: 'slurm@=24-11-6-1' }],
  concrete_specs: {
    [hashes.slurm]: { name: 'slurm', version: '24-11-6-1' },
    [hashes.nvml]: { name: 'nvml', version: '12.9' },
    [hashes.munge]: { name: 'munge', version: '0.5.15', external: { path: '/usr' } },
  },
});

/** Where the fake Spack puts Slurm, as the container sees it. */
export const slurmPrefix = '/opt/slurm-factory/store/__spack_path_placeholder__/slurm';

const nvmlPrefix = '/opt/slurm-factory/store/__spack_path_placeholder__/nvml';
/** The copy of Slurm's tree that the tarball is made from. */
export const packedTree = '/opt/slurm-factory/store/tree';

/** Folders that the fake build left debug files in, in no order. */
export const debugFolders = ['./sbin/.debug', './bin/.debug'];

/** A private key as gpg takes it, its passphrase, and what the fake gpg says of it. */
export const signingKey = {
  armored:
    '-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQOYBGVfakefakefakefakefake0123456789\n-----END PGP PRIVATE KEY BLOCK-----\n',
  passphrase: 'correct horse',
  fingerprint: 'F'.repeat(40),
  publicKey: '-----BEGIN PGP PUBLIC KEY BLOCK-----\n',
};

export interface MachineScript {
  /** Answers in place of the usual one; what gives undefined happens as usual. */
  readonly answer?: (
    words: readonly string[],
    folders: Readonly<Record<string, string>>,
  ) => Answer | undefined | Promise<Answer | undefined>;
  /** Changes what the audit finds in the software tarball. */
  readonly facts?: (facts: Inventory) => Inventory;
  /** What the graft script answers to what it was asked. */
  readonly grafted?: (asked: { outdated: string[]; updates: string | null }) => typeof graftAnswer;
  /** What becomes of a check of the smoke test; passed without it. */
  readonly check?: (name: string) => { readonly status: string; readonly detail: string } | undefined;
}

/**
 * A machine with git, gpg and Docker in which every command of a build works, as far as the file system
 * sees it: clones, images, container, Spack's lock, its build cache and database, the tarballs, their audit,
 * the smoke test and signatures.
 */
export function fakeMachine(script: MachineScript = {}): FakeProcess {
  const started = new Map<string, Record<string, string>>();
  const made = new Set<string>();
  return fakeProcess(async (command, options) => {
    const [program, verb] = command;
    if (program === 'docker' && verb === 'run' && command.includes('--detach')) {
      started.set(after(command, '--name'), mountsOf(command));
    }
    const words = program === 'docker' && verb === 'exec' ? inside(command) : command;
    // Those of the container that runs the command; for the machine itself, of the build.
    const folders = started.get(containerOf(command)) ?? [...started.values()][0] ?? {};
    const scripted = await script.answer?.(words, folders);
    if (scripted !== undefined) return scripted;
    if (program === 'git') return git(command);
    if (program === 'gpg') return gpg(command);
    if (program === 'tar' && command.includes('--create'))
      await writeFile(after(command, '--file'), 'objects');
    if (words.includes('--checks')) return smokeTest(words, script);
    if (words !== command) return session(words, folders, script, options.stdoutFile);
    return program === 'docker' ? docker(command, made) : undefined;
  });
}

/** Answers of a machine that builds without an engine: all packages are installed, Python's venv can be made. */
export async function onMachine(words: readonly string[]): Promise<Answer | undefined> {
  if (words[0] === 'dpkg-query' && words[3]?.includes('Status')) {
    return {
      stdout: words
        .slice(4)
        .map((name) => `${name} installed\n`)
        .join(''),
    };
  }
  if (words[2] === 'venv') await mkdir(words[3] ?? '', { recursive: true });
  return undefined;
}

/** Source of each bind mount by the last part of its target. */
function mountsOf(command: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    command.flatMap((word) => {
      const mount = /^type=bind,source=([^,]+),target=\/opt\/slurm-factory\/([^,]+)/.exec(word);
      return mount?.[1] === undefined || mount[2] === undefined ? [] : [[mount[2], mount[1]]];
    }),
  );
}

/** The command of a `docker exec`: what comes behind the container's name. */
function inside(command: readonly string[]): readonly string[] {
  return command.slice(command.indexOf(containerOf(command)) + 1);
}

/** The container of a `docker exec`. */
const containerOf = (command: readonly string[]): string =>
  command.find((word) => word.startsWith('slurm-factory-')) ?? '';

/** The engine itself; of the images, the smoke test's must be made first. */
function docker(command: readonly string[], made: Set<string>): Answer | undefined {
  const verb = command[1];
  if (verb === 'version') return { stdout: '{"Server":{"Version":"26.1.5"}}' };
  if (verb === 'info') return { stdout: '2\n' };
  if (verb === 'inspect') return { stdout: 'true\n' };
  if (verb === 'build') made.add(after(command, '--tag'));
  if (verb === 'image') {
    const name = command[3] ?? '';
    return { exitCode: name.startsWith('slurm-factory/smoke:') && !made.has(name) ? 1 : 0 };
  }
  return undefined;
}

/** The smoke test's script: a line for each check. */
function smokeTest(words: readonly string[], { check }: MachineScript): Answer {
  const lines = after(words, '--checks')
    .split(',')
    .map((name) =>
      JSON.stringify({ check: name, status: 'passed', seconds: 0.25, detail: '', ...check?.(name) }),
    );
  return { exitCode: lines.some((line) => line.includes('"failed"')) ? 1 : 0, stdout: lines.join('\n') };
}

/** The word behind an option. */
const after = (command: readonly string[], option: string): string =>
  command[command.indexOf(option) + 1] ?? '';

/** gpg with the one key of `signingKey`. */
async function gpg(command: readonly string[]): Promise<Answer | undefined> {
  const { fingerprint, publicKey } = signingKey;
  if (command.includes('--list-secret-keys')) {
    return { stdout: `sec:-:255:22:FFFF:1:::-:::scSC:::+::ed25519:::0:\nfpr:::::::::${fingerprint}:\n` };
  }
  if (command.includes('--export')) return { stdout: publicKey };
  if (command.includes('--detach-sign')) {
    await writeFile(after(command, '--output'), '-----BEGIN PGP SIGNATURE-----\n');
  }
  if (command.includes('--verify')) {
    return {
      stdout: `[GNUPG:] GOODSIG FFFF A <a@test>\n[GNUPG:] VALIDSIG 00 2026 1 0 4 0 22 8 00 ${fingerprint}\n`,
    };
  }
  return undefined;
}

async function git(command: readonly string[]): Promise<Answer | undefined> {
  const [bare, tree] = ['--git-dir', '--work-tree'].map(
    (option) => command[command.indexOf(option) + 1] ?? '',
  );
  if (command.includes('init')) await mkdir(bare ?? '', { recursive: true });
  if (command.includes('fetch')) await writeFile(join(bare ?? '', 'pack'), 'objects');
  if (command.includes('checkout')) {
    if (!(await exists(join(bare ?? '', 'pack')))) return { exitCode: 128, stderr: 'fatal: no objects' };
    await writeFile(join(tree ?? '', 'README'), 'files');
  }
  return undefined;
}

async function session(
  words: readonly string[],
  folders: Readonly<Record<string, string>>,
  script: MachineScript,
  stdoutFile?: string,
): Promise<Answer | undefined> {
  // What is no mount of a container is in its memory, of which nothing is seen from outside.
  const at = (path: string) => {
    const [place = '', ...below] = path.split('/');
    const folder = folders[place] ?? join(folders['stage'] ?? '/nowhere', '..', 'memory', place);
    return join(folder, ...below);
  };
  const host = (path: string) => at(path.replace('/opt/slurm-factory/', ''));
  if (words[0] === 'dpkg-query') {
    const named = words.slice(4);
    return distribution(words[3] ?? '', named.length > 0 ? named : ['libc6', 'libmunge2']);
  }
  if (words[0] === 'find' && words.includes('-type')) return { stdout: `${debugFolders.join('\n')}\n` };
  if (words[0] === 'head' && words.at(-1) === `${slurmPrefix}/.spack/sbom/spdx-2.3.json`) {
    return { stdout: spackSbom };
  }
  if (words.includes('concretize')) {
    await writeFiles(at('environment'), { 'spack.lock': lockText });
    await writeFiles(at('user-cache'), {
      'misc/providers/builtin.json': '{}',
      'misc/concretization/v1/a': '',
    });
  }
  if (words.includes('fetch')) await writeFiles(at('fetched'), { 'archive/slurm.tar.gz': 'the source' });
  if (words.includes('install')) {
    return install(at('store'), [at('arrivals/build-cache'), at('build-cache')], at('user-cache'));
  }
  // What the fake Spack installed is not there.
  if (words[0] === 'cp' && words.at(-2) !== slurmPrefix)
    await cp(host(words.at(-2) ?? ''), host(words.at(-1) ?? ''), { recursive: true });
  if (words[0] === 'tar' && words.includes('--create')) {
    if (after(words, '--file') !== '-' || stdoutFile === undefined) return { exitCode: 2 };
    const from = after(words, '--directory');
    const members = words.slice(words.findIndex((word) => word.startsWith('--transform=')) + 1);
    const what = members[0] === '.' ? from : `${members.join(' ')} of ${from}`;
    const top = /^--transform=s,\^\\\.,(.*),S$/.exec(
      words.find((word) => word.startsWith('--transform=')) ?? '',
    )?.[1];
    await writeFile(stdoutFile, tarball(top ?? '', `tarball of ${what}`), { flag: 'wx' });
  }
  if (words[1] === '-c' && words[2]?.includes('# graft.py')) {
    return { stdout: JSON.stringify(script.grafted?.(JSON.parse(words[3] ?? '')) ?? graftAnswer) };
  }
  if (words[1] === '-c' && words[2]?.includes('# elf_inventory.py')) {
    const question: InventoryRequest = JSON.parse(words[3] ?? '');
    if (!(await exists(host(question.archive)))) return { exitCode: 1, stderr: 'FileNotFoundError' };
    const facts = tarballFacts(question.top);
    return { stdout: JSON.stringify(script.facts?.(facts) ?? facts) };
  }
  return undefined;
}

/** What the graft script says where one library came into the tree. */
export const graftAnswer = {
  schema: 3,
  wanted: [] as string[],
  updates: [] as { name: string; version: string; arch: string; source: string }[],
  libraries: [
    {
      soname: 'libmunge.so.2',
      name: 'libmunge-0123abcd.so.2',
      source: '/usr/lib/libmunge.so.2',
      sha256: '0123abcd'.repeat(8),
      package: 'libmunge2' as string | null,
      spec: null as string | null,
    },
  ],
  host: ['libc.so.6'],
  missing: [] as { file: string; soname: string }[],
  unlicensed: [] as string[],
};

/** What dpkg says of packages, all of which are installed: for the build's versions, or for the SBOM. */
function distribution(format: string, names: readonly string[]): Answer {
  const line = format.includes('${Architecture}')
    ? (name: string) => `${name}\t\t1.2.3-1\tamd64\t${name} 1.2.3-1\n`
    : (name: string) => `${name} 1.2.3-1\n`;
  return { stdout: names.map(line).join('') };
}

/** The document that Spack leaves in a prefix. */
const spackSbom = JSON.stringify({
  packages: [
    {
      name: 'nvml',
      versionInfo: '12.9',
      downloadLocation: 'https://nvml.test/nvml.whl',
      licenseDeclared: 'NOASSERTION',
      checksum: [{ algorithm: 'SHA256', checksumValue: '5'.repeat(64) }],
    },
  ],
});

/** The facts of a tarball that has what its target promises and breaks no rule. */
export function tarballFacts(identifier: string): Inventory {
  const target = targetNamed(identifier);
  const { promised, interpreter } = expectationFor(target, projectToolchain(), auditFacts);
  const files = [...new Set(promised.flatMap(({ files }) => files.map((file) => file.replace('*', 'x'))))];
  const isProgram = (file: string) => /^s?bin\//.test(file);
  const programs = files.filter(isProgram);
  const libraries = files.filter((file) => /\.so(\.\d+)?$/.test(file));
  const brings = target.dependencies !== 'system';
  const library = brings ? 'libmunge-0123abcd.so.2' : 'libmunge.so.2';
  const runpath = brings ? ['$ORIGIN', '$ORIGIN/../bundled'] : ['$ORIGIN'];
  const munge = { needed: [library, 'libc.so.6'], runpath };
  const facts: Inventory = {
    schema: 1,
    damage: null,
    entries: [
      folder('.'),
      ...programs.map((file) => entry(file, { elf: elf({ interpreter }) })),
      ...libraries.map((file) => entry(file, { elf: elf(file.includes('munge') ? munge : {}) })),
      ...files
        .filter((file) => !programs.includes(file) && !libraries.includes(file))
        .map((file) => entry(file, { mode: 0o644 })),
      ...(brings ? [entry(`lib/bundled/${library}`, { mode: 0o644, elf: elf({ soname: library }) })] : []),
    ],
    systemLibraries: [
      ...(brings ? [] : [{ soname: 'libmunge.so.2', path: '/lib/libmunge.so.2', package: 'libmunge2' }]),
      { soname: 'libc.so.6', path: '/lib/libc.so.6', package: 'libc6' },
    ],
    loads: [...programs.map((file) => load(file, { program: null })), ...libraries.map((file) => load(file))],
  };
  return JSON.parse(JSON.stringify(facts).replaceAll(`"${top}`, `"${identifier}`));
}

/** Spack's install: what the build cache lacks is compiled and pushed, then all is in the database. */
async function install(store: string, mirrors: readonly string[], userCache: string): Promise<Answer> {
  const listed = await Promise.all(
    mirrors.map((mirror) => readdir(mirror, { recursive: true }).catch(() => [])),
  );
  const manifests = listed.flat().join('\n');
  const buildCache = mirrors.at(-1) ?? '';
  const packages = [
    ['nvml', '12.9', hashes.nvml],
    ['slurm', '24-11-6-1', hashes.slurm],
  ] as const;
  const lines: string[] = [];
  const prefixes: Record<string, string> = { [hashes.slurm]: slurmPrefix, [hashes.nvml]: nvmlPrefix };
  for (const [name, version, hash] of packages) {
    const cached = manifests.includes(hash);
    const prefix = prefixes[hash]?.replace('/opt/slurm-factory/store/', '');
    if (cached) await writeFiles(store, { [`${prefix}/.spack/binary_distribution`]: '{}' });
    const phase = cached ? 'fetching from build cache' : 'build';
    lines.push(`[ ] ${hash.slice(0, 7)} ${name}@${version} ${phase} (1s)`);
    lines.push(`[+] ${hash.slice(0, 7)} ${name}@${version} /store/${name} (2s)`);
    if (cached) continue;
    await writeFiles(userCache, { [`ccache/a/${hash}M`]: 'manifest', [`ccache/b/${hash}R`]: 'object' });
    await writeFiles(buildCache, cachedPackage(name, version, hash, [`${name} spec`, `${name} tarball`]));
  }
  const installs = Object.entries(prefixes).map(([hash, path]) => [hash, { path, installed: true }]);
  const database = { database: { installs: Object.fromEntries(installs) } };
  await writeFiles(store, { '__spack_path_placeholder__/.spack-db/index.json': JSON.stringify(database) });
  return { stdout: lines.join('\n') };
}
