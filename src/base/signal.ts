import type { ProcessRunner } from './ports.js';

/** A runner whose processes end when `signal` is aborted; a command that names a signal of its own, or null, keeps it. */
export function withSignal(runner: ProcessRunner, signal: AbortSignal): ProcessRunner {
  return {
    run: (command, options = {}) =>
      runner.run(command, options.signal === undefined ? { ...options, signal } : options),
  };
}
