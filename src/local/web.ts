import { readFile } from 'node:fs/promises';
import { rootCertificates } from 'node:tls';
import type { Env } from '../base/environment.js';
import type { WebClient, WebLimit } from '../base/ports.js';

/**
 * Asks web servers with Node's own client, which neither knows proxies by itself nor the authorities of
 * SSL_CERT_FILE.
 * @param env with the proxy settings
 */
export const nodeWeb = (env: Env): WebClient => ({
  get: async (address, limit, signal) => {
    // Most builds ask nothing, and this takes a while to load.
    const { Agent, fetch, ProxyAgent } = await import('undici');
    const tls = await authorities(env['SSL_CERT_FILE']);
    const proxy = proxyFor(new URL(address), env);
    const dispatcher =
      proxy === undefined ? new Agent({ connect: tls }) : new ProxyAgent({ uri: proxy, requestTls: tls });
    try {
      const ended = AbortSignal.any([signal, AbortSignal.timeout(limit.milliseconds)]);
      const response = await fetch(address, { dispatcher, signal: ended });
      if (response.status !== 200) throw new Error(`HTTP status ${response.status}`);
      return await readAll(response.body, limit);
    } catch (error) {
      throw reasonOf(error, limit, signal);
    } finally {
      await dispatcher.destroy();
    }
  },
});

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

async function readAll(
  body: AsyncIterable<Uint8Array> | null,
  { bytes }: WebLimit,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of body ?? []) {
    length += part.length;
    if (length > bytes) throw new Error(`the answer has more than ${bytes} bytes`);
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts));
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
  return new Error(why || code || message || String(error));
}
