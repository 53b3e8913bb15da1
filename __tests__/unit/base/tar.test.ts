import { describe, expect, test } from '@jest/globals';
import { findMember } from '../../../src/base/tar.js';
import { tarHeader, tarMember } from '../../support/bundle.js';

const end = Buffer.alloc(1024);
const limits = { archive: 1 << 20, member: 1 << 10 };

/** A stream of pieces of so many bytes; tells whether it was closed. */
function stream(archive: Buffer, size = 100) {
  const seen = { bytes: 0, closed: false };
  async function* pieces() {
    try {
      for (let at = 0; at < archive.length; at += size) {
        seen.bytes += size;
        yield archive.subarray(at, at + size);
      }
    } finally {
      seen.closed = true;
    }
  }
  return { pieces: pieces(), seen };
}

const find = async (archive: Buffer, name: string, given = limits, size?: number) => {
  const { pieces } = stream(archive, size);
  const found = await findMember(pieces, ({ path }) => path === name, given);
  return found && { ...found.member, body: found.body.toString() };
};

describe('a member', () => {
  const archive = Buffer.concat([
    tarMember('top/', '', '5'),
    tarMember('top/first', 'x'.repeat(700)),
    tarMember('top/META', 'Major: 24'),
    tarMember('top/last', 'y'.repeat(9000)),
    end,
  ]);

  test.each([1, 100, 511, 512, 513, 100_000])('is found in pieces of %i bytes', async (size) => {
    expect(await find(archive, 'top/META', limits, size)).toEqual({
      path: 'top/META',
      size: 9,
      mtime: 0,
      file: true,
      body: 'Major: 24',
    });
  });

  test('ends the reading, and the archive is closed', async () => {
    const { pieces, seen } = stream(archive, 512);
    await findMember(pieces, ({ path }) => path === 'top/META', limits);
    expect(seen.closed).toBe(true);
    expect(seen.bytes).toBeLessThan(9000);
  });

  test('is no file where it is a link or a folder', async () => {
    const linked = Buffer.concat([tarMember('top/META', '', '2'), tarMember('top/', '', '5'), end]);
    expect((await find(linked, 'top/META'))?.file).toBe(false);
    expect((await find(linked, 'top/'))?.file).toBe(false);
  });

  test.each([
    ['pax', tarMember('PaxHeader', '21 path=long/er/META\n', 'x')],
    ['GNU', tarMember('././@LongLink', 'long/er/META\0', 'L')],
  ])('has the long name that is before it, format %s', async (_, named) => {
    const archive = Buffer.concat([named, tarMember('short', 'a'), tarMember('next', 'b'), end]);
    expect((await find(archive, 'long/er/META'))?.body).toBe('a');
    expect((await find(archive, 'next'))?.body).toBe('b');
  });
});

test.each<[string, Buffer, object]>([
  ['nothing', Buffer.alloc(0), {}],
  ['an end alone', end, {}],
  ['what is no archive', Buffer.alloc(4096, 'abc'), {}],
  ['an archive without it', Buffer.concat([tarMember('a', 'b'), end]), {}],
  ['one that is cut off', tarHeader('META', 9).subarray(0, 500), {}],
  ['one whose body is cut off', tarHeader('META', 9), {}],
  ['a member that is too large', Buffer.concat([tarMember('META', 'x'.repeat(2000)), end]), {}],
  [
    'one behind more than is read',
    Buffer.concat([tarMember('a', 'x'.repeat(5000)), tarMember('META', 'x')]),
    { archive: 5000 },
  ],
  ['a header that says more than there is', tarHeader('a', 2 ** 32), {}],
  ['a long name without end', Buffer.concat([tarHeader('long', 2 ** 31, 'L'), tarMember('META', 'x')]), {}],
])('%s gives none', async (_, archive, change) => {
  expect(await find(archive, 'META', { ...limits, ...change })).toBeUndefined();
});
