import { join } from 'node:path';
import { z } from 'zod';
import { parseJson } from '../base/json.js';
import { readPlain, sha256Plain } from '../base/safe.js';
import { listPlain } from '../base/walk.js';

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
      z.object({
        checksum: z.string().regex(/^[0-9a-f]{64}$/),
        checksumAlgorithm: z.literal('sha256'),
        contentLength: z.number(),
      }),
    )
    .min(1),
});

/** bytes; Spack's have less than 1,000 */
const mostManifestBytes = 1 << 20;

const manifests = /^v3\/manifests\/spec\/([\w.-]+)\/[\w.+-]*-([a-z0-9]{32})\.spec\.manifest\.json$/;

/**
 * Packages of a build cache that are there as a whole; one that is half written is left out.
 * Blobs are checked against the size and sha256 that the manifest gives. A build may write there: no link is
 * followed.
 */
export async function completePackages(buildCache: string): Promise<CachedPackage[]> {
  const files = await listPlain(buildCache);
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
  const text = await readPlain(buildCache, manifest, mostManifestBytes).catch(() => undefined);
  if (text === undefined) return undefined;
  const parsed = manifestSchema.safeParse(parseJson(text.toString('utf8')));
  if (!parsed.success) return undefined;
  let size = text.length;
  const blobs: string[] = [];
  for (const { checksum, contentLength } of parsed.data.data) {
    const blob = join('blobs', 'sha256', checksum.slice(0, 2), checksum);
    const sound = await sha256Plain(buildCache, blob, contentLength).then(
      (found) => found.size === contentLength && found.sha256 === checksum,
      () => false,
    );
    if (!sound) return undefined;
    blobs.push(blob);
    size += contentLength;
  }
  return { name, hash, files: [manifest, ...blobs], size };
}
