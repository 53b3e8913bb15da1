import { join } from 'node:path';
import { z } from 'zod';
import { ChecksumError, ConfigurationError, ContainerError } from '../base/errors.js';
import { parseJson } from '../base/json.js';
import type { Ports } from '../base/ports.js';
import { PlainFileError, readPlain, sha256Plain } from '../base/safe.js';
import { lastLine } from '../base/text.js';
import type { EngineProgram } from '../container/confinement.js';
import type { Pin } from '../spack/checkout.js';

/**
 * What `mirror create` leaves in a directory: a source mirror of Spack's with, beside its archives, all else that
 * builds fetch: Spack and its packages as git repositories, and container images. `mirror.json` says what there is.
 */

export const mirrorIndex = 'mirror.json';

/** bytes; a target has some thousand */
const mostIndexBytes = 64 << 20;

const path = z
  .string()
  .max(1000)
  .regex(/^(?!\/)(?!.*(?:^|\/)\.\.?(?:\/|$))[\w@%+=:,./-]+$/);
const sum = z.object({
  path,
  size: z.number().int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
const mirrorSchema = z.object({
  schema: z.literal(1),
  /** Targets that can be built from it, by their content keys. */
  targets: z.array(z.object({ identifier: z.string(), contentKey: z.string() })).max(10_000),
  /** Source archives, as Spack looks for them. */
  sources: z.array(sum).max(100_000),
  /** Commits in the bare repositories `git/<name>.git`, which are their own sums. */
  git: z.object({ spack: z.array(z.string()).max(1000), packages: z.array(z.string()).max(1000) }),
  /** Images by their tags, as `docker save` writes them, packed with gzip. */
  images: z.array(sum.extend({ tag: z.string() })).max(1000),
});

/** Content of `mirror.json`. */
export type MirrorIndex = z.infer<typeof mirrorSchema>;

/** A directory that builds can be made from without a network. */
export interface Mirror {
  readonly folder: string;
  readonly index: MirrorIndex;
}

export const emptyIndex: MirrorIndex = {
  ...{ schema: 1, targets: [], sources: [], images: [] },
  git: { spack: [], packages: [] },
};

/** Folder of a bare repository. */
export const mirrorRepository = (folder: string, name: Pin['name']): string =>
  join(folder, 'git', `${name}.git`);

/**
 * Opens a directory that `mirror create` has made.
 * @returns undefined for one without an index: a mirror of Spack's own
 * @throws ConfigurationError for an index that is none
 */
export async function openMirror(folder: string): Promise<Mirror | undefined> {
  const text = await readPlain(folder, mirrorIndex, mostIndexBytes).catch((error: unknown) => {
    if (error instanceof PlainFileError && error.missing) return undefined;
    throw error instanceof PlainFileError ? unreadable(folder, error.reason) : error;
  });
  if (text === undefined) return undefined;
  const parsed = mirrorSchema.safeParse(parseJson(text.toString('utf8')));
  if (parsed.success) return { folder, index: parsed.data };
  throw unreadable(folder, `is not one of this version: ${z.prettifyError(parsed.error).slice(0, 500)}`);
}

const unreadable = (folder: string, reason: string): ConfigurationError =>
  new ConfigurationError(`${join(folder, mirrorIndex)} ${reason}.`, 'Make the mirror anew: mirror create.');

/** The same pins, taken from a mirror where it has them. */
export function pinsIn<T extends Readonly<Record<Pin['name'], Pin>>>(mirror: Mirror | undefined, pins: T): T {
  const has = ({ name, commit }: Pin) => mirror?.index.git[name].includes(commit) === true;
  const from = (pin: Pin): Pin =>
    mirror !== undefined && has(pin) ? { ...pin, mirror: mirrorRepository(mirror.folder, pin.name) } : pin;
  return { ...pins, spack: from(pins.spack), packages: from(pins.packages) };
}

/**
 * Gives the engine an image that a mirror has, unless the engine has it or the mirror has not.
 * @throws ChecksumError for an image that is not the one of the index, ContainerError when it can't be loaded
 */
export async function loadImage(
  mirror: Mirror | undefined,
  program: EngineProgram,
  tag: string,
  { process, logger }: Pick<Ports, 'process' | 'logger'>,
): Promise<void> {
  const image = mirror?.index.images.find((one) => one.tag === tag);
  if (mirror === undefined || image === undefined) return;
  if ((await process.run([program, 'image', 'inspect', tag])).exitCode === 0) return;
  const actual = await sha256Plain(mirror.folder, image.path).catch((error: unknown) => {
    throw error instanceof PlainFileError ? damaged(mirror, image.path, error.reason) : error;
  });
  if (actual.sha256 !== image.sha256)
    throw damaged(mirror, image.path, `has another sum than ${mirrorIndex} says`);
  const loaded = await process.run([program, 'load', '--input', join(mirror.folder, image.path)]);
  if (loaded.exitCode !== 0) {
    throw new ContainerError(
      `The image ${tag} of the mirror ${mirror.folder} could not be loaded: ${lastLine(loaded.stderr)}`,
      `Check that \`${program} load\` works on this machine, and the disk.`,
    );
  }
  logger.info(`${tag} came from the mirror ${mirror.folder}`);
}

const damaged = ({ folder }: Mirror, file: string, reason: string): ChecksumError =>
  new ChecksumError(
    `${join(folder, file)} ${reason}.`,
    'Copy the mirror anew, or make it anew with mirror create.',
  );
