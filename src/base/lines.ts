/** Characters that a line may have; what is longer comes in pieces. */
const longestLine = 1 << 20;

/** Cuts text that comes in pieces into lines. */
export class LineSplitter {
  private rest = '';
  constructor(private readonly onLine: (line: string) => void) {}

  push(piece: string): void {
    const text = this.rest + piece;
    let start = 0;
    // One line at a time: a list of all of them is garbage that piles up.
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      this.onLine(text.slice(start, text[end - 1] === '\r' ? end - 1 : end));
      start = end + 1;
    }
    this.rest = text.slice(start);
    if (this.rest.length > longestLine) this.end();
  }

  /** Gives the last line, which may lack its newline. */
  end(): void {
    if (this.rest !== '') this.onLine(this.rest);
    this.rest = '';
  }
}

/** Keeps the end of a text that comes in pieces. */
export class Ending {
  private readonly pieces: string[] = [];
  private length = 0;

  /** @param most characters that are kept */
  constructor(private readonly most: number) {}

  push(piece: string): void {
    this.pieces.push(piece);
    this.length += piece.length;
    while (this.length - (this.pieces[0]?.length ?? 0) >= this.most) {
      this.length -= this.pieces.shift()?.length ?? 0;
    }
  }

  get text(): string {
    const whole = this.pieces.join('');
    return whole.length > this.most ? whole.slice(-this.most) : whole;
  }
}
