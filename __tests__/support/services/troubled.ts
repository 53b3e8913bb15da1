import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { join } from 'node:path';
import type { CacheService } from './registry.js';

/** What goes wrong at a service. */
export type Trouble =
  | 'none'
  /** Answers with a status: to all, or to what writes only. */
  | { readonly status: number; readonly writes?: boolean }
  /** Does not answer. */
  | 'silent'
  /** Is gone in the middle of the first upload of so many bytes, and stays so. */
  | { readonly diesAfter: number };

/** A certificate for this machine's loopback, and its key; it is its own authority. */
export interface Certificate {
  /** Files. */
  readonly certificate: string;
  readonly key: string;
}

/** @param folder for the files; it is made */
export function makeCertificate(folder: string): Certificate {
  mkdirSync(folder, { recursive: true });
  const [certificate, key] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')];
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=tests'],
      ...['-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost', '-keyout', key, '-out', certificate],
    ],
    { stdio: 'ignore' },
  );
  return { certificate, key };
}

/** A service behind which another one is, and which can be told to fail. */
/** Writes a file with the authorities that the machine has, and this one, for SSL_CERT_FILE. Returns its path. */
export function trusting({ certificate }: Certificate, folder: string): string {
  const path = join(folder, 'authorities.pem');
  const machines = process.env['SSL_CERT_FILE'] ?? '/etc/ssl/certs/ca-certificates.crt';
  writeFileSync(path, [machines, certificate].map((file) => readFileSync(file, 'utf8')).join('\n'));
  return path;
}

export interface Troubled extends CacheService {
  trouble: Trouble;
  /** Requests that came, `PUT /v2/…`. */
  readonly requests: string[];
}

/**
 * Starts it before a service that listens on a port of this machine.
 * @param tls where it speaks TLS
 */
export async function startTroubled(target: number, tls?: Certificate): Promise<Troubled> {
  const requests: string[] = [];
  let dead = false;
  const handle = (incoming: IncomingMessage, response: ServerResponse) => {
    const { method = 'GET', url = '/', headers } = incoming;
    requests.push(`${method} ${url}`);
    const { trouble } = service;
    if (trouble === 'silent') return;
    if (dead && typeof trouble === 'object' && 'diesAfter' in trouble) return void incoming.socket.destroy();
    const writes = !['GET', 'HEAD'].includes(method);
    if (typeof trouble === 'object' && 'status' in trouble && (writes || trouble.writes !== true)) {
      incoming.resume();
      response.writeHead(trouble.status, { 'content-length': 0, 'retry-after': '1' }).end();
      return;
    }
    const outgoing = request({ port: target, host: '127.0.0.1', method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    outgoing.on('error', () => response.destroy());
    let bytes = 0;
    incoming.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (typeof trouble === 'object' && 'diesAfter' in trouble && bytes > trouble.diesAfter) {
        dead = true;
        outgoing.destroy();
        incoming.socket.destroy();
      } else outgoing.write(chunk);
    });
    incoming.on('end', () => outgoing.end());
  };
  const server =
    tls === undefined
      ? createServer(handle)
      : createSecureServer({ cert: readFileSync(tls.certificate), key: readFileSync(tls.key) }, handle);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  let current: Trouble = 'none';
  const service: Troubled = {
    port,
    requests,
    get trouble() {
      return current;
    },
    set trouble(next: Trouble) {
      dead = false;
      current = next;
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return service;
}
