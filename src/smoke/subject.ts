import { readFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { InputError } from '../base/errors.js';
import { exists } from '../base/files.js';
import { formatTarget, parseTarget, type Target } from '../targets/identifier.js';

/** A finished result, as it lies in a folder. */
export interface SmokeSubject {
  readonly target: Target;
  /** Absolute paths of the files that an installation uses. */
  readonly files: readonly string[];
  /** Packages of the distribution that the tarball needs. */
  readonly runtimePackages: readonly string[];
}

const manifestPart = z.object({ target: z.string(), runtimePackages: z.array(z.string()) });

/**
 * Opens the result that a software tarball belongs to: its other files lie beside it.
 * @throws InputError when the name is not a result's, or a file is missing
 */
export async function openSubject(software: string): Promise<SmokeSubject> {
  const path = resolve(software);
  const identifier = basename(path).replace(/-software\.tar\.(gz|zst)$/, '');
  const target = identifier === basename(path) ? undefined : parseTarget(identifier);
  if (target === undefined) {
    throw refuse(`'${software}' is not named like a result, slurm-24.11.6-bookworm-amd64-software.tar.gz.`);
  }
  const file = (end: string) => join(dirname(path), `${identifier}-${end}`);
  const modules = file(`modules.tar${path.endsWith('.zst') ? '.zst' : '.gz'}`);
  const needed = [path, modules, file('manifest.json')];
  const optional = [file('install.sh'), file('SHA256SUMS')];
  const [missing, present] = await Promise.all([absent(needed), absent(optional)]);
  if (missing.length > 0) throw refuse(`there is no ${missing.join(', ')}.`);
  const manifest = manifestPart.safeParse(
    JSON.parse(await readFile(file('manifest.json'), 'utf8').catch(() => 'null')),
  );
  if (!manifest.success || manifest.data.target !== formatTarget(target)) {
    throw refuse(`${file('manifest.json')} is not the manifest of ${identifier}.`);
  }
  return {
    target,
    files: [...needed, ...optional.filter((name) => !present.includes(name))],
    runtimePackages: manifest.data.runtimePackages,
  };
}

async function absent(files: readonly string[]): Promise<string[]> {
  const found = await Promise.all(files.map(exists));
  return files.filter((_, index) => !found[index]);
}

const refuse = (message: string): InputError => new InputError([{ input: 'tarball', message }]);
