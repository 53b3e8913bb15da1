import { secret } from './kinds.js';

/** What files are signed and handed to GitHub with; rows of the table of inputs. */

// A plan takes it for the secret of the caches.
const sealing = { actions: ['build', 'plan', 'publish'], commands: ['build', 'plan', 'publish'] } as const;
const signing = { actions: ['build', 'publish'], commands: ['build', 'publish'] } as const;

export const signingInputs = {
  'gpg-private-key': {
    group: 'Signing',
    default: '',
    description:
      'Private GPG key (armored, or base64 of that) to sign the files with; give it from a secret.',
    help: 'see [trust.md](trust.md). It is hidden in the log, and no process that is started can read it; the command line takes it [from a file](cli.md#secrets).',
    kind: secret(),
    ...sealing,
  },
  'gpg-passphrase': {
    group: 'Signing',
    default: '',
    description: 'Passphrase of the GPG key; give it from a secret.',
    help: 'kept as the key is. A passphrase without a key is an error.',
    kind: secret(),
    ...signing,
  },
  'github-token': {
    group: 'Signing',
    default: '',
    expression: '${{ github.token }}',
    description:
      "Token for GitHub's services: the provenance, where the workflow grants attestations: write; removing old cache entries, where it grants actions: write; a release, where it grants contents: write.",
    help: 'a build uses it for the provenance and to keep the caches within `cache-budget`, publishing for the provenance and the release, a plan to find the newest release (`skip-released: latest`), all of them for nothing else. Without the permissions `id-token: write` and `attestations: write` there is a notice, and no provenance. Without `actions: write` there is a notice if a cache entry has to go, and it stays. Without `contents: write` there is no release.',
    kind: secret(),
    actions: ['build', 'plan', 'publish'],
    commands: ['publish'],
  },
} as const;
