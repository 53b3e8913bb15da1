import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import * as core from '@actions/core';
import { buildEnvironment, proxySecrets, publicEnvironment } from '../base/environment.js';
import { describeError, PackageBuildError } from '../base/errors.js';
import { systemFault } from '../base/folders.js';
import { inspectHost } from '../base/host.js';
import type { Ports } from '../base/ports.js';
import { visible } from '../base/text.js';
import { makeSeal } from '../cache/seal.js';
import { cacheSecretOf } from '../config/resolve.js';
import { nodeProcess } from '../local/process.js';
import { afterBuild } from '../pipeline/after.js';
import { recordPlaces } from '../pipeline/confine.js';
import { runBuild } from '../pipeline/pipeline.js';
import { openProject } from '../pipeline/project.js';
import { parseRecord } from '../pipeline/record.js';
import { attestFiles } from './attest.js';
import { type JobContext, readContext, readInputs } from './inputs.js';
import { actionsInventory } from './inventory.js';
import { actionLogger } from './logger.js';
import { writeOutputs } from './outputs.js';
import { actionsArtifacts, actionsCache } from './stores.js';
import { writeCacheSummary, writeSummary } from './summary.js';

const stateKey = 'build';

/**
 * The action's main step.
 * @param root folder of the project's files
 */
export async function runMain(root: string, version: string): Promise<void> {
  core.info(`slurm-factory ${version}`);
  try {
    const context = readContext();
    const inputs = readInputs();
    const report = await runBuild(
      {
        layers: [inputs],
        project: await openProject(root),
        host: await inspectHost(context.env),
        cwd: context.workspace,
        workRoot: context.workRoot,
        transfer: transferOf(context),
        trigger: context.trigger,
        env: buildEnvironment(context.env),
        runId: randomBytes(6).toString('hex'),
        installMissing: false,
      },
      actionPorts(context, inputs['github-token'] ?? ''),
    );
    writeOutputs(report);
    await writeSummary(report);
  } catch (error) {
    fail(error);
  }
}

/** The action's post step: what is left to do after any build. It never fails the job. */
export async function runPost(): Promise<void> {
  try {
    // Takes the secrets out of the environment, too.
    const inputs = readInputs();
    const context = readContext();
    const places = recordPlaces(context.workRoot, transferOf(context), context.env);
    const record = parseRecord(core.getState(stateKey), places);
    if (record === undefined) {
      core.info('The main step left nothing to do.');
      return;
    }
    const secret = cacheSecretOf([inputs]);
    const caches = await afterBuild(
      record,
      actionPorts(context, inputs['github-token'] ?? ''),
      secret === undefined ? undefined : makeSeal(secret),
    );
    await writeCacheSummary(caches);
  } catch (error) {
    actionLogger.warning(`The post step could not finish: ${describeError(systemFault(error))}`);
  }
}

// The cache service finds an entry only from the folder that it was saved from.
const transferOf = ({ workspace }: JobContext): string => join(workspace, '.slurm-factory', 'transfer');

function actionPorts(context: JobContext, token: string): Ports {
  for (const secret of proxySecrets(context.env)) actionLogger.mask(secret);
  return {
    process: nodeProcess,
    logger: actionLogger,
    cache: actionsCache(
      context.workspace,
      actionsInventory({ repository: context.env['GITHUB_REPOSITORY'], ref: context.trigger.ref }, token),
      context.env['ACTIONS_CACHE_SERVICE_V2'] === undefined,
    ),
    artifacts: actionsArtifacts(context.artifactUrl),
    state: { save: (record) => core.saveState(stateKey, record) },
    attest: async (files) => {
      await attestFiles(files, { token, env: context.env }, actionLogger);
    },
    env: publicEnvironment(context.env),
    // A cancel kills this process; the post step does the rest.
    signal: new AbortController().signal,
  };
}

function fail(error: unknown): void {
  if (error instanceof PackageBuildError) {
    const { package: name, phase } = error.failure;
    actionLogger.error(error.failure.firstError, `${name} failed in phase ${phase}`);
  }
  core.setFailed(visible(describeError(systemFault(error)), '\n\t'));
}
