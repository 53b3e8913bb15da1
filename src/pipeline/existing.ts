import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { InputError } from '../base/errors.js';
import { parseJson } from '../base/json.js';
import type { Ports } from '../base/ports.js';
import type { CacheEntries } from '../cache/entries.js';
import { resultKey, resultPrefix } from '../cache/keys.js';
import type { Dependencies } from '../targets/identifier.js';
import { isAddress } from '../targets/source.js';

/** What is looked for. */
export interface Wanted {
  readonly identifier: string;
  readonly contentKey: string;
  readonly dependencies: Dependencies;
}

/** Look-ups at a time: the service answers each in a tenth of a second or so. */
const atOnce = 8;

/** Identifiers of the targets whose result is in the cache, by look-up only. */
export async function cachedResults(
  wanted: readonly Wanted[],
  entries: Pick<CacheEntries, 'has'>,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const left = [...wanted];
  const look = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const { identifier, contentKey, dependencies } = next;
      // What brings libraries has them in its key, and any version of them will do.
      const near = dependencies !== 'system';
      const key = near ? resultPrefix(identifier, contentKey) : resultKey(identifier, contentKey);
      if (await entries.has(key, near)) found.add(identifier);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, look));
  return found;
}

/** bytes; an index of some hundred targets has a million */
const mostIndexBytes = 32 << 20;

const indexSchema = z.object({
  targets: z.array(z.object({ identifier: z.string(), contentKey: z.string() })),
});

/** What is asked for an earlier release. */
export interface ReleasePorts extends Pick<Ports, 'web' | 'signal' | 'logger'> {
  /** The newest release of a workflow's repository; undefined where none has an index. */
  readonly latestRelease?: () => Promise<z.infer<typeof indexSchema> | undefined>;
}

/** Word of `skip-released` for the newest release. */
const latest = 'latest';

/**
 * The targets of an earlier release: content keys by identifier.
 * @param place path or address of its index.json, or `latest`
 * @throws InputError for one that can't be read
 */
export async function releasedTargets(
  place: string,
  cwd: string,
  { web, signal, logger, latestRelease }: ReleasePorts,
): Promise<ReadonlyMap<string, string>> {
  const wrong = (message: string) =>
    new InputError([{ input: 'skip-released', message: `${place}: ${message}` }]);
  const keysOf = ({ targets }: z.infer<typeof indexSchema>) =>
    new Map(targets.map(({ identifier, contentKey }) => [identifier, contentKey]));
  if (place === latest) {
    if (latestRelease === undefined) throw wrong("only a workflow's repository has one. Name an index.json.");
    const release = await latestRelease();
    if (release === undefined) logger.info('There is no release with an index yet.');
    return release === undefined ? new Map() : keysOf(release);
  }
  const text = await readIndex(place, cwd, { web, signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    throw wrong(`it can't be read (${error instanceof Error ? error.message : String(error)}).`);
  });
  const parsed = indexSchema.safeParse(parseJson(text));
  if (!parsed.success) throw wrong('it is no index.json of a release.');
  return keysOf(parsed.data);
}

async function readIndex(
  place: string,
  cwd: string,
  { web, signal }: Pick<Ports, 'web' | 'signal'>,
): Promise<string> {
  if (isAddress(place)) {
    const answer = await web.get(place, { bytes: mostIndexBytes, milliseconds: 60_000 }, signal);
    return Buffer.from(answer).toString('utf8');
  }
  const path = resolve(cwd, place);
  const facts = await stat(path);
  if (!facts.isFile() || facts.size > mostIndexBytes) throw new Error('it is no file, or too large');
  return readFile(path, 'utf8');
}
