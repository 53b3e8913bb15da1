import { z } from 'zod';
import { PlainFileError, readPlain } from '../base/safe.js';
import { installLine } from '../distro/distro.js';
import { distros } from '../distro/distros.js';
import { readTarget } from '../targets/identifier.js';
import { environmentWord } from '../targets/own-environment.js';
import { externalsWord } from '../targets/self-contained.js';
import { sourceWord } from '../targets/source.js';
import { fileName } from './catalogue.js';
import { listLimits, type Manifest, manifestSchema } from './manifest.js';
import { firstMember } from './member.js';
import type { Case } from './problems.js';

/** What each file of a result must say of itself. */

/** Bytes that a manifest or an SBOM may have, a hundred times what they have. */
export const jsonLimit = 16 << 20;

/** What a file is refused with, to stand behind its name. */
export const reasonOf = (error: unknown): string =>
  error instanceof PlainFileError ? error.reason : error instanceof Error ? error.message : String(error);

// Looked at first: what is wrong with each of a million entries makes a million problems.
const lists = z.object(
  Object.fromEntries(
    Object.entries(listLimits).map(([name, most]) => [name, z.array(z.unknown()).max(most).optional()]),
  ),
);

/** Reads the manifest and compares it with what is asked; undefined, with a problem, where it is not a manifest. */
export async function readManifest(
  { folder, identifier, problems }: Case,
  { contentKey, tested }: { readonly contentKey?: string; readonly tested?: boolean },
): Promise<Manifest | undefined> {
  const file = fileName(identifier, 'manifest');
  const problem = (text: string) => problems.add(`${file}: ${text}`);
  const json = await readJson(folder, file, problem);
  if (json === undefined) return undefined;
  const bounded = lists.safeParse(json);
  const parsed = bounded.success ? manifestSchema.safeParse(json) : bounded;
  if (!parsed.success) {
    problem(`is not a valid manifest: ${issues(parsed.error)}`);
    return undefined;
  }
  const manifest = parsed.data as Manifest;
  if (manifest.target !== identifier || !agrees(manifest)) {
    problem(`is of another target (${manifest.target})`);
  }
  if (contentKey !== undefined && manifest.contentKey !== contentKey) {
    problem(`has another content key (${manifest.contentKey}) than this build`);
  }
  if (tested && manifest.smoke === undefined) problem('has no report of a smoke test');
  const { runtimeInstall, runtimePackages } = manifest;
  const lines = distros.map((distro) => installLine(distro, runtimePackages));
  if (runtimeInstall !== undefined && !lines.includes(runtimeInstall)) {
    problem('has a runtimeInstall that does not match its runtimePackages');
  }
  return manifest;
}

async function readJson(folder: string, file: string, problem: (text: string) => void): Promise<unknown> {
  try {
    return JSON.parse((await readPlain(folder, file, jsonLimit)).toString()) ?? null;
  } catch (error) {
    // A missing file is reported where its sum is checked.
    if (!(error instanceof PlainFileError)) problem('is not JSON');
    else if (!error.missing) problem(error.reason);
    return undefined;
  }
}

/** The first faults that a schema finds. */
function issues(error: z.core.$ZodError): string {
  const told = error.issues.slice(0, 3).map(({ path, message }) => `${path.join('.')}: ${message}`);
  const more = error.issues.length - told.length;
  return [...told, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

/** Whether the parts of the target that a manifest names make up its identifier. */
function agrees({
  target,
  slurmVersion,
  source,
  environment,
  toolchain,
  arch,
  gpu,
  dependencies,
  externals,
}: Manifest): boolean {
  const named = readTarget(target, toolchain);
  if (named === undefined) return false;
  return (
    named.version === slurmVersion &&
    named.source === (source && sourceWord(source)) &&
    named.environment === environmentWord(environment) &&
    named.externals === externalsWord(externals ?? []) &&
    named.arch === arch &&
    named.gpu === gpu &&
    named.dependencies === dependencies
  );
}

/** What is looked at of an SBOM. It may be of any size and shape, so no schema gathers its faults. */
interface SbomPart {
  readonly spdxVersion?: unknown;
  readonly packages?: unknown;
}

/** The SBOM describes this software tarball. */
export async function checkSbom({ folder, identifier, problems }: Case, manifest: Manifest): Promise<void> {
  const name = fileName(identifier, 'sbom');
  // One that is missing or not a plain file is reported by its sum.
  const sbom = (await readJson(folder, name, () => {})) as SbomPart | undefined;
  if (sbom?.spdxVersion !== 'SPDX-2.3' || !Array.isArray(sbom.packages)) {
    problems.add(`${name}: is not an SPDX 2.3 document`);
    return;
  }
  const software = manifest.files.find((file) => file.name === fileName(identifier, 'software'));
  const described = sbom.packages.some(
    (item: { packageFileName?: unknown; checksums?: unknown } | null) =>
      item?.packageFileName === software?.name &&
      Array.isArray(item?.checksums) &&
      item.checksums.some(
        (sum: { checksumValue?: unknown } | null) => sum?.checksumValue === software?.sha256,
      ),
  );
  if (software === undefined || !described) {
    problems.add(`${name}: does not describe this target's software tarball`);
  }
}

/** The report is of this target, and no check in it failed. */
export async function checkReport(
  { folder, identifier, problems }: Case,
  { smoke }: Manifest,
): Promise<void> {
  if (smoke === undefined) return;
  const name = fileName(identifier, 'smoke');
  const text = await readPlain(folder, name, jsonLimit).then(String, () => '');
  const suite = /<testsuite name="([^"]*)" tests="\d+" failures="(\d+)"/.exec(text);
  if (suite?.[1] !== identifier || suite[2] !== '0') {
    problems.add(`${name}: is not the report of a smoke test that this target passed`);
  }
}

/** The software of another target under this target's name would unpack into that one's folder. */
export async function checkTop({ folder, identifier, problems }: Case): Promise<void> {
  const name = fileName(identifier, 'software');
  const member = await firstMember(folder, name).catch(() => undefined);
  if (member === undefined) problems.add(`${name}: is not a tarball`);
  else if (member.split('/')[0] !== identifier) {
    problems.add(`${name}: does not unpack into ${identifier}: its first entry is ${member}`);
  }
}
