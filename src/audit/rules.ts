import * as elf from './elf-rules.js';
import type { Expectation } from './expectation.js';
import * as features from './feature-rules.js';
import type { Breach, Tree } from './tree.js';
import * as archive from './tree-rules.js';

export interface Rule {
  readonly id: string;
  /** What must hold, one sentence. */
  readonly description: string;
  /** What to do when it does not hold, one sentence. */
  readonly remedy: string;
  readonly check: (tree: Tree, expectation: Expectation) => readonly Breach[];
}

/** All rules, in the order of their messages. docs/audit.md has the same table. */
export const rules: readonly Rule[] = [
  {
    id: 'whole-archive',
    description: 'The tarball can be read to its end, and its checksum fits.',
    remedy: 'Fetch or pack the tarball again; the disk may have been full.',
    check: archive.damage,
  },
  {
    id: 'top-folder',
    description: 'Everything lies below one folder, named after the target, each path once and as one thing.',
    remedy: 'Pack the tarball with the arguments of src/bundle/archive.ts.',
    check: archive.outside,
  },
  {
    id: 'plain-entries',
    description: 'There are only files, folders and symbolic links, all owned by 0:0.',
    remedy: 'Pack the tarball with the arguments of src/bundle/archive.ts.',
    check: archive.oddEntries,
  },
  {
    id: 'plain-names',
    description: 'Every name is text that can be seen, without control characters, empty parts and `..`.',
    remedy: 'Give the file another name where it is installed.',
    check: archive.strangeNames,
  },
  {
    id: 'no-attributes',
    description: 'No entry has extended attributes, capabilities or ACLs.',
    remedy: 'Pack the tarball with the arguments of src/bundle/archive.ts.',
    check: archive.attributes,
  },
  {
    id: 'no-setuid',
    description: 'No file or folder has a setuid, setgid or sticky bit.',
    remedy: 'Take the bit away where the file is installed; Slurm needs none.',
    check: archive.setuid,
  },
  {
    id: 'no-world-writable',
    description: 'Nobody but its owner and group may write a file or folder.',
    remedy: 'Install the file without write permission for others.',
    check: archive.worldWritable,
  },
  {
    id: 'relative-links',
    description: 'Symbolic links are relative and stay within the tarball.',
    remedy: 'Make the link relative to its own folder, to a file of the tarball.',
    check: archive.farLinks,
  },
  {
    id: 'no-dangling-links',
    description: 'Every symbolic link leads to something in the tarball.',
    remedy: 'Install what the link points at, or do not install the link.',
    check: archive.danglingLinks,
  },
  {
    id: 'no-static-libraries',
    description: 'There is no static library, by its name (.a, .la) or by its content.',
    remedy: 'Configure without static libraries, as the recipe does, or remove them behind the installation.',
    check: archive.staticLibraries,
  },
  {
    id: 'no-build-path',
    description: "No file holds a path of the build: Spack's store, its stages, its clones.",
    remedy:
      'Make the recipe ask where the file was loaded from (self_location.patch), or map the prefix away.',
    check: archive.buildPaths,
  },
  {
    id: 'relocation-list',
    description:
      'Files of further packages in which a path has to be written are those that packages/relocate.list names.',
    remedy: 'Let scripts/inside/further.py write the list, and change no file behind it.',
    check: archive.relocation,
  },
  {
    id: 'system-interpreter',
    description: "The interpreter of a script lies in the system's /bin, /sbin, /usr/bin or /usr/sbin.",
    remedy: "Let the script's first line name the system's interpreter.",
    check: archive.scriptInterpreters,
  },
  {
    id: 'sound-elf',
    description: 'Every ELF file can be read.',
    remedy: 'Build the package again; the file is damaged or cut off.',
    check: elf.damaged,
  },
  {
    id: 'architecture',
    description: "Every ELF file is for the target's architecture and asks for its loader.",
    remedy: "Build on a machine of the architecture, with the toolchain's own compiler.",
    check: elf.foreignArchitecture,
  },
  {
    id: 'needed-libraries',
    description:
      "Every NEEDED library is in the tarball where RUNPATH leads, or one that may stay the host's.",
    remedy:
      'Ship the library, turn the feature that links it off, or declare it in toolchain.yaml or data/libraries.yaml.',
    check: elf.strayLibraries,
  },
  {
    id: 'owned-libraries',
    description: 'Every NEEDED library from outside belongs to a package of the distribution.',
    remedy: 'Link the library from a package of the distribution, or ship it.',
    check: elf.unownedLibraries,
  },
  {
    id: 'relative-runpath',
    description: 'Every folder in RPATH or RUNPATH starts with $ORIGIN and stays within the tarball.',
    remedy: "Set it relative to the file: patchelf --set-rpath '$ORIGIN/../lib' FILE.",
    check: elf.foreignRunpath,
  },
  {
    id: 'own-names',
    description:
      "A library that the tarball brings has a name of its own, so that no process takes it for the host's.",
    remedy:
      'Rename it as scripts/inside/graft.py does, or give the reason in `named` of data/libraries.yaml.',
    check: elf.commonNames,
  },
  {
    id: 'lazy-binding',
    description: 'Functions of Slurm are bound when they are called: its plugins leave some open.',
    remedy: 'Link with -z lazy, as the recipe does.',
    check: elf.eagerBinding,
  },
  {
    id: 'symbol-versions',
    description:
      "No file needs a newer GLIBC or GLIBCXX than the target promises, nor glibc's private symbols.",
    remedy: 'Build in the image of the toolchain, with nothing from a newer distribution.',
    check: elf.newVersions,
  },
  {
    id: 'no-gpu-stub',
    description: "No library of the GPU's driver is in the tarball, a stub least of all.",
    remedy: 'Leave the library to the driver: install no file of the stub that configure was given.',
    check: elf.gpuStubs,
  },
  {
    id: 'no-debug-sections',
    description: 'Debug sections are in files of their own below .debug, or nowhere.',
    remedy: 'Strip the file, as the recipe does with all that it installs.',
    check: elf.debugSections,
  },
  {
    id: 'promised-files',
    description: 'Programs, plugins and example configurations that the target promises are there.',
    remedy: 'Look at the dependency that is named, and at what configure says of it in the build log.',
    check: features.missing,
  },
  {
    id: 'loadable',
    description:
      'Every program starts and every shared object opens in one of them; a promised one with all its symbols.',
    remedy: 'Link what has the missing symbol, or declare what brings it in src/audit/plugins.ts.',
    check: features.unloadable,
  },
];
