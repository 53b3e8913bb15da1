import * as core from '@actions/core';
import type { Logger } from '../base/ports.js';

/** Log lines, groups and annotations of a workflow. */
export const actionLogger: Logger = {
  debug: core.debug,
  info: core.info,
  notice: (message) => core.notice(message),
  warning: (message) => core.warning(message),
  error: (message, title) => core.error(message, title === undefined ? {} : { title }),
  group: async (name, body) => {
    const start = Date.now();
    core.startGroup(name);
    try {
      return await body();
    } finally {
      core.endGroup();
      core.info(`${name}: ${((Date.now() - start) / 1000).toFixed(1)} s`);
    }
  },
  mask: (secret) => {
    if (secret !== '') core.setSecret(secret);
  },
};
