import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { testCache } from '../prepare.js';

/** Real services for build caches, on loopback, each a process of its own: a container registry and S3. */

export interface CacheService {
  readonly port: number;
  close(): Promise<void>;
}

/** Whom the registry knows. */
export const registryLogin = { user: 'builder', password: 'a pass:word of the registry' };
// By htpasswd -nbB.
const registryUsers = 'builder:$2y$05$sm.A3BVinjckQS/EaK4voepWGz32FB354yYdPtMGeDpeA9YhcheDC\n';

/**
 * Starts Debian's docker-registry, which wants a login for everything, unless it is open to all.
 * @param folder for its files; it is made
 */
export async function startRegistry(folder: string, open = false): Promise<CacheService> {
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  writeFileSync(join(folder, 'users'), registryUsers);
  const configuration = {
    version: 0.1,
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: join(folder, 'data') }, delete: { enabled: true } },
    // Behind one that speaks TLS its own addresses would be wrong.
    http: { addr: `127.0.0.1:${port}`, relativeurls: true },
    ...(open ? {} : { auth: { htpasswd: { realm: 'tests', path: join(folder, 'users') } } }),
  };
  // JSON is YAML.
  writeFileSync(join(folder, 'config.yml'), JSON.stringify(configuration));
  return started(spawn('docker-registry', ['serve', join(folder, 'config.yml')], quiet), port);
}

/** Tags of a repository in the tests' registry. */
export async function tagsIn({ port }: CacheService, repository: string): Promise<string[]> {
  const token = Buffer.from(`${registryLogin.user}:${registryLogin.password}`).toString('base64');
  const answer = await fetch(`http://localhost:${port}/v2/${repository}/tags/list`, {
    headers: { authorization: `Basic ${token}` },
  });
  return ((await answer.json()) as { tags: string[] }).tags;
}

/** Starts moto's S3 server, with a bucket. */
export async function startS3(bucket: string): Promise<CacheService> {
  const port = await freePort();
  const env = { ...process.env, PYTHONPATH: join(testCache, 'moto') };
  const words = ['-m', 'moto.server', '--host', '127.0.0.1', '--port', String(port)];
  const service = await started(spawn('python3', words, { ...quiet, env }), port);
  const made = await fetch(`http://127.0.0.1:${port}/${bucket}`, { method: 'PUT' });
  if (!made.ok) throw new Error(`no bucket: ${made.status}`);
  return service;
}

const quiet = { stdio: 'ignore' } as const;

async function started(child: ChildProcess, port: number): Promise<CacheService> {
  let failed: unknown;
  child.once('error', (error) => {
    failed = error;
  });
  const close = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill();
    await once(child, 'exit');
  };
  for (let attempt = 0; attempt < 150; attempt++) {
    if (failed !== undefined || child.exitCode !== null) throw new Error(`did not start: ${failed}`);
    if (await answers(port)) return { port, close };
    await sleep(200);
  }
  await close();
  throw new Error('did not answer within 30 s');
}

const answers = (port: number): Promise<boolean> =>
  new Promise((done) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => {
      socket.destroy();
      done(true);
    });
    socket.on('error', () => done(false));
  });

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
