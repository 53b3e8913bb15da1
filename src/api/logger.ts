import type { Logger } from '../base/ports.js';

const nothing = (): void => {};

/** Says nothing: a library does not write to its caller's streams unless it is told to. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  notice: nothing,
  warning: nothing,
  error: nothing,
  group: (_, body) => body(),
  mask: nothing,
};
