import { targetOfFile } from '../bundle/catalogue.js';

/** Names of a release's own files, beside those of its targets. */
export const releaseFiles = {
  index: 'index.json',
  page: 'index.html',
  script: 'get.sh',
  sums: 'SHA256SUMS',
  key: 'signing-key.asc',
  attestation: 'attestation.sigstore.json',
} as const;

/** Written beside the files, and no file of the release: a GitHub release shows it as its text. */
export const notesFile = 'notes.md';

/** What may differ between two runs that made the same: signatures and provenance, which have times in them. */
export const isProof = (name: string): boolean =>
  name === releaseFiles.attestation || (name.endsWith('.asc') && !isKey(name));

/** Whether a name is that of a public key, of the release or of a target. */
export const isKey = (name: string): boolean =>
  name === releaseFiles.key || targetOfFile(name, 'key') !== undefined;
