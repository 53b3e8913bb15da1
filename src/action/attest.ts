import type { Logger } from '../base/ports.js';

/** What an attestation needs of the job. */
export interface AttestContext {
  /** The workflow's token, which writes the attestation. */
  readonly token: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface AttestedFile {
  readonly name: string;
  readonly sha256: string;
}

/** A provenance that the service keeps. */
export interface MadeAttestation {
  /** Its number; undefined where the service gave none. */
  readonly id: string | undefined;
  readonly url: string | undefined;
  /** The Sigstore bundle, for checking it offline. */
  readonly bundle: unknown;
}

// Loaded when it is needed: few builds attest, and start-up should not wait.
const load = () => import('@actions/attest');

/**
 * Attests where and from what the files were built. A workflow that lacks the permission gets a notice,
 * a service that fails a warning; neither fails the build.
 */
export async function attestFiles(
  files: readonly AttestedFile[],
  { token, env }: AttestContext,
  logger: Logger,
  client: () => Promise<Pick<Awaited<ReturnType<typeof load>>, 'attestProvenance'>> = load,
): Promise<MadeAttestation | undefined> {
  // The runner gives the address of its token service to jobs that may write id tokens only.
  if (!env['ACTIONS_ID_TOKEN_REQUEST_URL'] || token === '') {
    logger.notice(
      'No build provenance: it needs the permissions id-token: write and attestations: write in the workflow.',
    );
    return undefined;
  }
  try {
    const { attestProvenance } = await client();
    const made = await attestProvenance({
      subjects: files.map(({ name, sha256 }) => ({ name, digest: { sha256 } })),
      token,
    });
    const id = made.attestationID;
    const repository = `${env['GITHUB_SERVER_URL'] ?? 'https://github.com'}/${env['GITHUB_REPOSITORY']}`;
    const url = id === undefined ? undefined : `${repository}/attestations/${id}`;
    logger.info(`Build provenance for ${files.length} files: ${url ?? 'made'}`);
    return { id, url, bundle: made.bundle };
  } catch (error) {
    logger.warning(
      `The build provenance could not be made (${error instanceof Error ? error.message : String(error)}).`,
    );
    return undefined;
  }
}
