// Digests of base images, asked of their registries by the protocol that all of these have (OCI distribution).

/**
 * Where an image's manifest is, by its name as engines take it.
 * @param {string} image `debian:bookworm`, `quay.io/rockylinux/rockylinux:9`
 */
export function manifestOf(image) {
  const parts = image.split('/');
  const [first] = parts;
  const named = parts.length > 1 && (/[.:]/.test(first) || first === 'localhost');
  const registry = named && first !== 'docker.io' ? first : 'registry-1.docker.io';
  const path = (named ? parts.slice(1) : parts).join('/');
  const [, name, tag = 'latest'] = /^([^:@]+)(?::([^:@]+))?$/.exec(path) ?? [];
  if (name === undefined) throw new Error(`${image} is no image with a tag`);
  const official = registry === 'registry-1.docker.io' && !name.includes('/');
  return { registry, name: official ? `library/${name}` : name, tag };
}

/** The fields of a `WWW-Authenticate: Bearer` header. */
export const challengeOf = (header) =>
  Object.fromEntries(
    [...(header ?? '').replace(/^Bearer\s+/i, '').matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [
      name,
      value,
    ]),
  );

// The index of an image for several architectures, where it has one.
const accepted = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ');

/**
 * The digest of an image as its registry has it now.
 * @param {typeof fetch} ask
 * @throws Error with a word why there is none
 */
export async function askDigest(image, ask = fetch) {
  const { registry, name, tag } = manifestOf(image);
  const address = `https://${registry}/v2/${name}/manifests/${tag}`;
  const head = (headers) =>
    ask(address, { method: 'HEAD', headers: { accept: accepted, ...headers }, signal: limit() });
  let answer = await head({});
  if (answer.status === 401) {
    const { realm, service } = challengeOf(answer.headers.get('www-authenticate'));
    if (!/^https:\/\//.test(realm ?? '')) throw new Error(`${registry} wants a login`);
    const query = new URLSearchParams({ ...(service ? { service } : {}), scope: `repository:${name}:pull` });
    const granted = await ask(`${realm}?${query}`, { signal: limit() });
    const { token, access_token: other } = granted.ok ? await granted.json() : {};
    if (!(token ?? other)) throw new Error(`${registry} gives no token for ${name}`);
    answer = await head({ authorization: `Bearer ${token ?? other}` });
  }
  const digest = answer.headers.get('docker-content-digest') ?? '';
  if (!answer.ok || !/^sha256:[0-9a-f]{64}$/.test(digest)) {
    throw new Error(`${registry} has no digest of ${name}:${tag} (${answer.status})`);
  }
  return digest;
}

const limit = () => AbortSignal.timeout(30_000);

const baseLine =
  /^(base:[^\n]*?\bimage:\s*)(['"]?)([^\s'",}]+)\2([^\n]*?\bdigest:\s*)(null|['"]?sha256:[0-9a-f]{64}['"]?)/m;

/** The base image that a toolchain.yaml names, and its digest, null where it has none. */
export function baseOf(text) {
  const [, , , image, , digest] = baseLine.exec(flat(text)) ?? [];
  if (image === undefined) throw new Error('it has no base with image and digest');
  return { image, digest: digest === 'null' ? null : digest.replaceAll(/['"]/g, '') };
}

/** The text of a toolchain.yaml with another digest of its base image; all else stays as it is. */
export function withDigest(text, digest) {
  const written = baseOf(text).digest;
  const start = text.search(/^base:/m);
  const from = text
    .slice(start)
    .replace(/(\bdigest:\s*)(?:null|['"]?sha256:[0-9a-f]{64}['"]?)/, `$1${digest}`);
  return written === digest ? text : text.slice(0, start) + from;
}

// A block of lines as the one line that it could be.
const flat = (text) =>
  text.replace(
    /^base:[^\S\n]*\n((?:[^\S\n]+\S[^\n]*\n)+)/m,
    (_, lines) => `base: ${lines.replaceAll('\n', ' ')}\n`,
  );
