/** The inputs: their names, defaults and descriptions. `action.yml` and the command line show the same. */

export const inputs = {
  'slurm-version': {
    default: 'latest',
    description: 'Slurm release: exact (24.11.6), the newest of a series (24.11) or latest.',
  },
  toolchain: {
    default: 'bookworm',
    description: 'Distribution to build for, one of toolchains/ (bookworm).',
  },
  gpu: {
    default: 'none',
    description:
      'GPU support: none, cuda (NVML, without the CUDA toolkit) or rocm; true means cuda, false none.',
  },
  dependencies: {
    default: 'system',
    description:
      "What Slurm links: system (the distribution's libraries) or self-contained (built by Spack).",
  },
  engine: {
    default: 'auto',
    description:
      'Container engine: auto, docker, podman, or none for a job that already runs in a container.',
  },
  'container-image': {
    default: '',
    description: "Image to make the builder image from, in place of the toolchain's own.",
  },
  'spack-ref': {
    default: '',
    description: 'Commit, tag or branch of Spack; the pinned commit if empty.',
  },
  'packages-ref': {
    default: '',
    description: 'Commit, tag or branch of spack-packages; the pinned commit if empty.',
  },
  'source-mirror': {
    default: '',
    description: 'Directory or URL of a Spack source mirror, for machines without internet.',
  },
  cache: {
    default: 'auto',
    description:
      'Use of the caches: auto (restore, and save but for tags, releases, pull requests of forks and events that others can start), true, restore-only or false.',
  },
  'cache-secret': {
    default: '',
    description:
      'Secret that the cache entries of this build are sealed with, 32 characters or more: entries without its seal are not believed. The GPG key if empty; give it from a secret.',
  },
  'cache-budget': {
    default: '2 GB',
    description:
      'Size that the saved cache entries of the target may have together: 2 GB, 500 MB, 1.5 GiB or a number of bytes; what is above goes, least recently used first.',
  },
  jobs: {
    default: '',
    description: "Parallel compile jobs; the machine's cores if empty.",
  },
  'output-dir': {
    default: 'slurm-factory-output',
    description: 'Directory for the tarballs, the manifest and SHA256SUMS.',
  },
  upload: {
    default: 'true',
    description: 'Upload the tarballs, the manifest and SHA256SUMS as artifacts.',
  },
  debug: {
    default: 'false',
    description: 'Also make a tarball with debug files for gdb, <target>-debug.tar.gz.',
  },
  'smoke-test': {
    default: 'true',
    description:
      'Run a one-node cluster from the tarball in a fresh container before it is handed out (not with engine none).',
  },
  'gpg-private-key': {
    default: '',
    description:
      'Private GPG key (armored, or base64 of that) to sign the files with; give it from a secret.',
  },
  'gpg-passphrase': {
    default: '',
    description: 'Passphrase of the GPG key; give it from a secret.',
  },
  'github-token': {
    default: '${{ github.token }}',
    description:
      'Token that writes the build provenance, where the workflow grants attestations: write, and removes old cache entries, where it grants actions: write.',
  },
  'retention-days': {
    default: '',
    description: "Days that the artifacts are kept; the repository's setting if empty.",
  },
} as const satisfies Record<string, { default: string; description: string }>;

export type InputName = keyof typeof inputs;
export const inputNames = Object.keys(inputs) as InputName[];

/** Inputs as text; one that is missing or empty takes its default. */
export type RawInputs = Readonly<Partial<Record<InputName, string>>>;

export const dependencyKinds = ['system', 'self-contained'] as const;
export const engineChoices = ['auto', 'docker', 'podman', 'none'] as const;
export const cacheModes = ['auto', 'true', 'restore-only', 'false'] as const;
export type DependencyKind = (typeof dependencyKinds)[number];
export type EngineChoice = (typeof engineChoices)[number];
export type CacheMode = (typeof cacheModes)[number];
