import { saveState } from '@actions/core';
import { proxySecrets, publicEnvironment } from '../base/environment.js';
import { type Host, inspectHost } from '../base/host.js';
import type { Ports } from '../base/ports.js';
import { nodeWeb } from '../local/web.js';
import { openProject, type Project } from '../pipeline/project.js';
import { attestFiles } from './attest.js';
import type { JobContext } from './context.js';
import { actionsInventory } from './inventory.js';
import { actionLogger } from './logger.js';
import { actionProcess } from './process.js';
import { actionsArtifacts, actionsCache } from './stores.js';

/** What an action takes from the runner and GitHub; tests bring another one. */
export interface Runner {
  readonly inspectHost: (env: JobContext['env']) => Promise<Host>;
  readonly openProject: (root: string) => Promise<Project>;
  /** @param stateKey name that the step's record is kept under */
  readonly ports: (context: JobContext, token: string, stateKey: string) => Ports;
}

/** The runner that the step runs on, and GitHub's services. */
export const githubRunner: Runner = { inspectHost, openProject, ports: actionPorts };

function actionPorts(context: JobContext, token: string, stateKey: string): Ports {
  for (const secret of proxySecrets(context.env)) actionLogger.mask(secret);
  return {
    process: actionProcess,
    web: nodeWeb(context.env),
    logger: actionLogger,
    cache: actionsCache(
      context.workspace,
      actionsInventory({ repository: context.env['GITHUB_REPOSITORY'], ref: context.trigger.ref }, token),
      context.env['ACTIONS_CACHE_SERVICE_V2'] === undefined,
    ),
    artifacts: actionsArtifacts(context.artifactUrl),
    state: { save: (record) => saveState(stateKey, record) },
    attest: async (files) =>
      (await attestFiles(files, { token, env: context.env }, actionLogger)) !== undefined,
    env: publicEnvironment(context.env),
    // A cancel kills this process; the post step does the rest.
    signal: new AbortController().signal,
  };
}
