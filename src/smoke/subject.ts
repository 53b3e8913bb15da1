import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { InputError, PackagingError } from '../base/errors.js';
import { parseJson } from '../base/json.js';
import { openPlain, PlainFileError, readPlain } from '../base/safe.js';
import { visible } from '../base/text.js';
import { exampleName, fileName, resultFiles, targetOfFile } from '../bundle/catalogue.js';
import { verifySums } from '../bundle/sums.js';
import { formatTarget, type Target, type TargetName, withToolchain } from '../targets/identifier.js';

/** A finished result, as it lies in a folder. */
export interface SmokeSubject {
  readonly target: Target;
  /** Absolute paths of the files that an installation uses. */
  readonly files: readonly string[];
  /** Packages of the distribution that the tarball needs, as the manifest has them; nobody has looked at them. */
  readonly runtimePackages: readonly string[];
  /** It brings packages beside Slurm. */
  readonly further: boolean;
}

/** Bytes that a manifest may have; a target's has some five thousand. */
const largestManifest = 1 << 20;
const mostPackages = 500;
const manifestPart = z.object({
  target: z.string(),
  toolchain: z.string().optional(),
  runtimePackages: z.array(z.string()).max(mostPackages),
  packages: z.array(z.unknown()).default([]),
});

/**
 * Opens the result that a software tarball belongs to: its other files lie beside it. Where its sums are there
 * too, the files must have them.
 * @throws InputError when the name is not a result's, or a file is missing or not what it should be;
 * PackagingError when the files are not those of the sums
 */
export async function openSubject(software: string): Promise<SmokeSubject> {
  const path = resolve(software);
  const named = targetOfFile(basename(path), 'software');
  if (named === undefined) {
    throw refuse(`'${visible(software)}' is not named like ${exampleName('software')}.`);
  }
  const folder = dirname(path);
  const names = resultFiles(formatTarget(named));
  const present = await requireFiles(
    folder,
    [basename(path), names.modules, names.manifest],
    [names.installer, names.sums],
  );
  const { target, runtimePackages, further } = await readManifest(folder, named);
  if (present.includes(names.sums)) await checkSums(folder, names.sums, present);
  return { target, files: present.map((file) => join(folder, file)), runtimePackages, further };
}

/** The files that are there; each is a regular file. */
async function requireFiles(
  folder: string,
  needed: readonly string[],
  optional: readonly string[],
): Promise<string[]> {
  const problems: string[] = [];
  const missing: string[] = [];
  const present: string[] = [];
  for (const file of [...needed, ...optional]) {
    try {
      await (await openPlain(folder, file)).close();
      present.push(file);
    } catch (error) {
      if (!(error instanceof PlainFileError)) throw error;
      if (!error.missing) problems.push(`${shown(folder, file)} ${error.reason}.`);
      else if (needed.includes(file)) missing.push(shown(folder, file));
    }
  }
  if (missing.length > 0)
    problems.push(`${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing.`);
  if (problems.length > 0) throw refuse(...problems);
  return present;
}

/**
 * What the manifest beside a tarball says of its target.
 * @throws InputError when there is none, or it is not this target's
 */
export async function readManifest(
  folder: string,
  named: TargetName,
): Promise<Pick<SmokeSubject, 'target' | 'runtimePackages' | 'further'>> {
  const file = fileName(formatTarget(named), 'manifest');
  const bytes = await readPlain(folder, file, largestManifest).catch((error: unknown) => {
    throw error instanceof PlainFileError ? refuse(`${shown(folder, file)} ${error.reason}.`) : error;
  });
  const manifest = manifestPart.safeParse(parseJson(bytes.toString()));
  const identifier = formatTarget(named);
  const target = manifest.success ? withToolchain(named, manifest.data.toolchain) : undefined;
  if (!manifest.success || target === undefined || manifest.data.target !== identifier) {
    throw refuse(`${shown(folder, file)} is not the manifest of ${identifier}.`);
  }
  const { runtimePackages, packages } = manifest.data;
  return { target, runtimePackages, further: packages.length > 0 };
}

async function checkSums(folder: string, sums: string, present: readonly string[]): Promise<void> {
  const summed = await verifySums(folder, sums);
  const stranger = present.find((file) => file !== sums && !summed.includes(file));
  if (stranger === undefined) return;
  throw new PackagingError(
    `${sums} does not list ${stranger}.`,
    'Fetch the files again, all of them and nothing else.',
  );
}

const shown = (folder: string, file: string): string => visible(join(folder, file));

const refuse = (...messages: string[]): InputError =>
  new InputError(messages.map((message) => ({ input: 'tarball', message })));
