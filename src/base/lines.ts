/** Characters that a line may have; what is longer comes in pieces. */
const longestLine = 1 << 20;

/** Cuts text that comes in pieces into lines. */
export class LineSplitter {
  private rest = '';
  constructor(private readonly onLine: (line: string) => void) {}

  push(piece: string): void {
    const lines = (this.rest + piece).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) this.onLine(line.replace(/\r$/, ''));
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
  private pieces: string[] = [];
  private length = 0;

  /** @param most characters that are kept */
  constructor(private readonly most: number) {}

  push(piece: string): void {
    this.pieces.push(piece);
    this.length += piece.length;
    // Cut now and then only: a log may have a million pieces.
    if (this.length > 2 * this.most) {
      this.pieces = [this.text];
      this.length = this.text.length;
    }
  }

  get text(): string {
    const whole = this.pieces.join('');
    return whole.length > this.most ? whole.slice(-this.most) : whole;
  }
}
