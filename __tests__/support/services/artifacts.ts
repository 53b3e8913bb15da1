import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BlobStore, StoredBlob } from './blobs.js';
import { type Operation, TwirpError, text } from './http.js';
import type { TokenScope } from './token.js';

/** An artifact that was finalized. `digest` is `sha256:<hex>` of the bytes that are stored. */
export interface ArtifactRecord {
  readonly id: number;
  readonly name: string;
  readonly run: string;
  readonly job: string;
  readonly size: number;
  readonly digest: string;
  readonly mimeType: string;
  readonly createdAt: string;
  readonly expiresAt?: string;
}

interface Pending {
  readonly blob: string;
  readonly job: string;
  readonly mimeType: string;
  readonly expiresAt?: string;
}

type Body = Record<string, unknown>;

/**
 * The artifact half of the results service (`ArtifactService`, protocol version 7). As on GitHub a
 * name can be created once in a run, an upload that was begun and given up included: the second
 * CreateArtifact gets 409 until the artifact is deleted.
 *
 * Contents lie in `<directory>/artifacts/<name>`; a later run's artifact takes the place of an
 * earlier run's of the same name.
 */
export class Artifacts {
  readonly #folder: string;
  readonly #index: string;
  readonly #blobs: BlobStore;
  readonly #pending = new Map<string, Pending>();
  #records: ArtifactRecord[];

  constructor(directory: string, blobs: BlobStore) {
    this.#folder = join(directory, 'artifacts');
    this.#index = join(directory, 'artifacts.json');
    this.#blobs = blobs;
    mkdirSync(this.#folder, { recursive: true });
    this.#records = readIndex<ArtifactRecord>(this.#index);
  }

  list(): (ArtifactRecord & { readonly file: string })[] {
    return this.#records.map((record) => ({ ...record, file: join(this.#folder, record.name) }));
  }

  find(id: string): StoredBlob | undefined {
    const record = this.#records.find((candidate) => String(candidate.id) === id);
    if (record === undefined) return undefined;
    const zip = record.mimeType === 'application/zip' && !record.name.endsWith('.zip');
    return {
      file: join(this.#folder, record.name),
      contentType: record.mimeType,
      fileName: zip ? `${record.name}.zip` : record.name,
    };
  }

  /** One call of the service; `url` makes a path of this server absolute. */
  async call(
    operation: Operation,
    body: Body,
    scope: TokenScope,
    url: (path: string) => string,
  ): Promise<object> {
    const run = text(body, 'workflow_run_backend_id');
    if (run !== scope.run) {
      throw new TwirpError('permission_denied', 'the token is for another workflow run');
    }
    switch (operation) {
      case 'CreateArtifact':
        return this.#create(body, scope, url);
      case 'FinalizeArtifact':
        return await this.#finalize(body, scope);
      case 'ListArtifacts':
        return this.#listing(body, scope);
      case 'GetSignedArtifactURL': {
        const { id } = this.#named(text(body, 'name'), scope);
        return { signed_url: url(this.#blobs.sign('artifacts', String(id), 'r')) };
      }
      case 'DeleteArtifact': {
        const record = this.#named(text(body, 'name'), scope);
        rmSync(join(this.#folder, record.name), { force: true });
        this.#save(this.#records.filter((other) => other !== record));
        return { ok: true, artifact_id: String(record.id) };
      }
      default:
        throw new TwirpError('bad_route', `no such call: ${operation}`);
    }
  }

  #create(body: Body, scope: TokenScope, url: (path: string) => string): object {
    const name = text(body, 'name');
    if (name === '' || name === '.' || name === '..' || /["<>|*?:\r\n\\/]/.test(name)) {
      throw new TwirpError('invalid_argument', `not an artifact name: ${JSON.stringify(name)}`);
    }
    const taken = this.#records.some((record) => record.run === scope.run && record.name === name);
    if (taken || this.#pending.has(`${scope.run}/${name}`)) {
      throw new TwirpError('already_exists', 'an artifact with this name already exists on the workflow run');
    }
    const blob = this.#blobs.newId();
    const expiresAt = text(body, 'expires_at');
    this.#pending.set(`${scope.run}/${name}`, {
      blob,
      job: scope.job,
      mimeType: text(body, 'mime_type') || 'application/zip',
      ...(expiresAt === '' ? {} : { expiresAt }),
    });
    return { ok: true, signed_upload_url: url(this.#blobs.sign('uploads', blob, 'w')) };
  }

  async #finalize(body: Body, scope: TokenScope): Promise<object> {
    const name = text(body, 'name');
    const pending = this.#pending.get(`${scope.run}/${name}`);
    if (pending === undefined) throw new TwirpError('not_found', `never created: ${name}`);
    const stored = await this.#blobs.inspect(pending.blob);
    if (stored === undefined) throw new TwirpError('invalid_argument', 'nothing was uploaded');
    const size = text(body, 'size');
    const hash = text(body, 'hash');
    if (size !== String(stored.size)) {
      throw new TwirpError('invalid_argument', `size is ${stored.size}, not ${size}`);
    }
    if (hash !== '' && hash !== `sha256:${stored.sha256}`) {
      throw new TwirpError('invalid_argument', `digest is sha256:${stored.sha256}, not ${hash}`);
    }
    await this.#blobs.take(pending.blob, join(this.#folder, name));
    this.#pending.delete(`${scope.run}/${name}`);
    const record: ArtifactRecord = {
      id: 1 + Math.max(0, ...this.#records.map((other) => other.id)),
      name,
      run: scope.run,
      job: pending.job,
      size: stored.size,
      digest: `sha256:${stored.sha256}`,
      mimeType: pending.mimeType,
      createdAt: new Date().toISOString(),
      ...(pending.expiresAt === undefined ? {} : { expiresAt: pending.expiresAt }),
    };
    this.#save([...this.#records.filter((other) => other.name !== name), record]);
    return { ok: true, artifact_id: String(record.id) };
  }

  #listing(body: Body, scope: TokenScope): object {
    const name = text(body, 'name_filter');
    const id = text(body, 'id_filter');
    const found = this.#records.filter(
      (record) =>
        record.run === scope.run &&
        (name === '' || record.name === name) &&
        (id === '' || String(record.id) === id),
    );
    return {
      artifacts: found.map((record) => ({
        workflow_run_backend_id: record.run,
        workflow_job_run_backend_id: record.job,
        database_id: String(record.id),
        name: record.name,
        size: String(record.size),
        created_at: record.createdAt,
        digest: record.digest,
      })),
    };
  }

  #named(name: string, scope: TokenScope): ArtifactRecord {
    const found = this.#records.find((record) => record.run === scope.run && record.name === name);
    if (found === undefined) throw new TwirpError('not_found', `no such artifact: ${name}`);
    return found;
  }

  #save(records: ArtifactRecord[]): void {
    this.#records = records;
    writeIndex(this.#index, records);
  }
}

/** The records of an index file, none where there is no file. */
export function readIndex<Entry>(file: string): Entry[] {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Entry[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Writes an index file whole or not at all. */
export function writeIndex(file: string, entries: readonly unknown[]): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(entries, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}
