import { sha256 } from '../../src/base/files.js';

/** Text of a manifest that names blobs by their content. */
export function manifestOf(blobs: readonly string[]): string {
  return JSON.stringify({
    version: 4,
    toolchain: 'bookworm',
    data: blobs.map((content) => ({
      mediaType: 'application/octet-stream',
      compression: 'gzip',
      contentLength: content.length,
      checksumAlgorithm: 'sha256',
      checksum: sha256(content),
    })),
  });
}

/** Files of one package in a Spack build cache of layout v3, by path: the manifest and its blobs. */
export function cachedPackage(
  name: string,
  version: string,
  hash: string,
  blobs: readonly string[],
): Record<string, string> {
  return {
    [`v3/manifests/spec/${name}/${name}-${version}-${hash}.spec.manifest.json`]: manifestOf(blobs),
    ...Object.fromEntries(
      blobs.map((content) => {
        const sum = sha256(content);
        return [`blobs/sha256/${sum.slice(0, 2)}/${sum}`, content];
      }),
    ),
  };
}
