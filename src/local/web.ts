import { createHash } from 'node:crypto';
import { open, readFile, rm } from 'node:fs/promises';
import { rootCertificates } from 'node:tls';
import type { Dispatcher, RequestInfo, RequestInit } from 'undici';
import type { Env } from '../base/environment.js';
import type { WebClient, WebLimit } from '../base/ports.js';

/**
 * Asks web servers with Node's own client, which neither knows proxies by itself nor the authorities of
 * SSL_CERT_FILE.
 * @param env with the proxy settings
 */
export const nodeWeb = (env: Env): WebClient => ({
  get: (address, limit, signal) => ask(address, env, limit, signal, (body) => readAll(body, limit)),
  download: (address, file, limit, signal) =>
    fromStart(() => ask(address, env, limit, signal, (body) => writeAll(body, file, limit), true)),
});

/** Begins anew where a server broke off and can't go on from there. */
async function fromStart<T>(download: () => Promise<T>, tries = 3): Promise<T> {
  try {
    return await download();
  } catch (error) {
    if (tries === 1 || !isWithoutRanges(error)) throw error;
    return fromStart(download, tries - 1);
  }
}

/** Asks for an address, and gives the answer's body to `body`. */
async function ask<T>(
  address: string,
  env: Env,
  limit: WebLimit,
  signal: AbortSignal,
  body: (body: Body) => Promise<T>,
  retries = false,
): Promise<T> {
  // Most builds ask nothing, and this takes a while to load.
  const { fetch, RetryAgent } = await import('undici');
  const plain = await dispatcherFor(new URL(address), env);
  const dispatcher = retries ? new RetryAgent(plain, { maxRetries: 4, minTimeout: 500 }) : plain;
  try {
    const ended = AbortSignal.any([signal, AbortSignal.timeout(limit.milliseconds)]);
    const response = await fetch(address, { dispatcher, signal: ended });
    if (response.status !== 200) throw new Error(`HTTP status ${response.status}`);
    return await body(response.body ?? []);
  } catch (error) {
    throw reasonOf(error, limit, signal);
  } finally {
    await plain.destroy();
  }
}

type Body = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

async function dispatcherFor(address: URL, env: Env): Promise<Dispatcher> {
  const { Agent, ProxyAgent } = await import('undici');
  const tls = await authorities(env['SSL_CERT_FILE']);
  const proxy = proxyFor(address, env);
  return proxy === undefined ? new Agent({ connect: tls }) : new ProxyAgent({ uri: proxy, requestTls: tls });
}

/** `fetch` by the machine's proxy settings and authorities, for clients that bring the rest; `close` ends it. */
export async function proxiedFetch(address: string, env: Env) {
  const { fetch } = await import('undici');
  const dispatcher = await dispatcherFor(new URL(address), env);
  return {
    fetch: (asked: RequestInfo, options?: RequestInit) => fetch(asked, { ...options, dispatcher }),
    close: () => dispatcher.destroy(),
  };
}

/**
 * Address of the proxy for a URL by the usual variables, as curl reads them: HTTP_PROXY in capitals is none, since a
 * request to a CGI script can set it.
 */
export function proxyFor(url: URL, env: Env): string | undefined {
  const either = (name: string) => env[name] || env[name.toUpperCase()] || undefined;
  const proxy = url.protocol === 'https:' ? either('https_proxy') : env['http_proxy'] || undefined;
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const direct = (either('no_proxy') ?? '').split(/[\s,]+/).some((entry) => {
    const [, name = '', wanted = port] = /^\*?\.?([^:]*)(?::(\d+))?$/.exec(entry) ?? [];
    if (entry === '*') return true;
    return name !== '' && wanted === port && (url.hostname === name || url.hostname.endsWith(`.${name}`));
  });
  return direct ? undefined : proxy;
}

async function readAll(body: Body, limit: WebLimit): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  for await (const part of limited(body, limit)) parts.push(part);
  return new Uint8Array(Buffer.concat(parts));
}

async function* limited(body: Body, { bytes }: WebLimit): AsyncGenerator<Uint8Array> {
  let length = 0;
  for await (const part of body) {
    length += part.length;
    if (length > bytes) throw new Error(`the answer has more than ${bytes} bytes`);
    yield part;
  }
}

async function writeAll(body: Body, path: string, limit: WebLimit) {
  const file = await open(path, 'wx', 0o644);
  try {
    const hash = createHash('sha256');
    let size = 0;
    for await (const part of limited(body, limit)) {
      hash.update(part);
      size += part.length;
      await file.writeFile(part);
    }
    await file.close();
    return { size, sha256: hash.digest('hex') };
  } catch (error) {
    await file.close().catch(() => undefined);
    await rm(path, { force: true });
    throw error;
  }
}

/** Whether a part had come, and the server sent all of it again instead of the rest. */
function isWithoutRanges(error: unknown): boolean {
  const { code, statusCode } = ((error as Error).cause ?? {}) as { code?: string; statusCode?: number };
  return code === 'UND_ERR_REQ_RETRY' && statusCode === 200;
}

async function authorities(file: string | undefined): Promise<{ ca?: string[] }> {
  if (file === undefined || file === '') return {};
  return { ca: [...rootCertificates, await readFile(file, 'utf8')] };
}

/** The cause, which `fetch` keeps to itself. */
function reasonOf(error: unknown, limit: WebLimit, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  const { name, message, cause } = error as { name?: string; message?: string; cause?: unknown };
  if (name === 'TimeoutError') return new Error(`no answer within ${limit.milliseconds / 1000} s`);
  const { message: why, code } = (cause ?? {}) as { message?: string; code?: string };
  return new Error(why || code || message || String(error), { cause });
}
