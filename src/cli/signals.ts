import { CancelledError, type CancelSignal, codeOfSignal } from '../base/errors.js';

/** Where signals come from; `process` in life. */
export interface Signals {
  once(signal: CancelSignal, handler: () => void): unknown;
  off(signal: CancelSignal, handler: () => void): unknown;
}

const names = Object.keys(codeOfSignal) as CancelSignal[];

/**
 * Runs `body` while Ctrl-C is for the program that it starts: one that a user works with goes by it itself, and one
 * that is ended by it ends the body.
 */
export async function leftToPrograms<T>(
  body: () => Promise<T>,
  signals: { on: Signals['once']; off: Signals['off'] } = process,
): Promise<T> {
  const ignore = () => {};
  signals.on('SIGINT', ignore);
  try {
    return await body();
  } finally {
    signals.off('SIGINT', ignore);
  }
}

/**
 * Runs `body` with a signal that SIGHUP, SIGINT and SIGTERM abort. What it throws then is that it was cancelled:
 * any command fails once its container is gone.
 * @param told the error's sentence and what to do
 */
export async function cancellable<T>(
  told: readonly [message: string, hint: string],
  body: (signal: AbortSignal) => Promise<T>,
  signals: Signals = process,
): Promise<T> {
  const controller = new AbortController();
  const handlers = names.map((name) => {
    const handler = () => {
      controller.abort(new CancelledError(...told, { signal: name }));
    };
    signals.once(name, handler);
    return { name, handler };
  });
  try {
    return await body(controller.signal);
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    for (const { name, handler } of handlers) signals.off(name, handler);
  }
}
