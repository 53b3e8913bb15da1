import { features, names, paths, repository, text, version } from './kinds.js';

const everywhere = { group: 'What is built', actions: ['build'], commands: ['build'] } as const;

/** The inputs that say which Slurm is built; rows of the table in `inputs.ts`. */
export const sourceInputs = {
  'slurm-version': {
    ...everywhere,
    default: 'latest',
    description:
      'Slurm release: exact (24.11.6), the newest of a series (24.11) or latest; or a full commit, or an archive by its path or address.',
    help: 'quote it in a workflow, so that YAML does not take it for a number: 25.10 without quotes is 25.1. The releases of a series and `latest` are those of `data/slurm-releases.json`. For a release that is not listed there, its repository is asked for the tag. What a commit or an archive is, its file `META` says. An archive ends with `.tar.gz`, `.tgz`, `.tar.bz2` or `.tar.xz` and needs `slurm-sha256`. See [examples.md](examples.md#a-release-newer-than-ours).',
    kind: version,
  },
  'slurm-sha256': {
    ...everywhere,
    default: '',
    description: 'Sum (sha256) of the archive that slurm-version names; nothing else has one.',
    help: '64 lower-case digits. An archive with another sum is refused before anything is built.',
    kind: text(/^[0-9a-f]{64}$/, 'a sha256: 64 lower-case hexadecimal digits'),
  },
  source: {
    ...everywhere,
    default: '',
    description:
      "Git repository of Slurm, a fork: an address (https) or a folder of this machine; SchedMD's if empty.",
    help: 'an exact release is then the tag of that repository, listed or not; `24.11` and `latest` are its tag of the release that `data/` names. A relative path starts at the workspace; only what is committed there counts. A login in the address is refused: of a private repository, take a checkout on this machine.',
    kind: repository,
  },
  patches: {
    ...everywhere,
    default: '',
    description: 'Patches to apply to Slurm, in this order, with -p1: files with white space between.',
    help: 'relative paths start at the workspace. Each is a plain file, not a link. What makes a generated file anew (`configure.ac`, `Makefile.am`) has to bring that file (`configure`, `Makefile.in`) too.',
    kind: paths,
  },
  features: {
    ...everywhere,
    default: 'default',
    description:
      'Features of Slurm: minimal, default or full, and +NAME or -NAME for each one more or less: full -sview; +hdf5 +ucx.',
    help: 'see [features.md](features.md). A set has what the release and the distribution can have of it; what is asked for by its name and can not be had is an error.',
    kind: features,
  },
  externals: {
    ...everywhere,
    default: '',
    description:
      "With dependencies: self-contained, packages that are the distribution's all the same: Spack's names with white space between, such as curl readline.",
    help: 'each is one of the `dependencies` in the `toolchain.yaml`. Their libraries come into the tarball as with `bundled`, with the same [security updates](libraries.md#security-updates). They are in the name of the target, by a digest, in the content key and in the manifest.',
    kind: names,
  },
} as const;
