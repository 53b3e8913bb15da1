/** What is read of tar archives, format ustar, pax or GNU, whoever made them. Nothing is unpacked to a folder. */

const block = 512;
/** Bytes that a header's own text, a long name, may have. */
const mostExtra = 1 << 16;

/** A member of an archive, as its header says. */
export interface Member {
  readonly path: string;
  /** Bytes of its body. */
  readonly size: number;
  /** Seconds since 1970. */
  readonly mtime: number;
  /** A regular file, not a link or a folder. */
  readonly file: boolean;
}

/** Takes bytes off a stream, one piece behind the other. */
class Taker {
  readonly #pieces: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);
  #left: number;

  /** @param most bytes that are taken at all */
  constructor(pieces: AsyncIterable<Buffer>, most: number) {
    this.#pieces = pieces[Symbol.asyncIterator]();
    this.#left = most;
  }

  /** The next bytes; undefined where there are not that many. */
  async take(size: number): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    const whole = await this.#pass(size, (part) => void parts.push(part));
    return whole ? Buffer.concat(parts) : undefined;
  }

  /** Leaves out the next bytes; says whether there were that many. */
  skip(size: number): Promise<boolean> {
    return this.#pass(size, () => {});
  }

  async end(): Promise<void> {
    await this.#pieces.return?.();
  }

  async #pass(size: number, use: (part: Buffer) => void): Promise<boolean> {
    if (size > this.#left) return false;
    this.#left -= size;
    for (let missing = size; missing > 0; ) {
      if (this.#held.length === 0) {
        const next = await this.#pieces.next();
        if (next.done === true) return false;
        this.#held = next.value;
      }
      const part = this.#held.subarray(0, missing);
      this.#held = this.#held.subarray(part.length);
      missing -= part.length;
      use(part);
    }
    return true;
  }
}

/**
 * The first member that is wanted, with its bytes.
 * @param pieces the archive, not compressed; it is read no further than needed, and closed
 * @param limits bytes of the archive that are read at most, and that the member may have
 * @returns undefined where there is none within the limits, and for what is no archive
 */
export async function findMember(
  pieces: AsyncIterable<Buffer>,
  wanted: (member: Member) => boolean,
  limits: { readonly archive: number; readonly member: number },
): Promise<{ readonly member: Member; readonly body: Buffer } | undefined> {
  const taker = new Taker(pieces, limits.archive);
  try {
    let named: string | undefined;
    for (;;) {
      const header = await taker.take(block);
      if (header === undefined || !isHeader(header)) return undefined;
      const size = number(header, 124, 12);
      if (!(size >= 0)) return undefined;
      const padding = (block - (size % block)) % block;
      const type = text(header, 156, 1);
      if (/^[xgL]$/.test(type)) {
        const extra = size > mostExtra ? undefined : await taker.take(size);
        if (extra === undefined) return undefined;
        if (type === 'L') named = text(extra, 0, size);
        if (type === 'x') named = paxPath(extra) ?? named;
        if (!(await taker.skip(padding))) return undefined;
        continue;
      }
      const member = {
        ...{ path: named ?? ustarName(header), size, mtime: number(header, 136, 12) },
        file: /^[0\0]?$/.test(type),
      };
      named = undefined;
      if (wanted(member)) {
        const body = size > limits.member ? undefined : await taker.take(size);
        return body && { member, body };
      }
      if (!(await taker.skip(size + padding))) return undefined;
    }
  } finally {
    await taker.end();
  }
}

const number = (header: Buffer, start: number, length: number): number =>
  Number.parseInt(text(header, start, length).trim() || '0', 8);

function isHeader(header: Buffer): boolean {
  if (text(header, 257, 5) !== 'ustar') return false;
  const wanted = number(header, 148, 8);
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
