import { createServer, type IncomingMessage, request as makeRequest, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a request of the v1 cache protocol is for. */
export type V1Operation = 'lookup' | 'reserve' | 'upload' | 'commit' | 'download';

/**
 * - `429`, `500`: that status, nothing done
 * - `cut`: the request is carried out, but half of the answer is lost
 * - `stalled`: no answer, nothing done
 * - `wrong-bytes`: the answer's middle byte is changed
 */
export type V1Fault = '429' | '500' | 'cut' | 'stalled' | 'wrong-bytes';

export interface Forwarder {
  /** What stands before `host:port/path` of the service that is meant. */
  readonly through: string;
  /** The next request of this kind for this entry meets the fault. */
  addFault(operation: V1Operation, key: string, fault: V1Fault): void;
  close(): Promise<void>;
}

/** Stands between a v1 client and its cache server, one that can't have faults of its own. */
export async function startForwarder(): Promise<Forwarder> {
  const faults = new Map<string, V1Fault>();
  const keys = new Map<string, string>();
  let through = '';

  const answer = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [, host = '', path = ''] = /^\/([^/]+)(\/.*)$/.exec(incoming.url ?? '') ?? [];
    const sent = await bytesOf(incoming);
    const operation = operationOf(incoming.method ?? '', path);
    const id = `${host} ${/(\d+)$/.exec(path)?.[1]}`;
    const key = keyIn(operation, path, sent) ?? keys.get(id) ?? '';
    const place = `${operation} ${key}`;
    const fault = faults.get(place);
    faults.delete(place);
    if (fault === 'stalled') return;
    if (fault === '429' || fault === '500') {
      response.writeHead(Number(fault)).end('{"message":"injected"}');
      return;
    }
    const { status, headers, body } = await pass(host, path, incoming, sent);
    const text = body.toString();
    if (operation === 'reserve') keys.set(`${host} ${/"cacheId":(\d+)/.exec(text)?.[1]}`, key);
    if (operation === 'lookup') keys.set(`${host} ${/artifacts\/(\d+)/.exec(text)?.[1]}`, key);
    // Downloads are to come this way too.
    const shown = operation === 'lookup' ? Buffer.from(text.replace('"http://', `"${through}`)) : body;
    const middle = Math.floor(shown.length / 2);
    if (fault === 'wrong-bytes') shown[middle] = (shown[middle] ?? 0) ^ 0xff;
    response.writeHead(status, { ...headers, 'content-length': shown.length });
    if (fault !== 'cut') response.end(shown);
    else response.write(shown.subarray(0, middle), () => setTimeout(() => response.destroy(), 50));
  };

  const server = createServer((incoming, response) => {
    answer(incoming, response).catch(() => response.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  through = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    through,
    addFault: (operation, key, fault) => faults.set(`${operation} ${key}`, fault),
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

function operationOf(method: string, path: string): V1Operation | undefined {
  if (method === 'GET') return path.includes('/artifacts/') ? 'download' : 'lookup';
  if (method === 'PATCH') return 'upload';
  return /\/caches$/.test(path) ? 'reserve' : 'commit';
}

function keyIn(operation: V1Operation | undefined, path: string, sent: Buffer): string | undefined {
  if (operation === 'lookup') return new URLSearchParams(path.split('?')[1]).get('keys') ?? '';
  if (operation === 'reserve') return JSON.parse(sent.toString()).key;
  return undefined;
}

async function bytesOf(stream: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

function pass(host: string, path: string, incoming: IncomingMessage, sent: Buffer) {
  const [hostname, port] = host.split(':');
  const { connection: _, 'transfer-encoding': __, ...headers } = incoming.headers;
  return new Promise<{ status: number; headers: IncomingMessage['headers']; body: Buffer }>(
    (done, failed) => {
      const passed = makeRequest(
        {
          hostname,
          port,
          path,
          method: incoming.method,
          headers: { ...headers, host, 'content-length': sent.length },
        },
        (response) => {
          const { connection: _, 'transfer-encoding': __, ...rest } = response.headers;
          bytesOf(response).then(
            (body) => done({ status: response.statusCode ?? 500, headers: rest, body }),
            failed,
          );
        },
      );
      passed.once('error', failed);
      passed.end(sent);
    },
  );
}
