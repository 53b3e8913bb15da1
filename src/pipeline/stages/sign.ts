import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ports } from '../../base/ports.js';
import { fileName, signedFiles } from '../../bundle/catalogue.js';
import { withKeyring } from '../../bundle/signature.js';
import { type BundleFile, describeFile } from '../../bundle/sums.js';
import type { Recorder } from '../record.js';
import type { Result } from '../report.js';
import type { ResolvedBuild } from '../resolve.js';
import type { Stage } from '../stage.js';

/**
 * Signs a result that was checked, in its own folder, if the user gave a key, and puts the public key beside it.
 * @returns the files that came to it
 * @throws SigningError, MissingRequirementError
 */
export async function sign(
  build: ResolvedBuild,
  result: Result,
  env: Ports['env'],
  recorder: Recorder,
  { process, logger }: Ports,
): Promise<BundleFile[]> {
  const { signing } = build.options;
  if (signing === undefined) return [];
  const path = (name: string) => join(result.folder, name);
  return withKeyring(
    process,
    { ...signing, env, logger, onFolder: (folder) => recorder.addCleanup({ what: 'keyring', folder }) },
    async (keyring) => {
      const names = signedFiles(result.described.map((file) => file.name));
      const signatures = await keyring.signFiles(names.map(path));
      const publicKey = path(fileName(build.identifier, 'key'));
      await writeFile(publicKey, keyring.publicKey);
      logger.info(`Signed ${names.length} files with ${keyring.fingerprint}`);
      return Promise.all([...signatures, publicKey].map(describeFile));
    },
  );
}

/** Signs the result, if the user gave a key. */
export const signStage: Stage<{ readonly result: Result }, { readonly signatures: readonly BundleFile[] }> = {
  id: 'sign',
  skip: ({ build }) => (build.options.signing === undefined ? { signatures: [] } : undefined),
  run: async ({ build, recorder, ports }, { result }) => ({
    signatures: await sign(build, result, ports.env, recorder, ports),
  }),
};
