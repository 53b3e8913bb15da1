import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { actionsCache } from '../../../src/action/stores.js';
import { listFiles, sha256 } from '../../../src/base/files.js';
import { CacheEntries } from '../../../src/cache/entries.js';
import { recordingLogger, writeFiles } from '../fakes.js';
import { temporaryFolder } from '../prepare.js';
import { type ResultsService, startResultsService } from '../services/results-service.js';
import { type CacheJob, type FinishedJob, runCacheJob } from './processes.js';

/** What became of a build as far as one cache entry goes. */
export interface Build {
  readonly restored: boolean;
  /** What was restored: modes and sums by path. */
  readonly files: Record<string, string>;
  readonly warnings: string[];
  readonly infos: string[];
}

/** This process as an action on a runner of GitHub's, with a v2 cache service of its own. */
export interface CacheRunner {
  readonly folder: string;
  readonly workspace: string;
  readonly service: ResultsService;
  /** A folder with small files, nested, empty and executable ones, to save. */
  readonly source: string;
  /** What a build does with an entry: main restores it; else it is made, and post saves it. */
  build(key: string, from?: string): Promise<Build>;
  /** Keys in the service that begin like this. */
  keysLike(start: string): string[];
  /** Runs a job in a process with a workspace of its own, as on another runner. */
  run(built: string, job: CacheJob, service?: ResultsService): Promise<FinishedJob>;
  stop(): Promise<void>;
}

/**
 * Blobs have a name of Azure's, so that they are transferred as on GitHub: by Azure's client, which needs
 * the service as its proxy to find them.
 */
export const startCacheService = (directory: string): Promise<ResultsService> =>
  startResultsService({ directory, blobHost: 'slurmfactory.blob.core.windows.net' });

/** Modes and sums of a folder's files by path. */
export async function describeFolder(folder: string): Promise<Record<string, string>> {
  const facts = (await listFiles(folder)).map(async (name) => {
    const mode = (statSync(join(folder, name)).mode & 0o777).toString(8);
    return [name, `${mode} ${sha256(readFileSync(join(folder, name)))}`] as const;
  });
  return Object.fromEntries(await Promise.all(facts));
}

/** Flips a byte in the middle of a file. */
export function flipByte(file: string): void {
  const bytes = readFileSync(file);
  const middle = Math.floor(bytes.length / 2);
  bytes[middle] = (bytes[middle] ?? 0) ^ 0xff;
  writeFileSync(file, bytes);
}

export async function startCacheRunner(): Promise<CacheRunner> {
  const folder = temporaryFolder('cache');
  const workspace = join(folder, 'workspace');
  const source = join(folder, 'source');
  await writeFiles(source, { 'bin/tool': 'tool\n', 'share/a b.txt': 'text', empty: '' });
  chmodSync(join(source, 'bin/tool'), 0o755);
  const service = await startCacheService(join(folder, 'service'));
  const leave = enter(environmentFor(service, workspace));
  let [builds, jobs] = [0, 0];
  return {
    folder,
    workspace,
    service,
    source,
    build: (key, from = source) => {
      builds += 1;
      return build(key, from, workspace, join(folder, 'builds', String(builds)));
    },
    keysLike: (start) =>
      service
        .cacheEntries()
        .map((entry) => entry.key)
        .filter((key) => key.startsWith(start)),
    run: (built, job, of = service) => {
      jobs += 1;
      const at = join(folder, 'jobs', String(jobs));
      mkdirSync(join(at, 'workspace'), { recursive: true });
      return runCacheJob(built, at, job, environmentFor(of, join(at, 'workspace')));
    },
    stop: async () => {
      await service.close();
      leave();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The runner's environment, as the toolkit reads it. */
const environmentFor = (service: ResultsService, workspace: string): Record<string, string> => ({
  GITHUB_WORKSPACE: workspace,
  RUNNER_TEMP: join(workspace, '..', 'temp'),
  ACTIONS_RESULTS_URL: service.url,
  ACTIONS_RUNTIME_TOKEN: service.token,
  ACTIONS_CACHE_SERVICE_V2: 'true',
  // A download that fails leaves a timer of this time behind, 10 minutes where it is not set.
  SEGMENT_DOWNLOAD_TIMEOUT_MINS: '0.1',
  http_proxy: service.url,
});

/** Takes this process where the runner starts an action. Returns the way back. */
function enter(environment: Record<string, string>): () => void {
  const before = { environment: { ...process.env }, directory: process.cwd(), write: process.stdout.write };
  for (const name of Object.keys(process.env)) {
    if (/proxy$/i.test(name) || /^(ACTIONS|GITHUB|RUNNER)_/.test(name)) delete process.env[name];
  }
  Object.assign(process.env, environment);
  const workspace = environment['GITHUB_WORKSPACE'] ?? '';
  mkdirSync(workspace, { recursive: true });
  process.chdir(workspace);
  // The toolkit talks to the runner by stdout, and much.
  process.stdout.write = () => true;
  return () => {
    process.stdout.write = before.write;
    process.chdir(before.directory);
    for (const name of Object.keys(process.env)) delete process.env[name];
    Object.assign(process.env, before.environment);
  };
}

async function build(key: string, from: string, workspace: string, target: string): Promise<Build> {
  const logger = recordingLogger();
  const store = actionsCache(workspace);
  const policy = { restore: true, save: true, scopes: ['open'] };
  const transfer = join(workspace, '.slurm-factory');
  let damaged: string[] = [];
  const main = new CacheEntries(store, policy, logger, transfer, {
    onDamaged: (keys) => {
      damaged = keys;
    },
  });
  mkdirSync(target, { recursive: true });
  const restored = await main.restore(key, target);
  const files = await describeFolder(target);
  if (!restored) await new CacheEntries(store, policy, logger, transfer, { damaged }).save(key, from);
  return {
    restored,
    files,
    warnings: logger.of('warning'),
    infos: [...logger.of('info'), ...logger.of('debug')],
  };
}
