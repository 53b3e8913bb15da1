import { openPlain } from '../base/safe.js';
import { listPlain } from '../base/walk.js';

/** bytes that one look takes of a log; Slurm's grows by some ten thousand in a second */
const pieceBytes = 1 << 22;
const compileLine = / -c -o \S+\.l?o(?:\s|$)/;

/**
 * Counts the source files that make has begun to compile, by the build log that Spack writes. For people to see:
 * a build writes that log, and may write what it likes.
 */
export class CompileCount {
  private log: string | undefined;
  private offset = 0;
  private rest = '';
  private count = 0;

  /** @param stage folder of Spack's stage on this machine; what a build puts there is not followed */
  constructor(private readonly stage: string) {}

  /**
   * Reads on in the log.
   * @param wanted the package: its name and version, as Spack's stage is named after it
   * @returns the files so far; it never goes back
   */
  async read(wanted: { readonly name: string; readonly version: string }): Promise<number> {
    this.log ??= await this.find(`spack-stage-${wanted.name}-${wanted.version}-`);
    if (this.log === undefined) return this.count;
    const file = await openPlain(this.stage, this.log);
    try {
      const piece = Buffer.alloc(pieceBytes);
      const { bytesRead } = await file.read(piece, 0, pieceBytes, this.offset);
      this.offset += bytesRead;
      const lines = (this.rest + piece.toString('latin1', 0, bytesRead)).split('\n');
      // A line without an end is for no one but us to bound.
      this.rest = (lines.pop() ?? '').slice(-pieceBytes);
      this.count += lines.filter((line) => compileLine.test(line)).length;
    } finally {
      await file.close();
    }
    return this.count;
  }

  // Spack's stage has a folder for each user, and the logs lie in it.
  private async find(start: string): Promise<string | undefined> {
    const files = await listPlain(this.stage, { enter: (folder) => !folder.includes('/') });
    return files.find((file) => file.slice(file.indexOf('/') + 1).startsWith(start) && file.endsWith('.log'));
  }
}

/**
 * Tells how many files are compiled, once a second, until it is ended.
 * @param current the package that is built; undefined while none is
 * @returns ends it
 */
export function watchCompiling(
  stage: string,
  current: () => { readonly name: string; readonly version: string } | undefined,
  tell: (name: string, files: number) => void,
  interval = 1000,
): () => void {
  let count: { readonly of: string; readonly counter: CompileCount; told: number } | undefined;
  let busy = false;
  const look = async () => {
    const wanted = current();
    if (wanted === undefined) return;
    const of = `${wanted.name}@${wanted.version}`;
    if (count?.of !== of) count = { of, counter: new CompileCount(stage), told: 0 };
    const files = await count.counter.read(wanted);
    if (files > count.told) tell(wanted.name, files);
    count.told = files;
  };
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    // It is only for people to see: what can't be read is not told.
    void look()
      .catch(() => {})
      .finally(() => {
        busy = false;
      });
  }, interval).unref();
  return () => clearInterval(timer);
}
