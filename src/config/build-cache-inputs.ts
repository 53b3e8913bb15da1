import { type BuildCache, buildCacheForms, parseBuildCache } from '../targets/build-cache.js';
import { type Kind, serverAddress, string, text, withoutLogin, wordsIn } from './kinds.js';

const everywhere = {
  group: 'Caches',
  default: '',
  actions: ['build'],
  commands: ['build'],
} as const;

const buildCache: Kind<BuildCache> = {
  read: (given) => {
    const value = parseBuildCache(given);
    if (value !== undefined) return { value };
    return { problem: `'${withoutLogin(given)}' is not a build cache: ${buildCacheForms}, without a login.` };
  },
  placeholder: 'address',
  metadata: string,
  schema: string,
  completes: 'folder',
};

/** Names of the variables that a login is in. */
export interface LoginNames {
  readonly id: string;
  readonly secret: string;
  /** Of a session of S3. */
  readonly token?: string;
}

const login: Kind<LoginNames> = {
  read: (given) => {
    const [id, secret, token, ...more] = wordsIn(given);
    const found = [id, secret, token, ...more].filter((word) => word !== undefined);
    if (id === undefined || secret === undefined || more.length > 0 || !found.every(isVariable)) {
      // A login itself may be what somebody has written here.
      return {
        problem:
          'it must be the names of two environment variables, of a user and a password, or of three for a session of S3, such as: REGISTRY_USER REGISTRY_TOKEN.',
      };
    }
    return { value: { id, secret, ...(token === undefined ? {} : { token }) } };
  },
  placeholder: 'names',
  metadata: string,
  schema: string,
};

const isVariable = (word: string): boolean => /^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(word);

/** The variables that an input's text names; none where it is not right. */
export function loginVariables(given: string): string[] {
  const reading = login.read(given.trim(), { toolchains: [], variants: [], resolveVersion: String });
  return 'value' in reading ? Object.values(reading.value) : [];
}

/** The inputs that say where machines share what they build; rows of the table in `inputs.ts`. */
export const buildCacheInputs = {
  'build-cache': {
    ...everywhere,
    description:
      'Build cache that several machines share: a container registry (oci://ghcr.io/OWNER/NAME), S3 (s3://BUCKET/PREFIX) or a folder; beside the caches of this machine or workflow.',
    help: "each package is an entry of a mirror of Spack's, so `spack install` reads it too. `oci+http://` is a registry without TLS. See [caching.md](caching.md#shared-by-several-machines).",
    kind: buildCache,
  },
  'build-cache-login': {
    ...everywhere,
    description:
      'Login for build-cache: names of environment variables, of a user and a password (S3: key id and secret key, and of a session token as a third), such as REGISTRY_USER REGISTRY_TOKEN.',
    help: "names, never the values. What runs a package's own scripts does not get them.",
    kind: login,
  },
  'build-cache-endpoint': {
    ...everywhere,
    description: "Address of the S3 service that build-cache is in; Amazon's own if empty.",
    kind: text(serverAddress, 'an address that begins with https:// or http:// and has no login'),
  },
} as const;
