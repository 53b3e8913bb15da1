import { createGunzip } from 'node:zlib';
import { openPlain } from '../base/safe.js';
import { findMember } from '../base/tar.js';

/** Bytes of an archive that are unpacked at most to find its first member. */
const window = 1 << 16;

/**
 * Path of the first member of a gzipped tar archive, of which no more than its beginning is read.
 * @returns undefined for an empty archive, and for what is not an archive
 * @throws PlainFileError
 */
export async function firstMember(folder: string, name: string): Promise<string | undefined> {
  let path: string | undefined;
  const look = (member: { readonly path: string }) => {
    path = member.path;
    return true;
  };
  await findMember(once(await beginning(folder, name)), look, { archive: window, member: 0 });
  return path;
}

async function* once(buffer: Buffer): AsyncGenerator<Buffer> {
  yield buffer;
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
