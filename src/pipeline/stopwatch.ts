import type { Logger } from '../base/ports.js';

export interface Timing {
  readonly stage: string;
  readonly seconds: number;
}

/** Runs named stages in log groups and keeps how long each took; none starts after a cancel. */
export class Stopwatch {
  readonly timings: Timing[] = [];
  constructor(
    private readonly logger: Logger,
    private readonly signal: AbortSignal,
  ) {}

  async stage<T>(stage: string, body: () => Promise<T>): Promise<T> {
    this.signal.throwIfAborted();
    const start = performance.now();
    try {
      return await this.logger.group(stage, body);
    } finally {
      this.timings.push({ stage, seconds: (performance.now() - start) / 1000 });
    }
  }
}
