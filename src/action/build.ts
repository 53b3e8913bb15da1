import { randomBytes } from 'node:crypto';
import * as core from '@actions/core';
import { buildEnvironment } from '../base/environment.js';
import { describeError, PackageBuildError } from '../base/errors.js';
import { systemFault } from '../base/folders.js';
import { visible } from '../base/text.js';
import { makeSeal } from '../cache/seal.js';
import { cacheSecretOf } from '../config/resolve.js';
import { afterBuild } from '../pipeline/after.js';
import { parseRecord, recordPlaces } from '../pipeline/confine.js';
import { runBuild } from '../pipeline/pipeline.js';
import { readContext } from './context.js';
import { readInputs, type StepInputs } from './inputs.js';
import { actionLogger } from './logger.js';
import { writeOutputs } from './outputs.js';
import { githubRunner, type Runner } from './ports.js';
import { stepKey } from './start.js';
import { writeCacheSummary, writeSummary } from './summary.js';

const stateKey = 'build';

/**
 * Runs the step that the runner is at: main, then, in a process of its own, post.
 * @param root folder of the project's files
 */
export async function runStep(root: string): Promise<void> {
  if (core.getState(stepKey) !== '') return runPost();
  core.saveState(stepKey, 'true');
  return runMain(root);
}

/**
 * The main step of the build action.
 * @param root folder of the project's files
 */
export async function runMain(root: string, runner: Runner = githubRunner): Promise<void> {
  try {
    const context = readContext();
    const inputs = readInputs('build');
    const report = await runBuild(
      {
        layers: [inputs],
        project: await runner.openProject(root),
        host: await runner.inspectHost(context.env),
        cwd: context.workspace,
        workRoot: context.workRoot,
        transfer: context.transfer,
        trigger: context.trigger,
        variable: (name) => context.env[name],
        env: buildEnvironment(context.env),
        runId: randomBytes(6).toString('hex'),
        installMissing: false,
      },
      runner.ports(context, tokenOf(inputs), stateKey),
    );
    writeOutputs(report);
    await writeSummary(report, context.env['GITHUB_REPOSITORY']);
  } catch (error) {
    fail(error);
  }
}

/** The post step of the build action: what is left to do after any build. It never fails the job. */
export async function runPost(runner: Runner = githubRunner): Promise<void> {
  try {
    // Takes the secrets out of the environment, too.
    const inputs = readInputs('build');
    const context = readContext();
    const places = recordPlaces(context.workRoot, context.transfer, context.env);
    const record = parseRecord(core.getState(stateKey), places);
    if (record === undefined) {
      core.info('The main step left nothing to do.');
      return;
    }
    const secret = cacheSecretOf([inputs]);
    const caches = await afterBuild(
      record,
      runner.ports(context, tokenOf(inputs), stateKey),
      secret === undefined ? undefined : makeSeal(secret),
    );
    await writeCacheSummary(caches);
  } catch (error) {
    actionLogger.warning(`The post step could not finish: ${describeError(systemFault(error))}`);
  }
}

const tokenOf = ({ values }: StepInputs): string => values['github-token'] ?? '';

function fail(error: unknown): void {
  if (error instanceof PackageBuildError) {
    const { package: name, phase } = error.failure;
    actionLogger.error(error.failure.firstError, `${name} failed in phase ${phase}`);
  }
  core.setFailed(visible(describeError(systemFault(error)), '\n\t'));
}
