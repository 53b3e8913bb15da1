import { crc32 } from 'node:zlib';

const number = (value: number): Buffer => {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    bytes.push(rest < 0x80 ? rest : (rest & 0x7f) | 0x80);
    if (rest < 0x80) return Buffer.from(bytes);
  }
};
const sum = (bytes: Uint8Array): Buffer => {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(crc32(bytes));
  return buffer;
};
const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);

/** An .xz file of a text, in LZMA2's form for what is not compressed, without a check. */
export function xzOf(text: string): Uint8Array<ArrayBuffer> {
  const data = Buffer.from(text);
  const chunks: Buffer[] = [];
  for (let at = 0; at < data.length; at += 0x10000) {
    const part = data.subarray(at, at + 0x10000);
    const head = Buffer.from([at === 0 ? 1 : 2, 0, 0]);
    head.writeUInt16BE(part.length - 1, 1);
    chunks.push(head, part);
  }
  const body = Buffer.concat([...chunks, Buffer.from([0])]);
  const flags = Buffer.from([0, 0]);
  // One filter: LZMA2 (0x21) with a dictionary of 64 KiB; the first byte is the header's length.
  const header = Buffer.from([2, 0, 0x21, 1, 8, 0, 0, 0]);
  const unpadded = header.length + 4 + body.length;
  const index = padded(Buffer.concat([Buffer.from([0, 1]), number(unpadded), number(data.length)]));
  const size = Buffer.alloc(4);
  size.writeUInt32LE((index.length + 4) / 4 - 1);
  const footer = Buffer.concat([size, flags]);
  return new Uint8Array(
    Buffer.concat([
      ...[Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), flags, sum(flags)],
      ...[header, sum(header), padded(body)],
      ...[index, sum(index)],
      ...[sum(footer), footer, Buffer.from('YZ')],
    ]),
  );
}
