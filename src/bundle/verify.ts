import { lstat, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MissingRequirementError, PackagingError, SigningError } from '../base/errors.js';
import type { ProcessRunner } from '../base/ports.js';
import { PlainFileError, readPlain } from '../base/safe.js';
import { visible } from '../base/text.js';
import { fileName, fileOfSignature, looksHandedOut, signatureName } from './catalogue.js';
import { inspectResult, ownersOf, type SoundResult } from './check.js';
import { reasonOf } from './contents.js';
import {
  type Env,
  keyLimit,
  type PublicKey,
  readKeyFile,
  signatureLimit,
  type Verifier,
  withPublicKey,
} from './gpg.js';
import { type Case, Problems } from './problems.js';

export interface VerifyOptions {
  /** Path of the public key that the signatures must be of. With it, a target without signature is a problem. */
  readonly publicKey?: string;
  /** Only PATH is read. */
  readonly env: Env;
}

/** What holds of one target's files. */
export interface VerifiedTarget {
  readonly identifier: string;
  /** The files whose sums are right, by name. */
  readonly files: readonly string[];
  /** The files with a good signature. */
  readonly signed: readonly string[];
  readonly signer: Signer | undefined;
}

/** Whose signatures they are. */
export interface Signer {
  readonly fingerprint: string;
  readonly user: string;
  /** The key was given; otherwise it came with the files, and does not show who made them. */
  readonly trusted: boolean;
}

/** What holds of the files in a folder. */
export interface VerifyReport {
  readonly folder: string;
  readonly targets: readonly VerifiedTarget[];
  /** What is not a problem, but good to know. */
  readonly notes: readonly string[];
}

/** A target's files, with notes on what is not a problem. */
interface Verified extends Case {
  readonly notes: string[];
}

/**
 * Checks all targets whose files lie in a folder: names, sums, manifests, SBOMs and signatures. Needs no network.
 * Follows no link in the folder, and waits for none of its files.
 * @throws PackagingError with what is wrong, 20 lines at most; MissingRequirementError
 */
export const verifyFolder = async (
  folder: string,
  options: VerifyOptions,
  process: ProcessRunner,
): Promise<VerifyReport> => (await verifyResults(folder, options, process)).report;

/** The same, with what the targets are, by their identifiers. */
export async function verifyResults(
  folder: string,
  options: VerifyOptions,
  process: ProcessRunner,
): Promise<{ readonly report: VerifyReport; readonly results: ReadonlyMap<string, SoundResult> }> {
  const names = await readdir(folder).catch(() => {
    throw new PackagingError(
      `The folder ${folder} does not exist.`,
      'Name the folder that the files are in.',
    );
  });
  const key = options.publicKey === undefined ? undefined : await readKeyFile(options.publicKey);
  const owners = ownersOf(names);
  if (owners.size === 0) {
    throw new PackagingError(
      `${folder} has no ${fileName('<target>', 'sums')}.`,
      'Name the folder that the files are in, and fetch all files of a target.',
    );
  }
  const problems = new Problems();
  const notes: string[] = [];
  const owned = new Set([...owners.values()].flat());
  for (const name of names.filter((item) => looksHandedOut(item) && !owned.has(item)).sort()) {
    problems.add(`${name}: the SHA256SUMS of its target is missing`);
  }
  const targets: VerifiedTarget[] = [];
  const results = new Map<string, SoundResult>();
  for (const [identifier, own] of owners) {
    const subject = { folder: resolve(folder), identifier, names: own, problems, notes };
    const sound = await inspectResult(subject, { exact: false });
    const signatures = await verifySignatures(subject, key, options.env, process);
    targets.push({ identifier, files: (sound?.files ?? []).map(({ name }) => name), ...signatures });
    if (sound !== undefined) results.set(identifier, sound);
  }
  if (!problems.none) {
    throw new PackagingError(problems.text, 'Do not use these files: delete them and fetch them again.');
  }
  return { report: { folder, targets, notes: [...new Set(notes)] }, results };
}

async function verifySignatures(
  subject: Verified,
  given: PublicKey | undefined,
  env: Env,
  process: ProcessRunner,
): Promise<Pick<VerifiedTarget, 'signed' | 'signer'>> {
  const { identifier, names, problems, notes } = subject;
  const keyName = fileName(identifier, 'key');
  const none = { signed: [], signer: undefined };
  const signatures = names.filter((name) => fileOfSignature(name) !== undefined && name !== keyName);
  const sumsSignature = signatureName(fileName(identifier, 'sums'));
  if (!signatures.includes(sumsSignature)) {
    if (given !== undefined)
      problems.add(`${sumsSignature}: is missing, so nothing shows who made the files`);
    else notes.push(`${identifier} is not signed: the sums show damage, not who made the files.`);
  }
  const read = await readSignatures(subject, signatures);
  const key = given ?? (read.size === 0 ? undefined : await keyBeside(subject, keyName));
  if (key === undefined || read.size === 0) return none;
  const trusted = given !== undefined;
  if (!trusted)
    notes.push(
      `${keyName} came with the files: check its fingerprint with another source, or give a public key.`,
    );
  const checked = withPublicKey(process, key, env, (verifier) =>
    checkSignatures(subject, read, verifier, trusted),
  );
  if (trusted) return checked;
  // Without a key of the caller's the sums are what counts.
  return checked.catch((error: unknown) => {
    if (error instanceof SigningError) problems.add(error.message);
    else if (error instanceof MissingRequirementError) {
      notes.push(`The signatures of ${identifier} were not checked: ${error.message}`);
    } else throw error;
    return none;
  });
}

/** The signatures by their names, without those that are not files or have no file. */
async function readSignatures(
  { folder, names, problems }: Verified,
  signatures: readonly string[],
): Promise<Map<string, Buffer>> {
  const read = new Map<string, Buffer>();
  for (const signature of signatures) {
    const file = fileOfSignature(signature) ?? '';
    // Reported already: one without its file, and a file that is not a plain one.
    if (!names.includes(file) || !(await isFile(join(folder, file)))) continue;
    try {
      read.set(signature, await readPlain(folder, signature, signatureLimit));
    } catch (error) {
      problems.add(`${signature}: ${reasonOf(error)}`);
    }
  }
  return read;
}

async function keyBeside(
  { folder, identifier, problems, notes }: Verified,
  keyName: string,
): Promise<PublicKey | undefined> {
  try {
    return { name: keyName, bytes: await readPlain(folder, keyName, keyLimit) };
  } catch (error) {
    if (!(error instanceof PlainFileError)) throw error;
    if (error.missing) {
      notes.push(`The signatures of ${identifier} were not checked: no public key was given.`);
    } else problems.add(`${keyName}: ${error.reason}`);
    return undefined;
  }
}

async function checkSignatures(
  { folder, problems, notes }: Verified,
  signatures: ReadonlyMap<string, Buffer>,
  { verify }: Verifier,
  trusted: boolean,
): Promise<Pick<VerifiedTarget, 'signed' | 'signer'>> {
  const signed: string[] = [];
  let signer: Signer | undefined;
  for (const [signature, bytes] of signatures) {
    const file = fileOfSignature(signature) ?? '';
    const result = await verify(join(folder, file), bytes);
    if (!result.good) {
      problems.add(`${signature}: ${result.reason}`);
      continue;
    }
    signed.push(file);
    signer = { fingerprint: result.fingerprint, user: visible(result.user), trusted };
    if (result.expired) notes.push(`The key ${result.fingerprint} has expired since it signed.`);
  }
  return { signed, signer };
}

// gpg would follow a link and wait for a FIFO.
const isFile = (path: string): Promise<boolean> =>
  lstat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );

/** Lines that tell of a report. */
export function formatVerifyReport({ targets, notes }: VerifyReport): string[] {
  const lines = targets.flatMap(({ identifier, files, signed, signer }) => [
    `${identifier}  ${files.length} files match their sums and manifest`,
    ...(signer === undefined
      ? []
      : [
          `${identifier}  ${signed.length} good signatures of ${signer.user} ${signer.fingerprint}${signer.trusted ? '' : ' (not trusted: the key came with the files)'}`,
        ]),
  ]);
  return [...lines, ...notes.map((note) => `note: ${note}`)];
}
