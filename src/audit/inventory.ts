import { z } from 'zod';
import { PackagingError } from '../base/errors.js';
import type { PackageManager } from '../distro/distro.js';

const damagedElf = z.object({ error: z.string() });

const elf = z.object({
  error: z.null(),
  /** `ET_DYN`, `ET_EXEC` … */
  type: z.string(),
  /** `EM_X86_64` … */
  machine: z.string(),
  bits: z.number().int(),
  interpreter: z.string().nullable(),
  soname: z.string().nullable(),
  needed: z.array(z.string()),
  /** Folders of RPATH and RUNPATH, as they stand there. */
  runpath: z.array(z.string()),
  /** All symbol versions that it needs: `GLIBC_2.34` … */
  versions: z.array(z.string()),
  /** The symbols behind each version that is above its limit. */
  newSymbols: z.record(z.string(), z.array(z.string())),
  /** Those of the requested symbols that it defines. */
  exports: z.array(z.string()),
  /** The loader binds all its functions at once, not each when it is called. */
  bindNow: z.boolean(),
  debugSections: z.boolean(),
  /** It holds debug sections and nothing that runs. */
  debugFile: z.boolean(),
});

const entry = z.object({
  /** As the archive has it. */
  path: z.string(),
  type: z.enum(['file', 'folder', 'symlink', 'hardlink', 'other']),
  mode: z.number().int(),
  uid: z.number().int(),
  gid: z.number().int(),
  size: z.number().int(),
  /** Names of the owner and group, those that are not empty. */
  owners: z.array(z.string()),
  /** Extended attributes, ACLs and the like, by their keywords in the archive. */
  attributes: z.array(z.string()),
  /** The path can be printed, and none of its parts is empty, `.` or `..`. */
  plain: z.boolean(),
  /** Of a file's bytes, lower-case hex; null for anything else and for what was not unpacked. */
  sha256: z.string().nullable(),
  /** What a link points at. */
  target: z.string().nullable(),
  /** It is an archive of object files: a static library. */
  archive: z.boolean(),
  /** Those of the forbidden strings that occur in it. */
  forbidden: z.array(z.string()),
  /** It holds what stands for the path of further packages. */
  marked: z.boolean().optional(),
  /** What follows `#!`. */
  script: z.string().nullable(),
  elf: z.union([elf, damagedElf]).nullable(),
});

const load = z.object({
  /** Program or shared object, as the archive has it. */
  file: z.string(),
  /** With all its symbols at once, with functions bound when they are called, or not at all. */
  binding: z.enum(['now', 'lazy', 'failed']),
  /** Program that it was loaded into; null for a program itself. */
  program: z.string().nullable(),
  /** Symbols that no program that was tried has. */
  missing: z.array(z.string()),
  error: z.string().nullable(),
});

const schema = z.object({
  schema: z.literal(1),
  /** What is wrong with the archive itself; there are no other facts then. */
  damage: z.string().nullable(),
  entries: z.array(entry),
  /** The libraries from outside the tarball, with the distribution's package that holds each. */
  systemLibraries: z.array(
    z.object({ soname: z.string(), path: z.string().nullable(), package: z.string().nullable() }),
  ),
  loads: z.array(load),
  /** Text of the list of files in which the path of further packages is to be written; null where there is none. */
  list: z.string().nullish(),
});

/** What `scripts/inside/elf_inventory.py` found in a tarball. */
export type Inventory = z.infer<typeof schema>;
export type Entry = z.infer<typeof entry>;
export type ElfFacts = z.infer<typeof elf>;
export type Load = z.infer<typeof load>;

/** What the script is asked. */
export interface InventoryRequest {
  /** Path of the tarball in the session. */
  readonly archive: string;
  /** Name of the archive's top folder. */
  readonly top: string;
  readonly packageManager: PackageManager;
  /** Strings that are looked for in every file. */
  readonly forbidden: readonly string[];
  /** What stands for the path of further packages, and where the list lies of the files in which it does. */
  readonly mark: string;
  readonly list: string;
  /** Symbols whose definition is looked for in every ELF file. */
  readonly exports: readonly string[];
  /** Highest version by prefix: `GLIBC` → `2.36`. */
  readonly limits: Readonly<Record<string, string>>;
  /** What opens before the files of a pattern: a library, or a stand-in for a driver's functions. */
  readonly companions: readonly (
    | { readonly file: string; readonly library: string }
    | { readonly file: string; readonly driver: string }
  )[];
  /** Programs that load shared objects, by the order they are tried in; relative to the top folder. */
  readonly hosts: readonly string[];
}

/**
 * Reads the script's answer.
 * @throws PackagingError when it does not match the schema
 */
export function parseInventory(json: string): Inventory {
  try {
    return schema.parse(JSON.parse(json));
  } catch (error) {
    throw new PackagingError(
      "The audit's inventory can't be read.",
      'Report this defect, with the tarball or how it was made.',
      { cause: error },
    );
  }
}

/** The facts of an entry that is a sound ELF file; undefined for anything else. */
export function elfOf(entry: Entry): ElfFacts | undefined {
  return entry.elf !== null && entry.elf.error === null ? entry.elf : undefined;
}
