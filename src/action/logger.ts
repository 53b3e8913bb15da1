import * as core from '@actions/core';
import type { Logger } from '../base/ports.js';
import { visible } from '../base/text.js';

/** Log lines, groups and annotations of a workflow. */
export const actionLogger: Logger = {
  debug: (message) => core.debug(shown(message)),
  info: (message) => core.info(harmless(message)),
  notice: (message) => core.notice(shown(message)),
  warning: (message) => core.warning(shown(message)),
  error: (message, title) => core.error(shown(message), title === undefined ? {} : { title: visible(title) }),
  group: async (name, body) => {
    const start = Date.now();
    core.startGroup(visible(name));
    try {
      return await body();
    } finally {
      core.endGroup();
      core.info(harmless(`${name}: ${((Date.now() - start) / 1000).toFixed(1)} s`));
    }
  },
  mask: (secret) => {
    if (secret !== '') core.setSecret(secret);
  },
};

const shown = (text: string): string => visible(text, '\n\t');

/**
 * Text that the runner prints and does not obey. It takes a line for a command that begins, after white
 * space, with `::`, and one that has `##[` anywhere; all that other programs print comes this way.
 */
export function harmless(text: string): string {
  return shown(text)
    .split('\n')
    .map((line) => line.replace(/^([\s\u180e\u200b\ufeff]*)::/, '$1: :').replaceAll('##[', '# #['))
    .join('\n');
}
