import { boolean, path, serverAddress, text } from './kinds.js';

/** What a release is made of and where it goes; rows of the table of inputs. */

const publishing = {
  group: 'Publishing',
  actions: ['publish'],
  commands: ['publish'],
} as const;

// git check-ref-format's core, and nothing that an address would have to encode twice.
const tag = text(/^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._/+-]*$/, 'a tag');
const address = text(serverAddress, 'an address that begins with http:// or https:// and has no login');

export const publishInputs = {
  results: {
    ...publishing,
    default: '',
    description:
      'Directory with the results, in it or in directories of it; in a workflow the artifacts of this run if empty.',
    help: "on the command line it is the argument. What else lies there is left alone. Without it the action fetches this run's artifacts that are files of results; those of other names are not looked at.",
    kind: path('folder'),
  },
  plan: {
    ...publishing,
    default: '',
    description:
      'What there should be: what plan wrote as JSON, a file of it, or artifact for that of this run; without it all that is there.',
    help: 'of the plan the lists `legs` and `released` are read, of each its `identifier` and its `contentKey`. A target that is not in the plan, or has another content key, is an error. `artifact` is what the action plan uploaded in this run; it is for workflows.',
    kind: text(/^[^\0]+$/, 'a plan'),
  },
  'allow-missing': {
    ...publishing,
    default: 'false',
    description:
      'Publish without the targets that are planned and missing; the notes and the page name them.',
    help: 'a leg of a matrix that failed then does not lose the others. Without it a missing target is an error.',
    kind: boolean,
  },
  'release-dir': {
    ...publishing,
    default: 'slurm-factory-release',
    description:
      'Directory that the release is written to: the files, index.json, index.html, get.sh, SHA256SUMS.',
    help: 'it is empty or not there yet, or has a release that was made here, which is replaced.',
    kind: path('folder'),
  },
  'pages-dir': {
    ...publishing,
    default: '',
    description: "Directory for GitHub Pages, which the release's page is written to; none if empty.",
    help: 'it gets `index.html`, `index.json`, `get.sh` and the signed sums; the files themselves are where `download-url` says, which a release on GitHub gives by itself.',
    kind: path('folder'),
  },
  tag: {
    ...publishing,
    default: '',
    expression: "${{ github.ref_type == 'tag' && github.ref_name || '' }}",
    description: 'Tag of the release on GitHub; without one there is only release-dir.',
    help: "where there is no such tag yet, it is put at the workflow's commit. A release that is there is compared, and never changed.",
    kind: tag,
  },
  title: {
    ...publishing,
    default: '',
    description: 'Title of the release on GitHub, and of its page; the tag if empty.',
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a title has not
    kind: text(/^[^\u0000-\u001f\u007f]{1,250}$/, 'a title of one line'),
  },
  repository: {
    ...publishing,
    default: '',
    expression: '${{ github.repository }}',
    description: 'Repository of the release on GitHub, OWNER/NAME.',
    kind: text(/^[A-Za-z0-9][A-Za-z0-9-]*\/[A-Za-z0-9._-]+$/, 'OWNER/NAME'),
  },
  'download-url': {
    ...publishing,
    default: '',
    description: "Address that the files will be at, where that is not the release's own on GitHub.",
    help: 'it stands in `index.json`, on the page and in `get.sh`. Without it, and without a tag, the files have to lie beside the page.',
    kind: address,
  },
  previous: {
    ...publishing,
    default: '',
    description:
      'Release that the notes compare with: its directory, index.json or address, or off; the newest other one on GitHub if empty.',
    kind: { ...text(/^[^\0\n]+$/, 'a directory, a file, an address or off'), completes: 'folder' },
  },
  'public-key': {
    ...publishing,
    default: '',
    description:
      'File with the public key that the results must be signed with; unsigned ones are an error then.',
    kind: path('file'),
  },
} as const;
