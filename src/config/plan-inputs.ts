import { boolean, choice, path, text } from './kinds.js';
import { featureList, labelRules, nameList, selectorList } from './plan-kinds.js';

const plan = { group: 'The matrix', actions: ['plan'], commands: ['plan'] } as const;

/** What legs wait for each other for. */
export const sharings = ['all', 'compiles', 'none'] as const;
export type Sharing = (typeof sharings)[number];

/** The inputs that say which targets a plan has; rows of the table in `inputs.ts`. */
export const planInputs = {
  config: {
    ...plan,
    default: '',
    description:
      'File of settings to plan from; slurm-factory.yml of the workspace if empty, where it is there.',
    help: 'a relative path starts at the workspace. See [plan.md](plan.md#the-file).',
    kind: path('file'),
    commands: [],
  },
  releases: {
    ...plan,
    default: 'supported',
    description:
      'Releases to plan for: exact (24.11.6), the newest of a series (24.11), latest, supported (the newest of each series that SchedMD supports), upstream (the same of the tags that are there by now) or a pattern (25.05.*), with white space between.',
    help: "`upstream` asks SchedMD's repository, or that of `source`, so that it finds releases newer than ours; all other words are of the releases in `data/slurm-releases.json`. Where only `slurm-version` is given, it is that one.",
    kind: { ...nameList, completes: 'release' },
  },
  toolchains: {
    ...plan,
    default: 'bookworm',
    description: 'Distributions to build for, with white space between; patterns such as rocky* too.',
    help: 'where only `toolchain` is given, it is that one. Two of one glibc make the same `bundled` target: leave one out with `exclude`.',
    kind: nameList,
  },
  'dependency-kinds': {
    ...plan,
    default: 'bundled',
    description:
      'Kinds of libraries, with white space between: bundled, system, self-contained, or a pattern.',
    help: 'see `dependencies`; where only that is given, it is that one.',
    kind: nameList,
  },
  gpus: {
    ...plan,
    default: 'none',
    description:
      'Kinds of GPU support, with white space between: none, cuda, rocm, oneapi, all, or a pattern.',
    help: 'see `gpu`; where only that is given, it is that one. What a distribution or an architecture has no headers for is left out.',
    kind: nameList,
  },
  archs: {
    ...plan,
    default: 'amd64',
    description: 'Architectures, with white space between: amd64, arm64.',
    help: 'each leg is built on a runner of its own architecture: see `runs-on`.',
    kind: nameList,
  },
  'feature-choices': {
    ...plan,
    default: 'default',
    description: 'Choices of features, one a line or with ; between: default; full -sview.',
    help: 'each as `features` takes it; where only that is given, it is that one.',
    kind: featureList,
  },
  include: {
    ...plan,
    default: '',
    description:
      'Legs beside those of the lists, with white space between: release=24.11.6,toolchain=noble,gpu=rocm.',
    help: 'the words are release, toolchain, dependencies, gpu, arch and features (`features=full-sview`); what one does not say is the first of its list.',
    kind: selectorList,
  },
  exclude: {
    ...plan,
    default: '',
    description:
      'Legs to leave out, with white space between: patterns of their names (*-noble-*-cuda), or conditions (toolchain=noble,gpu=cuda).',
    help: 'one that matches no leg is an error. See [plan.md](plan.md#selectors).',
    kind: selectorList,
  },
  only: {
    ...plan,
    default: '',
    description: 'Legs to plan, all others left out: as exclude.',
    help: 'one that matches no leg is an error.',
    kind: selectorList,
  },
  'runs-on': {
    ...plan,
    default: 'amd64=ubuntu-24.04 arm64=ubuntu-24.04-arm',
    description:
      'Labels of the runners: arm64=ubuntu-24.04-arm cuda=self-hosted+gpu; the word before = is an architecture, a kind of GPU or a selector, and the last that fits a leg counts.',
    help: 'what is given comes behind the default, so one word may change one architecture. `gpu: cuda` needs no GPU to build: give it a runner of its own to run the smoke test on one.',
    kind: labelRules,
  },
  sharing: {
    ...plan,
    default: 'all',
    description:
      'What legs wait for each other for: all (no package is built twice, fewest builds), compiles (Slurm is compiled once for legs that differ in dependencies alone) or none (one stage).',
    help: 'see [plan.md](plan.md#stages) and the figures in [scale.md](scale.md).',
    kind: choice('kind of sharing', sharings),
  },
  'skip-cached': {
    ...plan,
    default: 'false',
    description: 'Leave out legs whose result is in the cache.',
    help: 'it is looked for, not brought; `cache` and `cache-secret` decide whose entries count. Whether there are [security updates](libraries.md#security-updates) of what a result brings is not looked at.',
    kind: boolean,
  },
  'skip-released': {
    ...plan,
    default: '',
    description:
      'Leave out legs that an earlier release has: its index.json, a file or an address; or latest, the newest release of the repository that has one.',
    help: 'a leg is left out where the index has its identifier with the same content key. `latest` needs a workflow, and leaves out nothing where there is no release yet. `publish` takes what was left out over from that release: see [publish.md](publish.md#taken-over).',
    kind: text(
      /^(?:https?:\/\/[^\s@]+|(?![a-z][a-z0-9+.-]*:\/\/)[^\0\n]+)$/,
      'latest, a file or an address without a login',
    ),
  },
} as const;

/** Name of an input that only a plan has. */
export type PlanInputName = keyof typeof planInputs;
