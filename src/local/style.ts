import picocolors from 'picocolors';
import type { Env } from '../base/environment.js';

/** A stream that text goes to, as far as its look is concerned; `process.stderr` in life. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/**
 * Whether text that goes to a stream is coloured: on a terminal, unless `NO_COLOR` (https://no-color.org) or
 * `TERM=dumb` says no; elsewhere where `FORCE_COLOR` says so.
 */
export function wantsColour(env: Env, { isTTY = false }: Screen): boolean {
  if (env['NO_COLOR']) return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return isTTY && env['TERM'] !== 'dumb';
}

/** Whether lines on a stream can be written over: on a terminal that is no CI's. */
export const isLive = (env: Env, { isTTY = false }: Screen): boolean =>
  isTTY && env['TERM'] !== 'dumb' && (env['CI'] === undefined || env['CI'] === '' || env['CI'] === 'false');

/** Whether the terminal shows more than ASCII, by the language's variables as POSIX has them. */
export const showsUnicode = (env: Env): boolean =>
  /utf-?8/i.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '');

export type Colours = ReturnType<typeof coloursOf>;

/** What colours text, or leaves it as it is. */
export const coloursOf = (wanted: boolean) => {
  const { bold, cyan, dim, green, red, yellow } = picocolors.createColors(wanted);
  return { bold, cyan, dim, green, red, yellow };
};
