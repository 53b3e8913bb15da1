import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ArtifactRecord, Artifacts } from './artifacts.js';
import { BlobStore, serveBlob } from './blobs.js';
import { type CacheAccess, type CacheRecord, Caches } from './caches.js';
import { type FaultRule, Faults } from './faults.js';
import {
  BlobError,
  type Operation,
  type RecordedRequest,
  readText,
  type ServiceRequest,
  sendError,
  sendJson,
  TwirpError,
  text,
} from './http.js';
import { makeToken, readToken } from './token.js';

export type { ArtifactRecord } from './artifacts.js';
export type { CacheAccess, CacheRecord } from './caches.js';
export type { FaultKind, FaultRule } from './faults.js';
export type { Operation, RecordedRequest, ServiceRequest } from './http.js';

export interface ResultsServiceOptions {
  /** Where artifacts and cache entries are kept; a later service on it sees what is there. */
  readonly directory: string;
  readonly faults?: readonly FaultRule[];
  /** The workflow run's id; a new one where not given. */
  readonly run?: string;
  /** `read-write` where not given. */
  readonly cacheAccess?: CacheAccess;
  /**
   * Host name in the URLs of blobs; the loopback's address where not given. To a host of Azure's the
   * toolkit speaks by Azure's own client; with this service as `http_proxy` it still ends up here.
   */
  readonly blobHost?: string;
}

export interface ResultsService {
  /** For ACTIONS_RESULTS_URL, with a slash at its end as GitHub's has. */
  readonly url: string;
  /** For ACTIONS_RUNTIME_TOKEN. */
  readonly token: string;
  readonly run: string;
  readonly directory: string;
  /** A token of another job of this run, or of another run. */
  tokenFor(job: string, run?: string): string;
  /** Adds a rule behind those that are there. */
  addFault(rule: FaultRule): void;
  clearFaults(): void;
  artifacts(): (ArtifactRecord & { readonly file: string })[];
  cacheEntries(): (CacheRecord & { readonly file: string })[];
  /** All requests so far in the order in which they were answered. */
  requests(): readonly RecordedRequest[];
  /** Stops listening and drops what is open; what is stored stays. */
  close(): Promise<void>;
}

const SERVICES = {
  ArtifactService: [
    'CreateArtifact',
    'FinalizeArtifact',
    'ListArtifacts',
    'GetSignedArtifactURL',
    'DeleteArtifact',
  ],
  CacheService: ['CreateCacheEntry', 'FinalizeCacheEntryUpload', 'GetCacheEntryDownloadURL'],
} as const satisfies Record<string, readonly Operation[]>;

/**
 * A real HTTP service on the loopback that answers as GitHub's results service does: artifacts
 * (v4 protocol) and caches (v2 protocol) with the toolkit's own clients, faults on demand.
 * One service at a time on a directory.
 */
export async function startResultsService(options: ResultsServiceOptions): Promise<ResultsService> {
  const { directory } = options;
  mkdirSync(directory, { recursive: true });
  const run = options.run ?? randomUUID();
  const secret = randomUUID();
  const blobs = new BlobStore(join(directory, 'uploads'), secret);
  const artifacts = new Artifacts(directory, blobs);
  const caches = new Caches(directory, blobs, options.cacheAccess ?? 'read-write');
  const faults = new Faults(options.faults);
  const requests: RecordedRequest[] = [];

  const handler = new Handler(blobs, artifacts, caches, faults, secret, requests);
  const server = createServer((incoming, response) => void handler.handle(incoming, response));
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(0, '127.0.0.1', listening);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  handler.base = url;
  if (options.blobHost !== undefined) handler.blobBase = url.replace('127.0.0.1', options.blobHost);
  const tokenFor = (job: string, ofRun: string = run): string => makeToken({ run: ofRun, job }, secret);

  return {
    url,
    run,
    directory,
    token: tokenFor(randomUUID()),
    tokenFor,
    addFault: (rule) => faults.add(rule),
    clearFaults: () => faults.clear(),
    artifacts: () => artifacts.list(),
    cacheEntries: () => caches.list(),
    requests: () => requests,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

class Handler {
  base = '';
  blobBase: string | undefined;
  readonly #blobs: BlobStore;
  readonly #artifacts: Artifacts;
  readonly #caches: Caches;
  readonly #faults: Faults;
  readonly #secret: string;
  readonly #log: RecordedRequest[];

  constructor(
    blobs: BlobStore,
    artifacts: Artifacts,
    caches: Caches,
    faults: Faults,
    secret: string,
    log: RecordedRequest[],
  ) {
    this.#blobs = blobs;
    this.#artifacts = artifacts;
    this.#caches = caches;
    this.#faults = faults;
    this.#secret = secret;
    this.#log = log;
  }

  /** Serves one request and records it; never rejects. */
  async handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const at = new Date();
    let request = describe(incoming, this.base);
    let fault: FaultRule | undefined;
    try {
      if (request.path.startsWith('/twirp/')) {
        request = { ...request, body: parseBody(await readText(incoming)) };
      }
      const key = this.#keyOf(request);
      if (key !== undefined) request = { ...request, key };
      fault = this.#faults.take(request);
      if (fault?.kind === 'slow') await sleep(fault.delayMs ?? 1000, undefined, { ref: false });
      await this.#serve(request, fault, incoming, response);
    } catch (error) {
      sendError(response, error);
    } finally {
      this.#log.push({
        ...request,
        at,
        status: response.headersSent ? response.statusCode : 0,
        milliseconds: Date.now() - at.getTime(),
        ...(fault === undefined ? {} : { fault: fault.kind }),
      });
    }
  }

  #keyOf(request: ServiceRequest): string | undefined {
    if (request.body !== undefined) return text(request.body as Record<string, unknown>, 'key');
    const [, , container, id = ''] = request.path.split('/');
    return container === 'artifacts' ? undefined : this.#caches.keyOf(id);
  }

  async #serve(
    request: ServiceRequest,
    fault: FaultRule | undefined,
    incoming: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const twirp = request.path.startsWith('/twirp/');
    if (fault?.kind === 'stalled' && request.method !== 'GET') {
      await new Promise((gone) => incoming.socket.once('close', gone));
      return;
    }
    if (fault?.kind === 'down' || (fault?.kind === 'cut' && request.method === 'PUT')) {
      incoming.socket.destroy();
      return;
    }
    if (fault?.kind === '429' || fault?.kind === '500') {
      if (!twirp) incoming.resume();
      if (fault.kind === '429') response.setHeader('retry-after', '1');
      throw injected(fault.kind, twirp);
    }
    if (!twirp) {
      await this.#transfer(request, fault, incoming, response);
      return;
    }
    const answer = await this.#call(request);
    if (fault?.kind === 'cut') {
      incoming.socket.destroy();
    } else if (fault?.kind === 'wrong-bytes') {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end('<html>not what you asked for</html>');
    } else {
      sendJson(response, 200, answer);
    }
  }

  async #call(request: ServiceRequest): Promise<object> {
    if (request.operation === 'unknown' || request.method !== 'POST') {
      throw new TwirpError('bad_route', `no such call: ${request.method} ${request.path}`);
    }
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    const scope = bearer === undefined ? undefined : readToken(bearer, this.#secret);
    if (scope === undefined) throw new TwirpError('unauthenticated', 'no valid token');
    const body = request.body as Record<string, unknown>;
    const url = (path: string): string => new URL(path, this.blobBase ?? this.base).href;
    return SERVICES.CacheService.some((name) => name === request.operation)
      ? await this.#caches.call(request.operation, body, url)
      : await this.#artifacts.call(request.operation, body, scope, url);
  }

  async #transfer(
    request: ServiceRequest,
    fault: FaultRule | undefined,
    incoming: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    if (request.operation === 'unknown') throw new BlobError(404, 'ResourceNotFound');
    const { container, id } = this.#blobs.authorize(request);
    const distortion = {
      wrongBytes: fault?.kind === 'wrong-bytes',
      cut: fault?.kind === 'cut',
      stalled: fault?.kind === 'stalled',
    };
    if (request.method === 'PUT') {
      await this.#blobs.put(id, request, incoming, response, distortion);
      return;
    }
    const blob = (container === 'caches' ? this.#caches : this.#artifacts).find(id);
    if (blob === undefined) throw new BlobError(404, 'BlobNotFound');
    await serveBlob(blob, request, response, distortion);
  }
}

function describe(incoming: IncomingMessage, base: string): ServiceRequest {
  const url = new URL(incoming.url ?? '/', base);
  const method = incoming.method ?? 'GET';
  return {
    method,
    path: url.pathname,
    query: url.searchParams,
    headers: incoming.headers,
    operation: operationOf(method, url),
  };
}

function operationOf(method: string, url: URL): Operation {
  const call = /^\/twirp\/github\.actions\.results\.api\.v1\.(\w+)\/(\w+)$/.exec(url.pathname);
  if (call !== null) {
    const operations: readonly Operation[] = SERVICES[call[1] as keyof typeof SERVICES] ?? [];
    return operations.find((name) => name === call[2]) ?? 'unknown';
  }
  if (!url.pathname.startsWith('/blobs/')) return 'unknown';
  if (method === 'GET') return 'GetBlob';
  if (method === 'HEAD') return 'HeadBlob';
  if (method !== 'PUT') return 'unknown';
  const part = url.searchParams.get('comp');
  if (part === null) return 'PutBlob';
  return part === 'block' ? 'PutBlock' : part === 'blocklist' ? 'PutBlockList' : 'unknown';
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text === '' ? '{}' : text);
  } catch {
    throw new TwirpError('malformed', 'the request is not JSON');
  }
}

function injected(kind: '429' | '500', twirp: boolean): Error {
  if (twirp) {
    return kind === '429'
      ? new TwirpError('resource_exhausted', 'injected: too many requests')
      : new TwirpError('internal', 'injected: internal error');
  }
  return kind === '429' ? new BlobError(429, 'TooManyRequests') : new BlobError(500, 'InternalError');
}
