// Saving and restoring what the cold build has put into the caches, through each kind of store.
import { spawn } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startResultsService } from '../__tests__/support/services/results-service.js';
import { listFiles } from '../src/base/files.js';
import type { CacheStore } from '../src/base/ports.js';
import { sumsFile } from '../src/cache/check.js';
import { CacheEntries } from '../src/cache/entries.js';
import { inScope } from '../src/cache/keys.js';
import { directoryCache } from '../src/local/stores.js';
import { folderBytes, type Left, type Prepared, quietLogger, timed } from './bench.js';
import { entryKeys } from './ours.js';
import type { CachesFigures, StoreFigures } from './results.js';

/** What an exchange is of. */
export interface Exchange {
  /** Folder with the entries by key, as a directory has them. */
  readonly source: string;
  readonly keys: readonly string[];
  /** Folder that it may write in. */
  readonly work: string;
}

/** What a process that exchanges is told, by a file. */
export interface ExchangeRequest extends Exchange {
  /** File that the times are written to. */
  readonly answer: string;
}

export type ExchangeTimes = Omit<StoreFigures, 'bytes'>;

const scope = 'open';

/** The key that a build asks for, of the one that a store has. */
export function withoutScope(key: string): string {
  const bare = key.replace(`-${scope}-`, '-');
  if (inScope(bare, scope) !== key) throw new Error(`${key} is no key of the scope ${scope}`);
  return bare;
}

/** Saves entries one after the other and restores them at the same time, as a build does. */
export async function exchange(store: CacheStore, { source, keys, work }: Exchange): Promise<ExchangeTimes> {
  const faults: string[] = [];
  const logger = quietLogger((message) => void faults.push(message), faults);
  const policy = { restore: true, save: true, scopes: [scope] };
  const entries = new CacheEntries(store, policy, logger, join(work, 'transfer'));
  const save = await timed(async () => {
    for (const key of keys) {
      const files = (await listFiles(join(source, key))).filter((file) => file !== sumsFile);
      await entries.save(withoutScope(key), join(source, key), files);
    }
  });
  const restore = await timed(() =>
    Promise.all(keys.map((key) => entries.restore(withoutScope(key), join(work, 'restored', key)))),
  );
  if (faults.length > 0) throw new Error(faults.join('\n'));
  const missing = keys.filter((_, index) => !restore.value[index]);
  if (missing.length > 0) throw new Error(`not restored: ${missing.join(', ')}`);
  return { save: save.seconds, restore: restore.seconds };
}

export async function measureCaches(bench: Prepared, left: Left): Promise<CachesFigures> {
  const { work: folder, say } = bench;
  const work = join(folder, 'caches');
  const keys = await entryKeys(left.cacheDir);
  const source = join(left.cacheDir, 'entries');
  try {
    const inDirectory = join(work, 'directory');
    const stored = join(inDirectory, 'entries');
    await mkdir(inDirectory, { recursive: true });
    const times = await exchange(directoryCache(stored), { source, keys, work: inDirectory });
    const figures = {
      entries: keys.length,
      directory: { ...times, bytes: await folderBytes(stored) },
      service: await throughService({ source, keys, work: join(work, 'service') }),
    };
    for (const name of ['directory', 'service'] as const)
      say(
        `   ${name}: save ${figures[name].save.toFixed(2)} s, restore ${figures[name].restore.toFixed(2)} s`,
      );
    return figures;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The toolkit's own client against a cache service (v2 protocol) on loopback, in a process of its own. */
async function throughService({ source, keys, work }: Exchange): Promise<StoreFigures> {
  const workspace = join(work, 'workspace');
  const file = join(work, 'request.json');
  const answer = join(work, 'answer.json');
  const request: ExchangeRequest = { source, keys, work: workspace, answer };
  await mkdir(workspace, { recursive: true });
  await writeFile(file, JSON.stringify(request));
  const service = await startResultsService({ directory: join(work, 'stored') });
  try {
    await runClient(file, {
      PATH: process.env['PATH'] ?? '',
      HOME: work,
      RUNNER_TEMP: work,
      GITHUB_WORKSPACE: workspace,
      ACTIONS_RESULTS_URL: service.url,
      ACTIONS_RUNTIME_TOKEN: service.token,
      ACTIONS_CACHE_SERVICE_V2: 'true',
    });
    const times: ExchangeTimes = JSON.parse(await readFile(answer, 'utf8'));
    return { ...times, bytes: service.cacheEntries().reduce((sum, entry) => sum + entry.size, 0) };
  } finally {
    await service.close();
  }
}

/** @param env the whole environment of the process, with the workspace among it */
function runClient(request: string, env: Readonly<Record<string, string>>): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'cache-client.js'), request], {
      // The client takes relative paths from its workspace. What goes wrong comes by standard error.
      cwd: env['GITHUB_WORKSPACE'],
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    child.on('error', fail);
    child.on('close', (code) =>
      code === 0 ? done() : fail(new Error(`the cache client ended with ${code}`)),
    );
  });
}
