import { buildCacheInputs } from './build-cache-inputs.js';
import { addressOrOff, boolean, choice, type Kind, path, secret, size, text, whole } from './kinds.js';
import { limitInputs } from './limit-inputs.js';
import { planInputs } from './plan-inputs.js';
import { publishInputs } from './publish-inputs.js';
import { reportInputs } from './report-inputs.js';
import { signingInputs } from './signing-inputs.js';
import { sourceInputs } from './source-inputs.js';
import { spackInputs } from './spack-inputs.js';
import { targetInputs } from './target-inputs.js';

/*
 * The one table of inputs. Options, help, completion, `action.yml`, `action-types.yml`, `docs/inputs.md` and
 * `docs/config.schema.json` come from it; `node scripts/write-inputs.mjs` writes the files.
 */

/** The actions, by the names of their files in `src/action/`. */
export const actionNames = ['build', 'plan', 'publish'] as const;
export type ActionName = (typeof actionNames)[number];
/** The commands that take inputs as options. */
export const inputCommands = ['build', 'plan', 'publish'] as const;
export type InputCommand = (typeof inputCommands)[number];

/** Headings of the groups in `docs/inputs.md`, in its order. */
export const groups = [
  'What is built',
  'The matrix',
  'Spack',
  'How it is built',
  'Caches',
  'Results',
  'Publishing',
  'Signing',
] as const;
export type Group = (typeof groups)[number];

export interface Input {
  readonly group: Group;
  /** One sentence or two for every surface. */
  readonly description: string;
  /** More, in Markdown, for `docs/inputs.md`. */
  readonly help?: string;
  /** Text that an input has where nothing gives one; an empty one stands for no value. */
  readonly default: string;
  /** Default in `action.yml`, where GitHub works it out. */
  readonly expression?: string;
  readonly kind: Kind<unknown>;
  readonly actions: readonly ActionName[];
  /** Variable that a command takes it from, where it is not `SLURM_FACTORY_` and its name. */
  readonly variable?: string;
  /** A secret is read from the file that the option `--<name>-file` names. */
  readonly commands: readonly InputCommand[];
}

export const engineChoices = ['auto', 'docker', 'podman', 'none'] as const;
export type EngineChoice = (typeof engineChoices)[number];
export const cacheModes = ['auto', 'true', 'restore-only', 'false'] as const;
export type CacheMode = (typeof cacheModes)[number];

// What else a shell or an engine's option could make of a value is out.
export const image = /^[A-Za-z0-9][A-Za-z0-9._:/@-]*$/;
// git check-ref-format's core: no leading dash or dot, no '..', no white space.
const ref = text(/^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._/+-]*$/, 'a commit, tag or branch');
const mirror = text(
  /^(?:(?:https?|file|s3):\/\/\S+|(?![a-z][a-z0-9+.-]*:\/\/)[^\0\n]+)$/,
  'a directory or a URL (http, https, file, s3)',
);

const everywhere = { actions: ['build'], commands: ['build'] } as const;
// What a plan has to know of every leg.
const planned = { actions: ['build', 'plan'], commands: ['build', 'plan'] } as const;
// Services that only a workflow has.
const actionOnly = { actions: ['build'], commands: [] } as const;

export const inputs = {
  ...sourceInputs,
  ...targetInputs,
  ...planInputs,
  ...spackInputs,
  engine: {
    group: 'How it is built',
    default: 'auto',
    description:
      'Container engine: auto, docker, podman, or none for a job that already runs in a container.',
    help: "`auto` takes Docker, then Podman, then the machine itself if it runs the toolchain's own distribution; of the last it warns. `none` needs a machine of the toolchain's distribution, with the packages of its `toolchain.yaml` installed. The error names the command that installs what is missing.",
    kind: choice('container engine', engineChoices),
    ...planned,
  },
  'container-image': {
    group: 'How it is built',
    default: '',
    description: "Image to make the builder image from, in place of the toolchain's own.",
    help: "the toolchain's Dockerfile is run on this image, so it must be of the same distribution.",
    kind: text(image, 'the name of a container image'),
    ...planned,
  },
  'spack-ref': {
    group: 'How it is built',
    default: '',
    description: 'Commit, tag or branch of Spack; the pinned commit if empty.',
    help: 'a full commit needs no look-up. For a tag or a branch the repository is asked which commit it is; that commit goes into the content key.',
    kind: ref,
    ...planned,
  },
  'packages-ref': {
    group: 'How it is built',
    default: '',
    description: 'Commit, tag or branch of spack-packages; the pinned commit if empty.',
    help: 'looked up as `spack-ref` is.',
    kind: ref,
    ...planned,
  },
  'source-mirror': {
    group: 'How it is built',
    default: '',
    description: 'Directory or URL of a Spack source mirror, for machines without internet.',
    help: "a relative path starts at the workspace. A directory must exist. URLs may be http, https, file or s3; `file://` names a directory too. A directory is mounted read-only. What the mirror lacks, Spack fetches from the package's own address. One that `slurm-factory mirror create` has made brings the clones of Spack and the images too: see [spack.md](spack.md#mirror-for-sites-without-a-network).",
    kind: { ...mirror, completes: 'folder' },
    ...everywhere,
  },
  'security-archive': {
    group: 'How it is built',
    default: '',
    description:
      "Address of a mirror of the distribution's security archive, which is asked for updates of the libraries in the tarball; the distribution's own if empty, off asks none.",
    help: 'for `dependencies: bundled`, see [libraries.md](libraries.md#security-updates). The archive is signed by the distribution wherever it lies, so a mirror needs no trust.',
    kind: addressOrOff,
    ...everywhere,
  },
  jobs: {
    group: 'How it is built',
    default: '',
    description: "Parallel compile jobs; the machine's cores if empty.",
    help: 'a whole number from 1 to 1024.',
    kind: whole(1024),
    variable: 'SLURM_FACTORY_SPACK_JOBS',
    ...everywhere,
  },
  ...limitInputs,
  cache: {
    group: 'Caches',
    default: 'auto',
    description:
      'Use of the caches: auto (restore, and save but for tags, releases, pull requests of forks and events that others can start), true, restore-only or false.',
    help: 'see [caching.md](caching.md).',
    kind: choice('cache mode', cacheModes, { toggle: { on: 'true', off: 'false' } }),
    ...planned,
  },
  'cache-secret': {
    group: 'Caches',
    default: '',
    description:
      'Secret that the cache entries of this build are sealed with, 32 characters or more: entries without its seal are not believed. The GPG key if empty; give it from a secret.',
    help: 'make one with `openssl rand -hex 32` and keep it as a secret of the repository. See [caching.md](caching.md#trust). A new one means new entries; the old ones are not read any more.',
    // Keys and sums of entries can be read by many, so a short one could be guessed.
    kind: secret(32, 'make one with: openssl rand -hex 32'),
    ...planned,
  },
  'cache-budget': {
    group: 'Caches',
    default: '2 GB',
    description:
      'Size that the saved cache entries of the target may have together: 2 GB, 500 MB, 1.5 GiB or a number of bytes; what is above goes, least recently used first.',
    help: 'units are B, KB, MB, GB, TB and KiB, MiB, GiB, TiB; `0` keeps only what the run used. See [caching.md](caching.md#size).',
    kind: size,
    ...everywhere,
  },
  ...buildCacheInputs,
  'output-dir': {
    group: 'Results',
    default: 'slurm-factory-output',
    description: 'Directory for the tarballs, the manifest and SHA256SUMS.',
    help: "a relative path starts at the workspace. A build needs 2 GiB free there and in the runner's temporary folder.",
    kind: path('folder'),
    ...everywhere,
  },
  upload: {
    group: 'Results',
    default: 'true',
    description: 'Upload the tarballs, the manifest and SHA256SUMS as artifacts.',
    help: 'each file is an artifact of its own under its own name, not zipped. The names carry the target, so a matrix uploads them side by side. If the artifact service fails, the files stay in `output-dir` and the build warns. With `false`, the build logs of a failed build are not uploaded either.',
    kind: boolean,
    ...actionOnly,
  },
  'retention-days': {
    group: 'Results',
    default: '',
    description: "Days that the artifacts are kept; the repository's setting if empty.",
    help: 'a whole number from 1 to 400.',
    kind: whole(400),
    ...actionOnly,
  },
  ...reportInputs,
  ...publishInputs,
  ...signingInputs,
} as const satisfies Record<string, Input>;

/** Name of an input. */
export type InputName = keyof typeof inputs;
export const inputNames = Object.keys(inputs) as InputName[];

/** The row of an input, as every reader of the table sees it. */
export const inputOf = (name: InputName): Input => inputs[name];
export const isSecret = (name: InputName): boolean => inputOf(name).kind.secret === true;
export const isInputName = (name: string): name is InputName => Object.hasOwn(inputs, name);

/** The inputs of an action, in the table's order. */
export const inputsOfAction = (action: ActionName): InputName[] =>
  inputNames.filter((name) => inputOf(name).actions.includes(action));
/** The inputs that a command takes as options. */
export const inputsOfCommand = (command: InputCommand): InputName[] =>
  inputNames.filter((name) => inputOf(name).commands.includes(command));

/** What the variables begin with that a runner gives inputs by. */
export const inputPrefix = 'INPUT_';

/** Name of the variable that the runner gives an input by. */
export const inputVariable = (name: string): string => `${inputPrefix}${name.toUpperCase()}`;

/** Inputs as text; one that is missing or empty takes its default. */
export type RawInputs = Readonly<Partial<Record<InputName, string>>>;

/** A name in camel case: `outputDir` for `output-dir`. */
export type Camel<S extends string> = S extends `${infer A}-${infer B}` ? `${A}${Capitalize<Camel<B>>}` : S;
type ValueOf<R> = R extends { readonly kind: Kind<infer T>; readonly default: infer D }
  ? D extends ''
    ? T | undefined
    : T
  : never;

/** The values of an action's inputs by their names in camel case. */
export type InputValues<A extends ActionName> = {
  readonly [N in InputName as A extends (typeof inputs)[N]['actions'][number] ? Camel<N> : never]: ValueOf<
    (typeof inputs)[N]
  >;
};

/** `output-dir` → `outputDir` */
export const camelCase = (name: string): string =>
  name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
