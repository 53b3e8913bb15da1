import { visible } from '../base/text.js';

const shown = 20;
const longest = 500;

/** Gathers what is wrong, and tells so much of it as people can read. */
export class Problems {
  private readonly told: string[] = [];
  private count = 0;

  get none(): boolean {
    return this.count === 0;
  }

  /** @param problem may hold text that nobody has checked */
  add(problem: string): void {
    this.count += 1;
    if (this.told.length >= shown) return;
    const line = visible(problem.slice(0, longest));
    this.told.push(problem.length > longest ? `${line}…` : line);
  }

  /** A line each, and how many more there are. */
  get text(): string {
    const more = this.count - this.told.length;
    return [...this.told, ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
  }
}

/** One target's files and what was found in them. */
export interface Case {
  readonly folder: string;
  readonly identifier: string;
  /** Names of the folder's files that are this target's. */
  readonly names: readonly string[];
  readonly problems: Problems;
}
