import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { parseJson } from '../base/json.js';
import { lastLine } from '../base/text.js';
import type { BuildCache } from '../targets/build-cache.js';
import { type Side, type SpackCommand, spack, spackAlone } from './commands.js';

/** A build cache that machines share, as one of Spack's mirrors; it is in no environment and in no lock. */

/** What the mirror is called. */
const mirrorName = 'shared';

/** The variables that Spack reads a login from, whatever a user's own are called. */
export const loginVariables = {
  id: 'SLURM_FACTORY_BUILD_CACHE_ID',
  secret: 'SLURM_FACTORY_BUILD_CACHE_SECRET',
  token: 'SLURM_FACTORY_BUILD_CACHE_TOKEN',
} as const;

/** What makes a mirror. */
export interface SharedMirror {
  readonly cache: BuildCache;
  /** Address of the service, for S3. */
  readonly endpoint: string | undefined;
  /** Which parts of a login there are. */
  readonly login: readonly (keyof typeof loginVariables)[];
  /** Whether only packages with a signature by a key of the keyring are taken. */
  readonly signed: boolean;
}

/** Where the session that works with the mirror has what it needs. */
export interface SharedPlaces {
  /** Folder with Spack's configuration and `look.py`. */
  readonly scope: string;
  /** The folder of a build cache that is one. */
  readonly folder: string;
  /** Folder with gpg's keys; undefined where nothing is signed. */
  readonly keyring: string | undefined;
}

/** Files of Spack's configuration for a sharing session, by their names: the mirror, and where Spack writes. */
export function renderScope(
  { cache, endpoint, login, signed }: SharedMirror,
  { folder }: SharedPlaces,
  layout: Side['layout'],
): Record<string, string> {
  const pair = login.includes('secret')
    ? { access_pair: { id_variable: loginVariables.id, secret_variable: loginVariables.secret } }
    : {};
  const shared = {
    url: cache.kind === 'file' ? `file://${folder}` : cache.url,
    ...{ source: false, binary: true, signed },
    ...pair,
    ...(login.includes('token') ? { access_token_variable: loginVariables.token } : {}),
    ...(endpoint === undefined ? {} : { endpoint_url: endpoint }),
  };
  const config = {
    install_tree: { root: layout.store },
    build_stage: [layout.buildStage],
    source_cache: `${layout.userCache}/sources`,
    misc_cache: `${layout.userCache}/misc`,
  };
  return {
    'mirrors.yaml': stringify({ mirrors: { [mirrorName]: shared } }),
    'config.yaml': stringify({ config }),
  };
}

/**
 * Text of the environment's `spack.yaml` as a sharing session has it: it makes no views.
 * @param text of the build's own
 * @param keyring whether packages are signed or checked: Spack asks for gpg by what brings its own tools, and
 *   brings nothing where it is there
 */
export function sharingEnvironment(text: string, keyring: boolean): string {
  const { spack: own } = parse(text) as { spack: object };
  return stringify({ spack: { ...own, view: false, ...(keyring ? { bootstrap: { enable: true } } : {}) } });
}

/** Nothing of a service's may keep a build for longer, in seconds. */
const limits = { look: 45, bring: 900, push: 900, index: 1800 } as const;

const limited = (seconds: number, { command, env }: SpackCommand, places: SharedPlaces): SpackCommand => ({
  command: ['timeout', '--kill-after=5', String(seconds), ...command],
  env: places.keyring === undefined ? env : { ...env, SPACK_GNUPGHOME: places.keyring },
});

const scoped = (places: SharedPlaces, ...words: readonly string[]): string[] => [
  '-C',
  places.scope,
  ...words,
];
const hashWords = (hashes: readonly string[]): string[] => hashes.map((hash) => `/${hash}`);

/**
 * Asks which packages of the lock the mirror has.
 * @param hashes as Spack writes them
 */
export const lookCommand = (side: Side, places: SharedPlaces, hashes: readonly string[]): SpackCommand =>
  limited(
    limits.look,
    spack(side, ...scoped(places, 'python', `${places.scope}/look.py`, mirrorName, ...hashes)),
    places,
  );

/** Installs packages of the lock that the mirror has, with what they need that it has too, and builds nothing. */
export const bringCommand = (side: Side, places: SharedPlaces, hashes: readonly string[]): SpackCommand =>
  limited(
    limits.bring,
    spack(side, ...scoped(places, 'install', '--only-concrete', '--cache-only', ...hashWords(hashes))),
    places,
  );

/**
 * Pushes installed packages, each as a whole or not at all, and leaves the index alone: legs that push at the same
 * time would each write theirs.
 * @param key fingerprint of the key that signs; undefined for none
 */
export function pushCommand(
  side: Side,
  places: SharedPlaces,
  hashes: readonly string[],
  key: string | undefined,
): SpackCommand {
  const signature = key === undefined ? ['--unsigned'] : ['--key', key];
  const words = ['push', ...signature, '--only', 'package', mirrorName, ...hashWords(hashes)];
  return limited(limits.push, spack(side, ...scoped(places, 'buildcache', ...words)), places);
}

/** Writes the mirror's index of all that is in it. */
export const indexCommand = (side: Side, places: SharedPlaces, key: string | undefined): SpackCommand => {
  const keys = key === undefined ? [] : ['--keys'];
  const words = scoped(places, 'buildcache', 'update-index', ...keys, mirrorName);
  return limited(limits.index, spackAlone(side, ...words), places);
};

const lookSchema = z.object({
  there: z.array(z.string()),
  fault: z.object({ status: z.number().nullable(), reason: z.string() }).nullable(),
});

/** Why a service did not do what it was asked for. */
export interface Fault {
  /** HTTP's status; null where it did not come to one. */
  readonly status: number | null;
  readonly reason: string;
}

/** What came of a look; a fault where it could not be made. */
export function readLook(done: {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}): { readonly there: readonly string[]; readonly fault: Fault | undefined } {
  const parsed = lookSchema.safeParse(parseJson(done.stdout));
  if (done.exitCode === 0 && parsed.success) {
    return { there: parsed.data.there, fault: parsed.data.fault ?? undefined };
  }
  return { there: [], fault: faultIn(done) };
}

/** The fault that a command of Spack's ended with, as its output tells it. */
export function faultIn(done: {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}): Fault {
  if (done.exitCode === 124 || done.exitCode === 137) return { status: null, reason: 'it takes too long' };
  const text = `${done.stdout}\n${done.stderr}`;
  const status = /HTTP (?:Error )?(\d{3})\b|returned (\d{3})\b|\((\d{3}|[A-Z][A-Za-z]+)\) when calling/.exec(
    text,
  );
  const code = Number(status?.[1] ?? status?.[2] ?? codes[status?.[3] ?? ''] ?? status?.[3]);
  // Of several errors the first says enough; Spack lists them below its own sentence.
  const error = /(?:==> )?Error: (.+)(?:\n {4}(\S.*))?/.exec(text);
  const reason = error?.[2] ?? error?.[1] ?? (lastLine(done.stderr) || lastLine(done.stdout));
  return { status: Number.isNaN(code) ? null : code, reason };
}

/** What S3 calls some of HTTP's. */
const codes: Readonly<Record<string, number>> = {
  ...{ AccessDenied: 403, InvalidAccessKeyId: 403, SignatureDoesNotMatch: 403, ExpiredToken: 403 },
  ...{ NoSuchBucket: 404, SlowDown: 503, ServiceUnavailable: 503, InternalError: 500 },
};

/** A fault as a clause about the service. */
export function describeFault({ status, reason }: Fault): string {
  if (status === 401) return 'it wants a login, or does not know this one (401)';
  if (status === 403) return 'its login may not do that (403)';
  if (status === 404) return 'there is no such place (404)';
  if (status === 429) return 'it was asked too often (429)';
  if (status !== null && status >= 500) return `it is broken or busy (${status})`;
  return status === null ? `it does not answer: ${reason}` : `${reason} (${status})`;
}
