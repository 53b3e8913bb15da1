import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileName, type PresentFiles, presentFiles } from '../bundle/catalogue.js';
import { ownersOf } from '../bundle/check.js';
import { readManifest } from '../bundle/contents.js';
import { type Manifest, namedFiles } from '../bundle/manifest.js';
import { Problems } from '../bundle/problems.js';
import { readKey } from '../cache/keys.js';

/** A finished target on this machine. Only its manifest was read: `verify` checks the files. */
export interface BuiltPackage {
  /** `slurm-24.11.6-glibc2.34-amd64` */
  readonly identifier: string;
  /** Folder that its files lie in. */
  readonly folder: string;
  /** It lies in the cache; a build hands it out again. */
  readonly cached: boolean;
  readonly manifest: Manifest;
  /** When its manifest was written. */
  readonly built: Date;
  /** Absolute paths of the files that are there. */
  readonly files: Partial<PresentFiles>;
  /** Of all files that the manifest names. */
  readonly bytes: number;
}

/** What a list is made of. */
export interface BuiltPlaces {
  /** Folders that files were handed out to. */
  readonly outputDirs: readonly string[];
  /** Folder of the cache entries. */
  readonly spackCache?: string;
}

/**
 * The finished targets in output folders and in the cache, by identifier, the newest first. A target whose
 * manifest is missing or damaged is left out; a folder that is not there has none.
 */
export async function listBuilt({ outputDirs, spackCache }: BuiltPlaces): Promise<BuiltPackage[]> {
  const entries = spackCache === undefined ? [] : await names(spackCache);
  const results = entries.filter((name) => readKey(name).kind === 'result');
  const folders = [
    ...[...new Set(outputDirs)].map((folder) => ({ folder, cached: false })),
    ...results.map((name) => ({ folder: join(spackCache ?? '', name), cached: true })),
  ];
  const found = await Promise.all(folders.map(({ folder, cached }) => builtIn(folder, cached)));
  return found
    .flat()
    .sort((a, b) => a.identifier.localeCompare(b.identifier) || b.built.getTime() - a.built.getTime());
}

async function builtIn(folder: string, cached: boolean): Promise<BuiltPackage[]> {
  const found: BuiltPackage[] = [];
  for (const [identifier, own] of ownersOf(await names(folder))) {
    const subject = { folder, identifier, names: own, problems: new Problems() };
    const manifest = await readManifest(subject, {});
    const written = await lstat(join(folder, fileName(identifier, 'manifest'))).catch(() => undefined);
    if (manifest === undefined || written === undefined || !subject.problems.none) continue;
    found.push({
      ...{ identifier, folder, cached, manifest },
      built: written.mtime,
      files: presentFiles(folder, identifier, own),
      bytes: namedFiles(manifest).reduce((sum, { size }) => sum + size, 0),
    });
  }
  return found;
}

const names = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);
