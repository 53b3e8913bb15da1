import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ownerEnded } from '../base/owner.js';
import type { StateStore } from '../base/ports.js';
import { type PostRecord, parseRecord } from '../build/record.js';

const ending = '.json';

/** The record of one build in a folder, named by the process that it is of. */
export class RecordFile implements StateStore {
  private readonly file: string;

  constructor(
    private readonly folder: string,
    name: string,
  ) {
    this.file = join(folder, `${name}${ending}`);
  }

  save(record: unknown): void {
    mkdirSync(this.folder, { recursive: true });
    // Whole or not at all, for whoever finds it after a kill.
    writeFileSync(`${this.file}.partial`, JSON.stringify(record));
    renameSync(`${this.file}.partial`, this.file);
  }

  /** The record; undefined when the build never got as far as writing one. */
  read(): PostRecord | undefined {
    try {
      return parseRecord(readFileSync(this.file, 'utf8'));
    } catch {
      // Of another version, or not there: nothing that could be carried on.
      return undefined;
    }
  }

  remove(): void {
    rmSync(this.file, { force: true });
    rmSync(`${this.file}.partial`, { force: true });
  }
}

/**
 * Takes over the records of processes that ended without removing them; each goes to one taker only.
 * @param owner name of this process
 */
export function claimRecords(folder: string, owner: string): RecordFile[] {
  const claimed: RecordFile[] = [];
  for (const name of names(folder).filter((file) => ownerEnded(file, owner))) {
    if (!name.endsWith(ending)) {
      rmSync(join(folder, name), { force: true });
      continue;
    }
    const mine = `${owner}~${claimed.length}`;
    try {
      renameSync(join(folder, name), join(folder, `${mine}${ending}`));
      claimed.push(new RecordFile(folder, mine));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return claimed;
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
