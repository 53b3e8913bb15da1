// Saving and restoring what the cold build has put into the caches, through each kind of store.
import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { folderBytes } from './ours.mjs';
import { timed } from './prepare.mjs';

/**
 * Saves entries one after the other and restores them at the same time, as a build does.
 * @param store a CacheStore
 * @param source folder with the entries by key
 */
export async function exchange({ library, store, source, keys, work }) {
  const { CacheEntries } = await library('cache/entries.js');
  const { listFiles } = await library('base/files.js');
  const faults = [];
  const logger = { info: () => {}, warning: (message) => faults.push(message) };
  const policy = { restore: true, save: true, scopes: ['open'] };
  const entries = new CacheEntries(store, policy, logger, join(work, 'transfer'));
  const save = await timed(async () => {
    for (const key of keys) {
      const files = (await listFiles(join(source, key))).filter((file) => file !== 'ENTRY.sha256');
      await entries.save(key, join(source, key), files);
    }
  });
  const restore = await timed(() =>
    Promise.all(keys.map((key) => entries.restore(key, join(work, 'restored', key)))),
  );
  if (faults.length > 0) throw new Error(faults.join('\n'));
  const missing = keys.filter((_, index) => !restore.value[index]);
  if (missing.length > 0) throw new Error(`not restored: ${missing.join(', ')}`);
  return { save: save.seconds, restore: restore.seconds };
}

export async function measureCaches(context, keys) {
  const { library, cacheDir, say } = context;
  const source = join(cacheDir, 'entries');
  const work = join(context.work, 'caches');
  const { directoryCache } = await library('local/stores.js');
  const root = join(work, 'directory', 'entries');
  const directory = await exchange({
    library,
    store: directoryCache(root),
    source,
    keys,
    work: join(work, 'directory'),
  });
  const figures = {
    entries: keys.length,
    directory: { ...directory, bytes: await folderBytes(root) },
    service: await throughService(context, { source, keys, work: join(work, 'service') }),
  };
  for (const name of ['directory', 'service'])
    say(`   ${name}: save ${figures[name].save.toFixed(2)} s, restore ${figures[name].restore.toFixed(2)} s`);
  return figures;
}

/** The toolkit's own client against a cache service (v2 protocol) on loopback, in a process of its own. */
async function throughService({ root, support }, { source, keys, work }) {
  const { startResultsService } = await support('services/results-service.js');
  const workspace = join(work, 'workspace');
  const request = join(work, 'request.json');
  const answer = join(work, 'answer.json');
  await mkdir(workspace, { recursive: true });
  await writeFile(request, JSON.stringify({ root, source, keys, workspace, answer }));
  const service = await startResultsService({ directory: join(work, 'stored') });
  try {
    await runClient(request, {
      PATH: process.env.PATH,
      HOME: work,
      RUNNER_TEMP: work,
      GITHUB_WORKSPACE: workspace,
      ACTIONS_RESULTS_URL: service.url,
      ACTIONS_RUNTIME_TOKEN: service.token,
      ACTIONS_CACHE_SERVICE_V2: 'true',
    });
    const bytes = service.cacheEntries().reduce((sum, entry) => sum + entry.size, 0);
    return { ...JSON.parse(await readFile(answer, 'utf8')), bytes };
  } finally {
    await service.close();
  }
}

function runClient(request, env) {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'cache-client.mjs'), request], {
      // The client takes relative paths from its workspace. What goes wrong comes by standard error.
      cwd: env.GITHUB_WORKSPACE,
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    child.on('error', fail);
    child.on('close', (code) =>
      code === 0 ? done() : fail(new Error(`the cache client ended with ${code}`)),
    );
  });
}
