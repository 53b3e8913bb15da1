import { createGunzip } from 'node:zlib';
import { openPlain } from '../base/safe.js';

/** Bytes of an archive that are unpacked at most to find its first member. */
const window = 1 << 16;
const block = 512;

/**
 * Path of the first member of a gzipped tar archive, of which no more than its beginning is read.
 * @returns undefined for an empty archive, and for what is not an archive
 * @throws PlainFileError
 */
export async function firstMember(folder: string, name: string): Promise<string | undefined> {
  return memberIn(await beginning(folder, name));
}

async function beginning(folder: string, name: string): Promise<Buffer> {
  const file = await openPlain(folder, name);
  try {
    const packed = Buffer.alloc(window);
    const { bytesRead } = await file.read(packed, 0, window, 0);
    return await unpack(packed.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

// What comes before the end or a fault counts: the archive goes on behind what was read.
function unpack(packed: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    const gunzip = createGunzip();
    const parts: Buffer[] = [];
    let size = 0;
    const done = () => {
      gunzip.destroy();
      resolve(Buffer.concat(parts).subarray(0, window));
    };
    gunzip.on('data', (part: Buffer) => {
      parts.push(part);
      size += part.length;
      if (size >= window) done();
    });
    gunzip.on('end', done).on('error', done);
    gunzip.end(packed);
  });
}

/** Reads headers of tar, format ustar, pax or GNU, up to the first that is a member's. */
function memberIn(tar: Buffer): string | undefined {
  let named: string | undefined;
  for (let at = 0; at + block <= tar.length; ) {
    const header = tar.subarray(at, at + block);
    if (!isHeader(header)) return undefined;
    const size = Number.parseInt(text(header, 124, 12).trim() || '0', 8);
    const type = text(header, 156, 1);
    if (!/^[xgL]$/.test(type)) return named ?? ustarName(header);
    const body = tar.subarray(at + block, at + block + size);
    if (!(size >= 0) || body.length < size) return undefined;
    if (type === 'L') named = text(body, 0, size);
    if (type === 'x') named = paxPath(body) ?? named;
    at += block + Math.ceil(size / block) * block;
  }
  return undefined;
}

function isHeader(header: Buffer): boolean {
  if (text(header, 257, 5) !== 'ustar') return false;
  const wanted = Number.parseInt(text(header, 148, 8).trim(), 8);
  // The sum is made with spaces in its own place.
  const sum = header.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 0x20 : byte), 0);
  return sum === wanted;
}

function ustarName(header: Buffer): string {
  // GNU's own format has other things where ustar has the prefix.
  const prefix = text(header, 257, 6) === 'ustar' && header[262] === 0 ? text(header, 345, 155) : '';
  const name = text(header, 0, 100);
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** The path of a pax header's records, `<length> path=<value>` and a line end each. */
function paxPath(body: Buffer): string | undefined {
  let path: string | undefined;
  for (let at = 0; at < body.length; ) {
    const length = Number.parseInt(body.toString('latin1', at, at + 12), 10);
    if (!(length > 0)) return path;
    const record = body.toString('utf8', at, at + length - 1);
    const value = /^\d+ path=(.*)$/s.exec(record)?.[1];
    if (value !== undefined) path = value;
    at += length;
  }
  return path;
}

/** Text of a field, which ends at its first zero byte. */
function text(buffer: Buffer, start: number, length: number): string {
  const field = buffer.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? field.length : end);
}
