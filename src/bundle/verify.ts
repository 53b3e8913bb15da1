import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { MissingRequirementError, PackagingError, SigningError } from '../base/errors.js';
import { exists, sha256File } from '../base/files.js';
import type { ProcessRunner } from '../base/ports.js';
import { formatTarget, parseTarget } from '../targets/identifier.js';
import { type Env, withPublicKey } from './gpg.js';
import { type Manifest, manifestSchema } from './manifest.js';
import { signingKeyName } from './signature.js';
import { describeFile, parseSums } from './sums.js';

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

export interface Signer {
  readonly fingerprint: string;
  readonly user: string;
  /** The key was given; else it came with the files, and proves nothing of who made them. */
  readonly trusted: boolean;
}

export interface VerifyReport {
  readonly folder: string;
  readonly targets: readonly VerifiedTarget[];
  /** What is no fault, but should be known. */
  readonly notes: readonly string[];
}

const sumsSuffix = '-SHA256SUMS';
const handedOut = /-(software|modules|debug)\.tar\.gz$|-install\.sh$|-manifest\.json$|-sbom\.spdx\.json$/;

/** One target's files and what was found in them. */
interface Case {
  readonly folder: string;
  readonly identifier: string;
  /** Names of the folder's files that are this target's. */
  readonly names: readonly string[];
  readonly problems: string[];
  readonly notes: string[];
}

/**
 * Checks all targets whose files lie in a folder: sums, manifests, SBOMs and signatures. Needs no network.
 * @throws PackagingError with every problem that was found, MissingRequirementError
 */
export async function verifyFolder(
  folder: string,
  options: VerifyOptions,
  process: ProcessRunner,
): Promise<VerifyReport> {
  const names = await readdir(folder).catch(() => {
    throw new PackagingError(`There is no folder ${folder}.`, 'Name the folder that the files are in.');
  });
  const problems: string[] = [];
  const notes: string[] = [];
  const identifiers = names
    .filter((name) => name.endsWith(sumsSuffix))
    .map((name) => name.slice(0, -sumsSuffix.length))
    .sort();
  if (identifiers.length === 0) {
    throw new PackagingError(
      `${folder} has no <target>${sumsSuffix}.`,
      'Name the folder that the files are in; fetch all files of a target.',
    );
  }
  // A GPU target's name begins with that of the target without one.
  const ownerOf = (name: string) => identifiers.findLast((identifier) => name.startsWith(`${identifier}-`));
  for (const name of names.filter((item) => handedOut.test(item) && ownerOf(item) === undefined).sort()) {
    problems.push(`${name}: no SHA256SUMS of its target is here`);
  }
  const targets: VerifiedTarget[] = [];
  for (const identifier of identifiers) {
    const own = names.filter((name) => ownerOf(name) === identifier).sort();
    targets.push(await verifyTarget({ folder, identifier, names: own, problems, notes }, options, process));
  }
  if (problems.length > 0) {
    throw new PackagingError(
      problems.join('\n'),
      'Do not use these files: throw them away and fetch them again.',
    );
  }
  return { folder, targets, notes: [...new Set(notes)] };
}

async function verifyTarget(
  subject: Case,
  options: VerifyOptions,
  process: ProcessRunner,
): Promise<VerifiedTarget> {
  const { identifier, problems } = subject;
  if (parseTarget(identifier) === undefined) problems.push(`${identifier}${sumsSuffix}: names no target`);
  const sums = await readSums(subject);
  const files = await verifyFiles(subject, sums);
  if (sums.has(`${identifier}-manifest.json`)) await verifyManifest(subject, sums);
  const signatures = await verifySignatures(subject, options, process);
  return { identifier, files, ...signatures };
}

async function readSums({ folder, identifier, problems }: Case): Promise<Map<string, string>> {
  const file = `${identifier}${sumsSuffix}`;
  try {
    const lines = parseSums(await readFile(join(folder, file), 'utf8'));
    const twice = lines.filter(({ name }, index) => lines.findIndex((line) => line.name === name) !== index);
    for (const { name } of twice) problems.push(`${file}: lists ${name} twice`);
    return new Map(lines.map(({ name, sha256 }) => [name, sha256]));
  } catch (error) {
    problems.push(`${file}: ${error instanceof Error ? error.message : String(error)}`);
    return new Map();
  }
}

async function verifyFiles(
  { folder, identifier, names, problems }: Case,
  sums: ReadonlyMap<string, string>,
): Promise<string[]> {
  const needed = ['software.tar.gz', 'modules.tar.gz', 'manifest.json'].map((end) => `${identifier}-${end}`);
  for (const name of new Set([...needed, ...names.filter((item) => handedOut.test(item))])) {
    if (!sums.has(name)) problems.push(`${name}: is not in ${identifier}${sumsSuffix}`);
  }
  const sound: string[] = [];
  for (const [name, sha256] of sums) {
    const actual = await sha256File(join(folder, name)).catch(() => undefined);
    if (actual === sha256) sound.push(name);
    else
      problems.push(`${name}: ${actual === undefined ? 'is missing' : 'has other bytes than its sum says'}`);
  }
  return sound;
}

async function verifyManifest(
  { folder, identifier, problems }: Case,
  sums: ReadonlyMap<string, string>,
): Promise<void> {
  const file = `${identifier}-manifest.json`;
  const parsed = manifestSchema.safeParse(await readJson(join(folder, file)));
  if (!parsed.success) {
    problems.push(`${file}: is no manifest: ${z.prettifyError(parsed.error).replaceAll('\n', ' ')}`);
    return;
  }
  const manifest = parsed.data;
  if (manifest.target !== identifier || !agrees(manifest)) {
    problems.push(`${file}: is of another target (${manifest.target})`);
  }
  for (const { name, sha256, size } of [...manifest.files, ...(manifest.sbom ? [manifest.sbom] : [])]) {
    const described = await describeFile(join(folder, basename(name))).catch(() => undefined);
    // A file that is missing or damaged is told of by its sum.
    if (described === undefined || sums.get(name) !== described.sha256) {
      if (!sums.has(name)) problems.push(`${file}: names ${name}, which has no sum`);
    } else if (described.sha256 !== sha256 || described.size !== size) {
      problems.push(`${file}: says another size or sum of ${name} than it has`);
    }
  }
  for (const name of [...sums.keys()].filter((item) => item.endsWith('.tar.gz'))) {
    if (!manifest.files.some((item) => item.name === name)) problems.push(`${file}: does not name ${name}`);
  }
  if (manifest.sbom !== undefined) await verifySbom(folder, manifest.sbom.name, manifest, problems);
}

/** Whether the parts of the target that a manifest names make up its identifier. */
function agrees({ target, slurmVersion, toolchain, arch, gpu }: Manifest): boolean {
  const named = parseTarget(target);
  return (
    named !== undefined &&
    formatTarget(named) ===
      formatTarget({
        version: slurmVersion,
        toolchain,
        arch: arch as typeof named.arch,
        gpu: gpu as typeof named.gpu,
      })
  );
}

const sbomSchema = z.object({
  spdxVersion: z.literal('SPDX-2.3'),
  packages: z.array(
    z.object({
      packageFileName: z.string().optional(),
      checksums: z.array(z.object({ checksumValue: z.string() })).default([]),
    }),
  ),
});

async function verifySbom(
  folder: string,
  file: string,
  manifest: Manifest,
  problems: string[],
): Promise<void> {
  const parsed = sbomSchema.safeParse(await readJson(join(folder, basename(file))));
  if (!parsed.success) {
    problems.push(`${file}: is no SPDX 2.3 document`);
    return;
  }
  const described = parsed.data.packages.some(({ packageFileName, checksums }) =>
    manifest.files.some(
      ({ name, sha256 }) => name === packageFileName && checksums.some((sum) => sum.checksumValue === sha256),
    ),
  );
  if (!described) problems.push(`${file}: is not of this target's software tarball`);
}

async function verifySignatures(
  { folder, identifier, names, problems, notes }: Case,
  { publicKey, env }: VerifyOptions,
  process: ProcessRunner,
): Promise<Pick<VerifiedTarget, 'signed' | 'signer'>> {
  const keyName = signingKeyName(identifier);
  const signatures = names.filter((name) => name.endsWith('.asc') && name !== keyName);
  const sumsSignature = `${identifier}${sumsSuffix}.asc`;
  if (!signatures.includes(sumsSignature)) {
    if (publicKey !== undefined)
      problems.push(`${sumsSignature}: is missing, so nothing says who made the files`);
    else notes.push(`${identifier} is not signed: the sums show damage, not who made the files.`);
  }
  if (signatures.length === 0) return { signed: [], signer: undefined };
  const trusted = publicKey !== undefined;
  const keyFile = publicKey ?? join(folder, keyName);
  if (!(await exists(keyFile))) {
    if (trusted)
      throw new PackagingError(`There is no key ${keyFile}.`, 'Name the file with the public key.');
    notes.push(`The signatures of ${identifier} were not checked: no public key was given.`);
    return { signed: [], signer: undefined };
  }
  if (!trusted) notes.push(`${keyName} came with the files: check its fingerprint elsewhere, or give a key.`);
  const checked = withPublicKey(process, { file: keyFile }, env, async ({ verify }) => {
    const signed: string[] = [];
    let signer: Signer | undefined;
    for (const signature of signatures) {
      const file = signature.slice(0, -'.asc'.length);
      if (!names.includes(file)) {
        problems.push(`${signature}: its file is not here`);
        continue;
      }
      const result = await verify(join(folder, file), join(folder, signature));
      if (!result.good) {
        problems.push(`${signature}: ${result.reason}`);
        continue;
      }
      signed.push(file);
      signer = { fingerprint: result.fingerprint, user: result.user, trusted };
      if (result.expired) notes.push(`The key ${result.fingerprint} has expired since it signed.`);
    }
    return { signed, signer };
  });
  if (trusted) return checked;
  // Without a key of the caller's the sums are what counts.
  return checked.catch((error: unknown) => {
    if (error instanceof SigningError) problems.push(`${keyName}: ${error.message}`);
    else if (error instanceof MissingRequirementError) {
      notes.push(`The signatures of ${identifier} were not checked: ${error.message}`);
    } else throw error;
    return { signed: [], signer: undefined };
  });
}

async function readJson(path: string): Promise<unknown> {
  return readFile(path, 'utf8')
    .then((text): unknown => JSON.parse(text))
    .catch(() => undefined);
}

/** Lines that tell of a report. */
export function formatVerifyReport({ targets, notes }: VerifyReport): string[] {
  const lines = targets.flatMap(({ identifier, files, signed, signer }) => [
    `${identifier}  ${files.length} files are as their sums and manifest say`,
    ...(signer === undefined
      ? []
      : [
          `${identifier}  ${signed.length} good signatures of ${signer.user} ${signer.fingerprint}${signer.trusted ? '' : ' (not trusted: the key came with the files)'}`,
        ]),
  ]);
  return [...lines, ...notes.map((note) => `note: ${note}`)];
}
