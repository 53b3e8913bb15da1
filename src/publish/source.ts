import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { PublishError } from '../base/errors.js';
import type { WebClient } from '../base/ports.js';
import { copyPlain, PlainFileError, readPlain, sha256Plain } from '../base/safe.js';
import type { BundleFile } from '../bundle/sums.js';
import { indexLimit, parseIndex, type ReleaseIndex } from './index-file.js';
import { releaseFiles } from './names.js';

/** Where a published release is read from: an address or a folder. */

/** How long one file may take, in milliseconds. */
const patience = { small: 60_000, large: 60 * 60_000 } as const;

export interface SourcePorts {
  readonly web: WebClient;
  readonly signal: AbortSignal;
}

/** A release that can be read. */
export interface ReleaseSource {
  readonly index: ReleaseIndex;
  /** Where it is, for messages. */
  readonly place: string;
  /**
   * Bytes of a small file.
   * @throws PublishError
   */
  read(name: string, limit: number): Promise<Buffer>;
  /**
   * Brings a file to a path where nothing is, and checks it.
   * @throws PublishError where it is missing or has other bytes
   */
  fetch(file: BundleFile, path: string): Promise<void>;
}

const isAddress = (place: string): boolean => /^https?:\/\//.test(place);

/**
 * Opens a release.
 * @param place address or path of its index or of its folder
 * @throws PublishError when there is none
 */
export async function openSource(place: string, cwd: string, ports: SourcePorts): Promise<ReleaseSource> {
  return isAddress(place) ? openAddress(place, ports) : openFolder(resolve(cwd, place));
}

async function openFolder(path: string): Promise<ReleaseSource> {
  const isFolder = await stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  const [folder, name] = isFolder ? [path, releaseFiles.index] : [dirname(path), basename(path)];
  const lost = (error: unknown, what: string) => {
    const reason = error instanceof PlainFileError ? error.reason : String(error);
    return new PublishError(
      `${what} in ${folder} ${reason}.`,
      'Name the folder of a release, or its index.json.',
    );
  };
  const read = (file: string, limit: number) =>
    readPlain(folder, file, limit).catch((error: unknown) => {
      throw lost(error, file);
    });
  const index = parseIndex((await read(name, indexLimit)).toString(), join(folder, name));
  return {
    ...{ index, place: folder, read },
    async fetch(file, to) {
      const { sha256 } = await copyPlain(folder, file.name, to, { mode: 0o644, limit: file.size }).catch(
        (error: unknown) => {
          throw lost(error, file.name);
        },
      );
      requireSame(file, sha256);
    },
  };
}

async function openAddress(given: string, { web, signal }: SourcePorts): Promise<ReleaseSource> {
  const isIndex = given.endsWith('.json');
  const address = isIndex ? given : `${given.replace(/\/+$/, '')}/${releaseFiles.index}`;
  const get = async (at: string, bytes: number) =>
    Buffer.from(await web.get(at, { bytes, milliseconds: patience.small }, signal));
  const text = await get(address, indexLimit).catch((error: unknown) => {
    if (signal.aborted) throw error;
    throw new PublishError(
      `${address} can't be read: ${reasonOf(error)}.`,
      'Look at the address: it is that of a release, of its page or of its index.json.',
    );
  });
  const index = parseIndex(text.toString(), address);
  // A copy of a release has its files beside it; a page has them where its index says.
  const beside = new URL('.', address).href;
  const places = [...new Set([beside, ...(index.downloads === undefined ? [] : [index.downloads])])];
  const first = async <T>(name: string, ask: (at: string) => Promise<T>): Promise<T> => {
    const reasons: string[] = [];
    for (const at of places) {
      try {
        return await ask(`${at}${encodeURIComponent(name)}`);
      } catch (error) {
        if (signal.aborted || error instanceof PublishError) throw error;
        reasons.push(`${at}: ${reasonOf(error)}`);
      }
    }
    throw new PublishError(`${name} could not be fetched (${reasons.join('; ')}).`, 'Try again later.');
  };
  return {
    ...{ index, place: beside },
    read: (name, limit) => first(name, (at) => get(at, limit)),
    fetch: (file, to) =>
      first(file.name, async (at) => {
        const limit = { bytes: file.size, milliseconds: patience.large };
        requireSame(file, (await web.download(at, to, limit, signal)).sha256);
      }),
  };
}

/** @throws PublishError where a file has other bytes than the index says */
export function requireSame({ name, sha256 }: BundleFile, actual: string): void {
  if (sha256 === actual) return;
  throw new PublishError(
    `${name} has other bytes than the index says.`,
    'Do not use it. Try again, and tell whoever published it if it stays so.',
  );
}

/** Whether a folder has a file with these bytes. */
export const hasFile = ({ name, size, sha256 }: BundleFile, folder: string): Promise<boolean> =>
  sha256Plain(folder, name, size).then(
    (sum) => sum.sha256 === sha256,
    () => false,
  );

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
