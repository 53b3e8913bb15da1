import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { exists, listFiles, sha256File } from '../base/files.js';

/** One package in a Spack build cache (layout v3): its manifest and the blobs that it names. */
export interface CachedPackage {
  readonly name: string;
  /** Spack's DAG hash. */
  readonly hash: string;
  /** Paths relative to the build cache. */
  readonly files: readonly string[];
  /** bytes of all files */
  readonly size: number;
}

const manifestSchema = z.object({
  data: z
    .array(
      z.object({ checksum: z.string(), checksumAlgorithm: z.literal('sha256'), contentLength: z.number() }),
    )
    .min(1),
});

const manifests = /^v3\/manifests\/spec\/([^/]+)\/.*-([a-z0-9]{32})\.spec\.manifest\.json$/;

/**
 * Packages of a build cache that are there as a whole; one that is half written is left out.
 * Blobs are checked against the size and sha256 that the manifest gives.
 */
export async function completePackages(buildCache: string): Promise<CachedPackage[]> {
  if (!(await exists(buildCache))) return [];
  const files = await listFiles(buildCache);
  const found = await Promise.all(
    files.map(async (file) => {
      const match = manifests.exec(file);
      if (match?.[1] === undefined || match[2] === undefined) return undefined;
      return readPackage(buildCache, file, match[1], match[2]);
    }),
  );
  return found.filter((cached) => cached !== undefined);
}

async function readPackage(
  buildCache: string,
  manifest: string,
  name: string,
  hash: string,
): Promise<CachedPackage | undefined> {
  const text = await readFile(join(buildCache, manifest), 'utf8');
  const parsed = manifestSchema.safeParse(parseJson(text));
  if (!parsed.success) return undefined;
  let size = Buffer.byteLength(text);
  const blobs: string[] = [];
  for (const { checksum, contentLength } of parsed.data.data) {
    const blob = join('blobs', 'sha256', checksum.slice(0, 2), checksum);
    const path = join(buildCache, blob);
    const sound = await stat(path).then(
      async (facts) => facts.size === contentLength && (await sha256File(path)) === checksum,
      () => false,
    );
    if (!sound) return undefined;
    blobs.push(blob);
    size += contentLength;
  }
  return { name, hash, files: [manifest, ...blobs], size };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
