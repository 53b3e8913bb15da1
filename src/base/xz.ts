/**
 * Unpacks xz.
 * @param most bytes that it may have unpacked
 * @throws Error for what is no xz, damaged or larger
 */
export async function unxz(data: Uint8Array<ArrayBuffer>, most: number): Promise<string> {
  // Few builds unpack anything.
  const { default: xz } = await import('xz-decompress');
  const decoder = new TextDecoder();
  const parts: string[] = [];
  let length = 0;
  for await (const part of new xz.XzReadableStream(new Blob([data]).stream())) {
    length += part.length;
    if (length > most) throw new Error(`it has more than ${most} bytes unpacked`);
    parts.push(decoder.decode(part, { stream: true }));
  }
  return parts.join('') + decoder.decode();
}
