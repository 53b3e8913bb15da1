import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { InputError } from '../base/errors.js';
import { openPlain } from '../base/safe.js';
import { findMember } from '../base/tar.js';
import { fileName } from './catalogue.js';
import { ownersOf } from './check.js';
import { readManifest } from './contents.js';
import type { Manifest } from './manifest.js';
import { Problems } from './problems.js';

/** One of two results that are compared; what is not there is undefined. */
export interface Side {
  readonly identifier: string;
  readonly manifest: Manifest | undefined;
  /** Bytes of each regular file of the software tarball, by its path below the top folder. */
  readonly tree: ReadonlyMap<string, number> | undefined;
}

/** bytes unpacked, and files; a tarball of Slurm has 60 million and some hundred */
const limits = { archive: 8e9, member: 0 } as const;
const mostFiles = 200_000;

/**
 * Opens what a user names of a result: its folder, its manifest or its software tarball. Sums and signatures are not
 * looked at, that is what `verify` is for.
 * @param input name of the argument
 * @throws InputError
 */
export async function openSide(path: string, input: string): Promise<Side> {
  const refuse = (message: string) => new InputError([{ input, message }]);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw refuse(`there is no '${path}'.`);
  const whole = resolve(path);
  if (found.isDirectory()) {
    const owners = [...ownersOf(await readdir(whole)).keys()];
    const [identifier] = owners;
    if (identifier === undefined) throw refuse(`${path} has no ${fileName('<target>', 'sums')}.`);
    if (owners.length > 1) {
      throw refuse(`${path} has several targets. Name the manifest of one: ${owners.join(', ')}.`);
    }
    return openTarget(whole, identifier);
  }
  for (const kind of ['manifest', 'software'] as const) {
    const end = fileName('', kind);
    const name = basename(whole);
    if (name.endsWith(end)) return openTarget(dirname(whole), name.slice(0, -end.length));
  }
  throw refuse(`'${path}' is no folder, no ${fileName('<target>', 'manifest')} and no software tarball.`);
}

async function openTarget(folder: string, identifier: string): Promise<Side> {
  const problems = new Problems();
  const manifest = await readManifest({ folder, identifier, names: [], problems }, {});
  const tree = await listTree(folder, fileName(identifier, 'software')).catch(() => undefined);
  if (manifest === undefined && tree === undefined) {
    throw new InputError([
      { input: identifier, message: `neither manifest nor tarball can be read: ${problems.text}` },
    ]);
  }
  return { identifier, manifest, tree };
}

async function listTree(folder: string, name: string): Promise<Map<string, number>> {
  const tree = new Map<string, number>();
  const file = await openPlain(folder, name);
  const gunzip = createGunzip();
  pipeline(file.createReadStream(), gunzip, () => {});
  await findMember(
    gunzip,
    ({ path, size, file: isFile }) => {
      if (tree.size >= mostFiles) throw new Error('too many files');
      if (isFile) tree.set(path.replace(/^[^/]*\//, ''), size);
      return false;
    },
    limits,
  );
  if (tree.size === 0) throw new Error('it is no archive');
  return tree;
}
