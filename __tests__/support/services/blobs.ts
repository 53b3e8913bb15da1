import { createHash, createHmac, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { appendFile, mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BlobError, readText, type ServiceRequest } from './http.js';

/** A stored blob as it is handed out. */
export interface StoredBlob {
  readonly file: string;
  readonly contentType: string;
  /** The name for `Content-Disposition`; without one the header is left out. */
  readonly fileName?: string;
}

/** How a fault bends the transfer of a blob. */
export interface Distortion {
  readonly wrongBytes?: boolean;
  readonly cut?: boolean;
  /** Half of it is sent, and the rest never comes. */
  readonly stalled?: boolean;
}

/**
 * The part of Azure's blob storage that the toolkit speaks: block upload, single upload, HEAD and
 * ranged GET, to URLs that this store signs. Uploads lie under `directory` until `take`n.
 */
export class BlobStore {
  readonly #directory: string;
  readonly #secret: string;

  constructor(directory: string, secret: string) {
    this.#directory = directory;
    this.#secret = secret;
  }

  /** A fresh id to upload to. */
  newId(): string {
    return randomUUID();
  }

  /**
   * The path and query of a signed URL. Three path segments, since the Azure client reads
   * account, container and blob out of URLs whose host is an IP address; a hexadecimal
   * signature, since it re-encodes `+`, `/` and `=`.
   */
  sign(container: string, id: string, permission: 'r' | 'w'): string {
    const path = `/blobs/${container}/${id}`;
    return `${path}?sp=${permission}&sig=${this.#signature(path, permission)}`;
  }

  /** The container and id that a request may use; throws as Azure does when it may not. */
  authorize(request: ServiceRequest): { container: string; id: string } {
    const [, , container, id] = request.path.split('/');
    const permission = request.method === 'PUT' ? 'w' : 'r';
    const signature = request.query.get('sig');
    if (
      container === undefined ||
      id === undefined ||
      request.query.get('sp') !== permission ||
      signature !== this.#signature(request.path, permission)
    ) {
      throw new BlobError(403, 'AuthenticationFailed');
    }
    return { container, id };
  }

  /** PUT of a block, of the list of blocks, or of the whole blob. */
  async put(
    id: string,
    request: ServiceRequest,
    incoming: IncomingMessage,
    response: ServerResponse,
    distortion: Distortion,
  ): Promise<void> {
    const blocks = join(this.#directory, `${id}.blocks`);
    if (request.operation === 'PutBlock') {
      await mkdir(blocks, { recursive: true });
      const name = blockName(request.query.get('blockid') ?? '');
      await store(incoming, join(blocks, name), distortion);
    } else if (request.operation === 'PutBlockList') {
      const list = await readText(incoming);
      const names = [...list.matchAll(/<(?:Latest|Uncommitted|Committed)>([^<]+)</g)].map((match) =>
        blockName(match[1] ?? ''),
      );
      await this.#join(id, blocks, names);
    } else {
      if (request.headers['x-ms-blob-type'] !== 'BlockBlob') {
        throw new BlobError(400, 'InvalidHeaderValue', 'x-ms-blob-type must be BlockBlob');
      }
      await mkdir(this.#directory, { recursive: true });
      await store(incoming, this.#file(id), distortion);
    }
    response.writeHead(201, { ...blobHeaders(), 'content-length': 0 });
    response.end();
  }

  /** Size and sha256 of an upload that is complete, undefined before that. */
  async inspect(id: string): Promise<{ size: number; sha256: string } | undefined> {
    const found = await stat(this.#file(id)).catch(() => undefined);
    if (found === undefined) return undefined;
    const hash = createHash('sha256');
    await pipeline(createReadStream(this.#file(id)), hash);
    return { size: found.size, sha256: hash.digest('hex') };
  }

  /** Moves a complete upload to its lasting place. */
  async take(id: string, destination: string): Promise<void> {
    await rename(this.#file(id), destination);
  }

  #file(id: string): string {
    return join(this.#directory, `${id}.blob`);
  }

  #signature(path: string, permission: string): string {
    return createHmac('sha256', this.#secret).update(`${permission} ${path}`).digest('hex');
  }

  async #join(id: string, blocks: string, names: readonly string[]): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    const file = this.#file(id);
    await rm(file, { force: true });
    await appendFile(file, '');
    for (const name of names) {
      const block = await readFile(join(blocks, name)).catch(() => {
        throw new BlobError(400, 'InvalidBlockList');
      });
      await appendFile(file, block);
    }
    await rm(blocks, { recursive: true, force: true });
  }
}

/** HEAD and GET of a stored blob, whole or a range (`Range`, or Azure's own `x-ms-range`). */
export async function serveBlob(
  blob: StoredBlob,
  request: ServiceRequest,
  response: ServerResponse,
  distortion: Distortion,
): Promise<void> {
  const { size } = await stat(blob.file);
  const asked = request.headers['x-ms-range'] ?? request.headers.range;
  const range = parseRange(typeof asked === 'string' ? asked : undefined, size);
  const length = range.end - range.start + 1;
  const headers: Record<string, string | number> = {
    ...blobHeaders(),
    'accept-ranges': 'bytes',
    'content-type': blob.contentType,
    'content-length': length,
    'x-ms-blob-type': 'BlockBlob',
  };
  if (range.partial) headers['content-range'] = `bytes ${range.start}-${range.end}/${size}`;
  if (blob.fileName !== undefined) {
    const name = encodeURIComponent(blob.fileName);
    headers['content-disposition'] = `attachment; filename="${name}"; filename*=UTF-8''${name}`;
  }
  response.writeHead(range.partial ? 206 : 200, headers);
  if (request.method === 'HEAD' || length === 0) {
    response.end();
    return;
  }
  const cut = distortion.cut === true;
  const partly = cut || distortion.stalled === true;
  const last = partly ? range.start + Math.floor(length / 2) - 1 : range.end;
  if (last >= range.start) {
    const source = createReadStream(blob.file, { start: range.start, end: last });
    await pipeline([source, ...distorting(distortion), response], { end: !partly });
  }
  // Let what was written leave first: the client is to see half a body, not none.
  if (cut) setTimeout(() => response.destroy(), 50);
}

function parseRange(
  header: string | undefined,
  size: number,
): { start: number; end: number; partial: boolean } {
  const match = /^bytes=(\d+)-(\d*)$/.exec(header ?? '');
  if (match === null) return { start: 0, end: size - 1, partial: false };
  const start = Number(match[1]);
  const end = match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  if (start >= size || end < start) throw new BlobError(416, 'InvalidRange');
  return { start, end, partial: true };
}

async function store(source: Readable, file: string, distortion: Distortion): Promise<void> {
  // A name of its own until it is whole: a dropped upload leaves nothing that looks complete.
  const part = `${file}.${randomUUID()}`;
  await pipeline([source, ...distorting(distortion), createWriteStream(part)]);
  await rename(part, file);
}

function distorting(distortion: Distortion): Transform[] {
  if (distortion.wrongBytes !== true) return [];
  let first = true;
  const change = new Transform({
    transform(chunk: Buffer, _encoding, done): void {
      const bytes = Buffer.from(chunk);
      if (first && bytes.length > 0) {
        bytes[0] = (bytes[0] ?? 0) ^ 0xff;
        first = false;
      }
      done(null, bytes);
    },
  });
  return [change];
}

function blockName(blockId: string): string {
  return Buffer.from(blockId).toString('hex');
}

function blobHeaders(): Record<string, string> {
  return {
    etag: '"0x8D0000000000000"',
    'last-modified': new Date().toUTCString(),
    'x-ms-request-id': randomUUID(),
    'x-ms-version': '2025-01-05',
  };
}
