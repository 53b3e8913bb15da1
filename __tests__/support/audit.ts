import type { Expectation } from '../../src/audit/expectation.js';
import { expectationFor } from '../../src/audit/expectation.js';
import type { ElfFacts, Entry, Inventory, Load } from '../../src/audit/inventory.js';
import { sha256 } from '../../src/base/files.js';
import { auditFacts, systemTarget, toolchain } from './fakes.js';

/** Builders of facts: a small tarball that breaks no rule, and changes to it. */

export const target = systemTarget();
export const top = 'slurm-24.11.6-bookworm-amd64';

export const bookworm = toolchain({
  systemLibraries: ['libc.so.6', 'libmunge.so.2'],
  dependencies: [
    {
      spec: 'pmix',
      package: 'libpmix-dev',
      also: [],
      prefix: '/usr',
      runtime: 'libpmix2',
      opened: true,
    },
  ],
});

/** What the small tarball promises. */
export const expectation: Expectation = {
  ...expectationFor(target, bookworm, auditFacts),
  promised: [
    { feature: 'daemons', needs: 'the build log', files: ['sbin/slurmctld'] },
    { feature: 'munge', needs: 'munge', files: ['lib/slurm/auth_munge.so'] },
    { feature: 'PMIx', needs: 'pmix', files: ['lib/slurm/mpi_pmix.so'] },
    { feature: 'REST', needs: 'json-c', files: ['lib/slurm/openapi_*.so'] },
  ],
};

export const entry = (path: string, change: Partial<Entry> = {}): Entry => ({
  path: path === '.' ? top : `${top}/${path}`,
  type: 'file',
  mode: 0o755,
  uid: 0,
  gid: 0,
  size: 1,
  target: null,
  owners: [],
  attributes: [],
  plain: true,
  archive: false,
  forbidden: [],
  script: null,
  elf: null,
  sha256: change.type === undefined || change.type === 'file' ? sha256(path) : null,
  ...change,
});

export const folder = (path: string): Entry => entry(path, { type: 'folder' });
export const link = (path: string, target: string): Entry =>
  entry(path, { type: 'symlink', mode: 0o777, target });

export const elf = (change: Partial<ElfFacts> = {}): ElfFacts => ({
  error: null,
  type: 'ET_DYN',
  machine: 'EM_X86_64',
  bits: 64,
  interpreter: null,
  soname: null,
  needed: ['libc.so.6'],
  runpath: ['$ORIGIN/..', '$ORIGIN'],
  versions: ['GLIBC_2.34', 'GLIBC_2.2.5'],
  newSymbols: {},
  exports: [],
  bindNow: false,
  debugSections: false,
  debugFile: false,
  ...change,
});

export const load = (file: string, change: Partial<Load> = {}): Load => ({
  file: `${top}/${file}`,
  binding: 'now',
  program: `${top}/sbin/slurmctld`,
  missing: [],
  error: null,
  ...change,
});

const plugins = ['auth_munge', 'mpi_pmix_v4', 'openapi_slurmctld', 'libslurmfull'];

/** A tarball that breaks no rule. */
export function facts(): Inventory {
  return {
    schema: 1,
    damage: null,
    entries: [
      ...['.', 'bin', 'sbin', 'lib', 'lib/slurm'].map(folder),
      entry('bin/sjstat', { script: '/usr/bin/perl -w' }),
      entry('sbin/slurmctld', {
        elf: elf({
          interpreter: '/lib64/ld-linux-x86-64.so.2',
          needed: ['libslurmfull.so', 'libc.so.6'],
          runpath: ['$ORIGIN/../lib', '$ORIGIN/../lib/slurm'],
        }),
      }),
      ...plugins.map((name) => entry(`lib/slurm/${name}.so`, { elf: elf() })),
      link('lib/slurm/mpi_pmix.so', './mpi_pmix_v4.so'),
    ],
    systemLibraries: [
      { soname: 'libc.so.6', path: '/lib/libc.so.6', package: 'libc6' },
      { soname: 'libmunge.so.2', path: '/lib/libmunge.so.2', package: 'libmunge2' },
    ],
    loads: [
      load('sbin/slurmctld', { program: null }),
      ...plugins.map((name) => load(`lib/slurm/${name}.so`)),
    ],
  };
}

/** The small tarball with more entries; one with a path that is there takes its place. */
export function withEntries(...entries: readonly Entry[]): Inventory {
  const base = facts();
  const replaced = new Set(entries.map(({ path }) => path));
  return { ...base, entries: [...base.entries.filter(({ path }) => !replaced.has(path)), ...entries] };
}

/** The small tarball with another ELF plugin. */
export const withElf = (change: Partial<ElfFacts>, path = 'lib/slurm/extra.so'): Inventory =>
  withEntries(entry(path, { elf: elf(change) }));

/** The small tarball without an entry. */
export function without(path: string): Inventory {
  const base = facts();
  return { ...base, entries: base.entries.filter((item) => item.path !== `${top}/${path}`) };
}
