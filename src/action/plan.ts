import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setFailed, setOutput } from '@actions/core';
import { describeError, InputError } from '../base/errors.js';
import { systemFault } from '../base/folders.js';
import { aligned, visible } from '../base/text.js';
import type { Layer } from '../config/layers.js';
import { configFileName } from '../config/outside.js';
import { readLayer } from '../local/settings.js';
import { planTargets } from '../pipeline/planning.js';
import { matrixOutputs } from '../plan/matrix.js';
import { type Plan, planFile, skippedOf } from '../plan/plan.js';
import { legHead, legRows, planSentences } from '../plan/show.js';
import { type JobContext, readContext } from './context.js';
import { readInputs, type StepInputs } from './inputs.js';
import { actionLogger } from './logger.js';
import { githubRunner, type Runner } from './ports.js';
import { writePlanSummary } from './summary.js';

/** What GitHub takes of a job's outputs, bytes. */
const mostOutputs = 1 << 20;

/**
 * The step of the plan action.
 * @param root folder of the project's files
 */
export async function runPlan(root: string, runner: Runner = githubRunner): Promise<void> {
  try {
    const context = readContext();
    const inputs = readInputs('plan');
    const ports = runner.ports(context, '', 'plan');
    const project = await runner.openProject(root);
    const { plan } = await planTargets(
      {
        layers: layersOf(inputs, context),
        ...{ project, cwd: context.workspace, workRoot: context.workRoot, transfer: context.transfer },
        ...{ trigger: context.trigger },
        today: new Date().toISOString().slice(0, 10),
      },
      { ...ports, latestRelease: () => latestOf(inputs, context) },
    );
    tell(plan);
    const file = await writePlan(plan, context);
    writeOutputs(plan, file);
    await writePlanSummary(plan);
    await ports.artifacts.uploadFile?.(file, undefined).catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error);
      actionLogger.warning(`${planFile} could not be uploaded as an artifact (${reason}); it is in ${file}.`);
    });
  } catch (error) {
    setFailed(visible(describeError(systemFault(error)), '\n\t'));
  }
}

/** The inputs above the file of settings, which only a plan reads in a workflow: it is what the file is for. */
function layersOf(inputs: StepInputs, { workspace }: JobContext): Layer[] {
  const { config, ...values } = inputs.values;
  const named = (config ?? '').trim();
  const file = resolve(workspace, named === '' ? configFileName : named);
  // There is no home folder that a workflow's file could mean.
  const layer = readLayer(file, workspace, named !== '');
  return [...(layer === undefined ? [] : [layer]), { ...inputs, values }];
}

/** The newest release of the workflow's repository. Few plans ask for it, and GitHub's client is large. */
async function latestOf({ values }: StepInputs, { env }: JobContext) {
  const { latestIndex } = await import('../local/latest.js');
  const [repository, token] = [env['GITHUB_REPOSITORY'], values['github-token']];
  if (!repository || !token) {
    const input = 'github-token';
    throw new InputError([{ input, message: 'skip-released: latest needs it, and a repository.' }]);
  }
  return latestIndex(
    { repository, token, api: env['GITHUB_API_URL'] || 'https://api.github.com', env },
    actionLogger,
  );
}

function tell(plan: Plan): void {
  const lines = plan.empty ? [] : aligned([legHead, ...legRows(plan)]);
  for (const line of [...lines, ...planSentences(plan)]) actionLogger.info(line);
}

async function writePlan(plan: Plan, { workRoot }: JobContext): Promise<string> {
  await mkdir(workRoot, { recursive: true });
  const file = join(workRoot, planFile);
  await writeFile(file, `${JSON.stringify(plan, undefined, 2)}\n`);
  return file;
}

function writeOutputs(plan: Plan, file: string): void {
  const outputs = { ...matrixOutputs(plan), skipped: String(skippedOf(plan)), plan: file };
  const bytes = Object.values(outputs).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (bytes > mostOutputs) {
    actionLogger.warning(
      `The outputs have ${bytes} bytes; GitHub takes ${mostOutputs} of a job. Hand on either matrix-0, matrix-1 … or stage-0, stage-1 …, or plan fewer legs.`,
    );
  }
  for (const [name, value] of Object.entries(outputs)) setOutput(name, value);
}
