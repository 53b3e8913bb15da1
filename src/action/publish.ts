import { join, resolve } from 'node:path';
import * as core from '@actions/core';
import { proxySecrets } from '../base/environment.js';
import { describeError, PublishError } from '../base/errors.js';
import { listFiles } from '../base/files.js';
import { systemFault } from '../base/folders.js';
import { visible } from '../base/text.js';
import { looksHandedOut } from '../bundle/catalogue.js';
import { removeKeyring } from '../bundle/gpg.js';
import { type PublishOptions, resolvePublish } from '../config/publish-options.js';
import { publishResults } from '../local/publish.js';
import { nodeWeb } from '../local/web.js';
import { isKeyring, recordPlaces } from '../pipeline/confine.js';
import { openProject } from '../pipeline/project.js';
import { planFile } from '../plan/plan.js';
import type { PublishReport } from '../publish/publish.js';
import { attestFiles } from './attest.js';
import { type JobContext, readContext } from './context.js';
import { readInputs } from './inputs.js';
import { actionLogger } from './logger.js';
import { actionProcess } from './process.js';
import { publishOutputs } from './publish-outputs.js';
import { stepKey } from './start.js';
import { fetchArtifacts } from './stores.js';
import { writePublishSummary } from './summary.js';

const keyringState = 'keyring';

/**
 * Runs the step that the runner is at: main, then, in a process of its own, post.
 * @param root folder of the project's files
 */
export async function runPublishStep(root: string): Promise<void> {
  if (core.getState(stepKey) !== '') return removeLeftKey();
  core.saveState(stepKey, 'true');
  return runPublish(root);
}

/** The main step of the publish action. */
export async function runPublish(root: string): Promise<void> {
  try {
    const context = readContext();
    const options = resolvePublish([readInputs('publish')]);
    for (const secret of proxySecrets(context.env)) actionLogger.mask(secret);
    const results = await resultsOf(options, context);
    const plan = await planOf(options, context);
    const report = await publishResults(
      { ...options, plan },
      {
        ...{ results, cwd: context.workspace, env: context.env },
        project: await openProject(root),
        commit: context.env['GITHUB_SHA'],
        ports: portsOf(options, context),
      },
    );
    for (const [name, { value }] of Object.entries(publishOutputs)) core.setOutput(name, value(report));
    await tell(report);
  } catch (error) {
    core.setFailed(visible(describeError(systemFault(error)), '\n\t'));
  }
}

function portsOf(options: PublishOptions, { env }: JobContext) {
  const token = options.token ?? '';
  return {
    process: actionProcess,
    web: nodeWeb(env),
    logger: actionLogger,
    // A cancel kills this process.
    signal: new AbortController().signal,
    attest: async (files: readonly { readonly name: string; readonly sha256: string }[]) =>
      (await attestFiles(files, { token, env }, actionLogger))?.bundle,
    onFolder: (folder: string) => core.saveState(keyringState, folder),
  };
}

/** The folder that was named, else one with the artifacts of this run. */
async function resultsOf({ results }: PublishOptions, { workspace, workRoot }: JobContext): Promise<string> {
  if (results !== undefined) return resolve(workspace, results);
  const folder = join(workRoot, 'artifacts');
  if ((await bringArtifacts(folder, looksHandedOut)) === 0) {
    throw new PublishError(
      'No artifact of this run is a file of a result.',
      'Let the publishing job need the jobs that build; or name a directory as results.',
    );
  }
  return folder;
}

/** Word of `plan` for what the plan action uploaded. */
const ofThisRun = 'artifact';

/** The plan that was named, or the path of the one that this run has as an artifact. */
async function planOf({ plan }: PublishOptions, { workRoot }: JobContext): Promise<string | undefined> {
  if (plan !== ofThisRun) return plan;
  const folder = join(workRoot, 'plan');
  await bringArtifacts(folder, (name) => name === planFile);
  const [found] = await listFiles(folder);
  if (found !== undefined) return join(folder, found);
  throw new PublishError(
    `No artifact of this run is ${planFile}.`,
    'Let the publishing job need the job that plans; or give the plan itself.',
  );
}

const bringArtifacts = (folder: string, isWanted: (name: string) => boolean): Promise<number> =>
  actionLogger.group('Artifacts of this run', () =>
    fetchArtifacts(folder, isWanted, actionLogger).catch((error: unknown) => {
      throw new PublishError(
        `The artifacts of this run could not be fetched: ${(error instanceof Error ? error.message : String(error)).replace(/\.+$/, '')}.`,
        'Run the job again; or download them with actions/download-artifact, and name the directory as results.',
      );
    }),
  );

async function tell(report: PublishReport): Promise<void> {
  await writePublishSummary(report);
  if (report.release !== undefined) core.info(report.release.url);
}

/** The post step: what signing has left where it was killed. It never fails the job. */
async function removeLeftKey(): Promise<void> {
  try {
    readInputs('publish');
    const { env, workRoot, transfer } = readContext();
    const folder = core.getState(keyringState);
    if (folder !== '' && isKeyring(folder, recordPlaces(workRoot, transfer, env))) {
      await removeKeyring(actionProcess, folder, env);
    }
  } catch (error) {
    actionLogger.warning(`The post step could not finish: ${describeError(systemFault(error))}`);
  }
}
