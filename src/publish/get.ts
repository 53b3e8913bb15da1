import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PublishError } from '../base/errors.js';
import type { Logger, ProcessRunner } from '../base/ports.js';
import { readPlain } from '../base/safe.js';
import { fileName, signatureName, signedFiles } from '../bundle/catalogue.js';
import { checkResult } from '../bundle/check.js';
import { type Env, keyLimit, readKeyFile, signatureLimit, withPublicKey } from '../bundle/gpg.js';
import { parseSums } from '../bundle/sums.js';
import { aboutMachine, chooseTarget, type Machine, type Wish } from './choose.js';
import { type IndexRelease, type IndexTarget, indexLimit, type ReleaseIndex } from './index-file.js';
import { releaseFiles } from './names.js';
import { hasFile, type ReleaseSource } from './source.js';

/** Fetches the target of a release that fits a machine. */

export interface GetRequest extends Wish {
  readonly machine: Machine;
  /** Absolute path of the folder for the files, by the target. */
  readonly folder: (target: string) => string;
  /** Key file that the sums must be signed with. */
  readonly publicKey: string | undefined;
  /** Fingerprint of that key, 40 upper-case hex digits or more. */
  readonly fingerprint: string | undefined;
}

export interface GetPorts {
  readonly process: ProcessRunner;
  readonly logger: Logger;
  readonly env: Env;
}

/** What was fetched. */
export interface Got {
  readonly target: string;
  readonly slurmVersion: string;
  readonly folder: string;
  /** Names of the files that are there now. */
  readonly files: readonly string[];
  /** Path of the installer. */
  readonly installer: string;
  /** Of the key whose signature was checked; undefined where none was. */
  readonly fingerprint: string | undefined;
  /** The user named that key; otherwise it came with the files, and does not show who made them. */
  readonly trusted: boolean;
  readonly vulnerabilities: readonly string[];
  readonly mendedIn: readonly string[];
}

/**
 * Fetches what fits, and checks it: signature, sums, manifest, SBOM. Files that are there with their bytes stay.
 * @throws PublishError that says why nothing fits, or what is wrong with the files
 */
export async function getTarget(source: ReleaseSource, request: GetRequest, ports: GetPorts): Promise<Got> {
  const { index } = source;
  const target = chosen(index, request);
  const { identifier, slurmVersion, files } = target;
  const signer = await checkSigner(source, target, request, ports);
  const folder = request.folder(identifier);
  await mkdir(folder, { recursive: true });
  const work = await mkdtemp(join(folder, '.get-'));
  try {
    for (const file of files) {
      if (await hasFile(file, folder)) continue;
      ports.logger.info(`Fetching ${file.name}`);
      await source.fetch(file, join(work, file.name));
      await rename(join(work, file.name), join(folder, file.name));
    }
    if (target.signed) await fetchProofs(source, target, folder, work);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  await checkResult(folder, identifier, { contentKey: target.contentKey, exact: false });
  const installer = join(folder, fileName(identifier, 'installer'));
  await chmod(installer, 0o755);
  const release = index.releases.find(({ version }) => version === slurmVersion);
  return {
    ...{ target: identifier, slurmVersion, folder, files: files.map(({ name }) => name), installer },
    ...{ fingerprint: signer?.fingerprint, trusted: signer?.trusted === true },
    ...securityOf(release),
  };
}

const securityOf = (release: IndexRelease | undefined) => ({
  vulnerabilities: release?.vulnerabilities ?? [],
  mendedIn: release?.mendedIn ?? [],
});

/** @throws PublishError with the reason against each target */
export function chosen(index: ReleaseIndex, request: Wish & { readonly machine: Machine }): IndexTarget {
  const choice = chooseTarget(index, request.machine, request);
  if ('target' in choice) return choice.target;
  const { reasons } = choice;
  const more = reasons.length - 20;
  throw new PublishError(
    [
      `Nothing in ${index.name} fits this machine (${aboutMachine(request.machine)}):`,
      ...reasons.slice(0, 20),
      ...(more > 0 ? [`and ${more} more`] : []),
    ].join('\n'),
    'Name another release, or build for this machine: slurm-factory build.',
  );
}

/** The signatures of a target and their key, for those who look again with `verify`. */
export async function fetchProofs(
  source: ReleaseSource,
  { identifier, files }: IndexTarget,
  folder: string,
  work: string,
): Promise<void> {
  const signatures = signedFiles(files.map(({ name }) => name)).map(signatureName);
  for (const [name, limit] of [
    ...signatures.map((signature) => [signature, signatureLimit] as const),
    [fileName(identifier, 'key'), keyLimit] as const,
  ]) {
    await writeFile(join(work, name), await source.read(name, limit));
    await rename(join(work, name), join(folder, name));
  }
}

/** Checks the signature of the release's sums, and that they have the sums that the index has. */
async function checkSigner(
  { index, read }: ReleaseSource,
  { identifier, files }: IndexTarget,
  { publicKey, fingerprint }: GetRequest,
  { process, env, logger }: GetPorts,
): Promise<{ readonly fingerprint: string; readonly trusted: boolean } | undefined> {
  const asked = publicKey !== undefined || fingerprint !== undefined;
  const refuse = (message: string) => new PublishError(message, 'Do not use these files.');
  if (index.signing === undefined) {
    if (asked) throw refuse(`${index.name} is not signed, so nothing shows who made it.`);
    logger.notice(`${index.name} is not signed: its sums show damage, not who made the files.`);
    return undefined;
  }
  const work = await mkdtemp(join(tmpdir(), 'slurm-factory-sums-'));
  try {
    const path = join(work, releaseFiles.sums);
    await writeFile(path, await read(releaseFiles.sums, indexLimit));
    const signature = await read(signatureName(releaseFiles.sums), signatureLimit);
    const key =
      publicKey === undefined
        ? { name: index.signing.key, bytes: await read(index.signing.key, keyLimit) }
        : await readKeyFile(publicKey);
    const checked = await withPublicKey(process, key, env, ({ verify }) => verify(path, signature));
    if (!checked.good) throw refuse(`The signature of ${releaseFiles.sums} is not good: ${checked.reason}.`);
    const wanted = fingerprint ?? (publicKey === undefined ? index.signing.fingerprint : checked.fingerprint);
    if (checked.fingerprint !== wanted) {
      throw refuse(`${releaseFiles.sums} is signed with the key ${checked.fingerprint}, not with ${wanted}.`);
    }
    const text = (await readPlain(work, releaseFiles.sums, indexLimit)).toString();
    const sums = new Map(parseSums(text).map(({ name, sha256 }) => [name, sha256]));
    const other = files.find(({ name, sha256 }) => sums.get(name) !== sha256);
    if (other !== undefined) {
      throw refuse(`${releaseFiles.sums} has another sum of ${other.name} than the index (${identifier}).`);
    }
    return { fingerprint: checked.fingerprint, trusted: asked };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
