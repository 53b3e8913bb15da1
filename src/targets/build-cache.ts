/** A build cache of Spack's that several machines share. */
export type BuildCache =
  /** In a registry of container images; `url` is what Spack calls it. */
  | { readonly kind: 'oci'; readonly url: string }
  /** In a bucket of a service that speaks S3. */
  | { readonly kind: 's3'; readonly url: string }
  /** In a folder, by its path. */
  | { readonly kind: 'file'; readonly path: string };

/** The forms that an address may have, for people. */
export const buildCacheForms =
  'oci://HOST/NAME, oci+http://HOST/NAME, s3://BUCKET/PREFIX, file:///FOLDER or a folder';

const registry = /^oci(?:\+http)?:\/\/[a-z0-9][a-z0-9.-]*(?::\d{1,5})?(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)+$/;
const bucket = /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](?:\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/;

/**
 * Reads where a build cache is.
 * @returns undefined for what is none: other services, a login, a tag
 */
export function parseBuildCache(given: string): BuildCache | undefined {
  // GitHub's names of owners and repositories have capitals, those of images have none.
  const text = /^oci/i.test(given) ? given.replace(/\/+$/, '').toLowerCase() : given.replace(/(.)\/+$/, '$1');
  if (registry.test(text)) return { kind: 'oci', url: text };
  if (bucket.test(text)) return { kind: 's3', url: text };
  const path = /^file:\/\/(\/[^\0\n]*)$/.exec(text)?.[1] ?? text;
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(path) || /[\0\n]/.test(path) ? undefined : { kind: 'file', path };
}

/** How people know it. */
export const buildCacheName = (cache: BuildCache): string => (cache.kind === 'file' ? cache.path : cache.url);

/** Whether a server is this machine itself, which only its own network reaches. */
export function isLoopback(address: string): boolean {
  const host = /^[a-z0-9+]+:\/\/(\[[^\]]*\]|[^/:]+)/i.exec(address)?.[1] ?? '';
  return /^(?:localhost|(?:.+\.)?localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i.test(host);
}
