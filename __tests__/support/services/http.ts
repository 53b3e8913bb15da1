import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';

/**
 * What a request is for, in the service's own words. Rules for faults and assertions of tests
 * match on it, so that none of them has to know the paths.
 */
export type Operation =
  | 'CreateArtifact'
  | 'FinalizeArtifact'
  | 'ListArtifacts'
  | 'GetSignedArtifactURL'
  | 'DeleteArtifact'
  | 'CreateCacheEntry'
  | 'FinalizeCacheEntryUpload'
  | 'GetCacheEntryDownloadURL'
  | 'PutBlob'
  | 'PutBlock'
  | 'PutBlockList'
  | 'HeadBlob'
  | 'GetBlob'
  | 'unknown';

/** One request as it came in. `body` is the JSON of a twirp call; blobs are not kept. */
export interface ServiceRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly operation: Operation;
  readonly body?: unknown;
  /** Key of the cache entry that it is about, calls and transfers alike. */
  readonly key?: string;
}

/** A request with what became of it. `status` 0: the connection was dropped without an answer. */
export interface RecordedRequest extends ServiceRequest {
  readonly at: Date;
  readonly status: number;
  readonly milliseconds: number;
  readonly fault?: string;
}

/** An error in twirp's form: the code decides the HTTP status, as in twirp's specification. */
export class TwirpError extends Error {
  readonly code: keyof typeof TWIRP_STATUS;

  constructor(code: keyof typeof TWIRP_STATUS, message: string) {
    super(message);
    this.name = 'TwirpError';
    this.code = code;
  }

  get status(): number {
    return TWIRP_STATUS[this.code];
  }
}

const TWIRP_STATUS = {
  invalid_argument: 400,
  malformed: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  bad_route: 404,
  already_exists: 409,
  resource_exhausted: 429,
  internal: 500,
} as const;

/** An error in the form of Azure's blob storage: XML, and the code in a header. */
export class BlobError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string = code) {
    super(message);
    this.name = 'BlobError';
    this.status = status;
    this.code = code;
  }
}

export async function readText(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}

/** Answers with an error in the form that the client of that part of the service expects. */
export function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (error instanceof BlobError) {
    const body = `<?xml version="1.0" encoding="utf-8"?><Error><Code>${error.code}</Code><Message>${error.message}</Message></Error>`;
    response.writeHead(error.status, {
      'content-type': 'application/xml',
      'content-length': Buffer.byteLength(body),
      'x-ms-error-code': error.code,
    });
    response.end(body);
    return;
  }
  const twirp = error instanceof TwirpError ? error : new TwirpError('internal', (error as Error).message);
  sendJson(response, twirp.status, { code: twirp.code, msg: twirp.message });
}

/** A string field of a twirp request; proto3 leaves empty ones out. */
export function text(body: Record<string, unknown>, field: string): string {
  const value = body[field];
  return typeof value === 'string' ? value : '';
}
