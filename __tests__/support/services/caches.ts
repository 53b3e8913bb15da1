import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readIndex, writeIndex } from './artifacts.js';
import type { BlobStore, StoredBlob } from './blobs.js';
import { type Operation, TwirpError, text } from './http.js';

/** What the run's token may do; GitHub gives `read` to runs of events that it does not trust. */
export type CacheAccess = 'read-write' | 'read' | 'none';

/** A cache entry that was finalized. */
export interface CacheRecord {
  readonly id: number;
  readonly key: string;
  readonly version: string;
  readonly size: number;
  readonly sha256: string;
  readonly createdAt: string;
}

type Body = Record<string, unknown>;

/**
 * The cache half of the results service (`CacheService`, protocol v2). Entries cannot be changed:
 * a second CreateCacheEntry with the same key and version gets 409, also while the first upload
 * is not finalized (one that was begun and given up is forgotten when the service stops).
 * Branch scopes are not modelled: every run sees every entry.
 */
export class Caches {
  readonly #folder: string;
  readonly #index: string;
  readonly #blobs: BlobStore;
  readonly #access: CacheAccess;
  readonly #pending = new Map<string, string>();
  readonly #keyOfUpload = new Map<string, string>();
  #records: CacheRecord[];
  #nextId: number;

  constructor(directory: string, blobs: BlobStore, access: CacheAccess) {
    this.#folder = join(directory, 'caches');
    this.#index = join(directory, 'caches.json');
    this.#blobs = blobs;
    this.#access = access;
    mkdirSync(this.#folder, { recursive: true });
    this.#records = readIndex<CacheRecord>(this.#index);
    this.#nextId = 1 + Math.max(0, ...this.#records.map((record) => record.id));
  }

  list(): (CacheRecord & { readonly file: string })[] {
    return this.#records.map((record) => ({ ...record, file: this.#file(record.id) }));
  }

  find(id: string): StoredBlob | undefined {
    const record = this.#records.find((candidate) => String(candidate.id) === id);
    if (record === undefined) return undefined;
    return { file: this.#file(record.id), contentType: 'application/octet-stream' };
  }

  /** The key of the entry that a blob is, or is to be. */
  keyOf(id: string): string | undefined {
    return this.#keyOfUpload.get(id) ?? this.#records.find((candidate) => String(candidate.id) === id)?.key;
  }

  /** One call of the service; `url` makes a path of this server absolute. */
  async call(operation: Operation, body: Body, url: (path: string) => string): Promise<object> {
    const key = text(body, 'key');
    const version = text(body, 'version');
    if (key === '' || key.length > 512 || key.includes(',') || version === '') {
      throw new TwirpError('invalid_argument', 'key or version is missing or not valid');
    }
    switch (operation) {
      case 'CreateCacheEntry':
        return this.#create(key, version, url);
      case 'FinalizeCacheEntryUpload':
        return await this.#finalize(key, version, text(body, 'size_bytes'));
      case 'GetCacheEntryDownloadURL':
        return this.#lookUp(key, version, body['restore_keys'], url);
      default:
        throw new TwirpError('bad_route', `no such call: ${operation}`);
    }
  }

  #create(key: string, version: string, url: (path: string) => string): object {
    if (this.#access !== 'read-write') {
      return { ok: false, message: 'cache write denied: the token of this run is read-only' };
    }
    const taken = this.#records.some((entry) => entry.key === key && entry.version === version);
    if (taken || this.#pending.has(`${version} ${key}`)) {
      throw new TwirpError(
        'already_exists',
        'cache entry with the same key, version, and scope already exists',
      );
    }
    const blob = this.#blobs.newId();
    this.#pending.set(`${version} ${key}`, blob);
    this.#keyOfUpload.set(blob, key);
    return { ok: true, signed_upload_url: url(this.#blobs.sign('uploads', blob, 'w')) };
  }

  async #finalize(key: string, version: string, size: string): Promise<object> {
    const blob = this.#pending.get(`${version} ${key}`);
    if (blob === undefined) throw new TwirpError('not_found', `never reserved: ${key}`);
    const stored = await this.#blobs.inspect(blob);
    if (stored === undefined) throw new TwirpError('invalid_argument', 'nothing was uploaded');
    if (size !== String(stored.size)) {
      throw new TwirpError('invalid_argument', `size is ${stored.size}, not ${size}`);
    }
    // Taken before anything is waited for: uploads may end at the same time.
    const id = this.#nextId++;
    await this.#blobs.take(blob, this.#file(id));
    this.#pending.delete(`${version} ${key}`);
    const createdAt = new Date().toISOString();
    this.#records = [
      ...this.#records,
      { id, key, version, size: stored.size, sha256: stored.sha256, createdAt },
    ];
    writeIndex(this.#index, this.#records);
    return { ok: true, entry_id: String(id) };
  }

  /** GitHub's order: the key itself, its prefix, then each restore key; the newest entry wins. */
  #lookUp(key: string, version: string, restoreKeys: unknown, url: (path: string) => string): object {
    if (this.#access === 'none') {
      throw new TwirpError('permission_denied', 'cache read denied: no readable cache scopes');
    }
    const candidates = this.#records.filter((entry) => entry.version === version).reverse();
    const keys = [key, ...(Array.isArray(restoreKeys) ? restoreKeys.map(String) : [])];
    for (const wanted of keys) {
      const found =
        candidates.find((entry) => entry.key === wanted) ??
        candidates.find((entry) => entry.key.startsWith(wanted));
      if (found !== undefined) {
        return {
          ok: true,
          signed_download_url: url(this.#blobs.sign('caches', String(found.id), 'r')),
          matched_key: found.key,
        };
      }
    }
    return { ok: false, signed_download_url: '', matched_key: '' };
  }

  #file(id: number): string {
    return join(this.#folder, String(id));
  }
}
