import { InputError } from '../../base/errors.js';
import type { MadePlan } from '../../pipeline/planning.js';
import type { Simulation } from '../../plan/simulation.js';
import { type Answer, type Command, type Context, type Given, isGiven, textOf } from '../command.js';
import { common, inputLayer, inputOptions, secretFilesOf } from '../options.js';
import { readSecretFiles } from '../secrets.js';
import { levelOf, openLog, settle } from '../settings.js';
import { cancellable } from '../signals.js';
import { table } from '../table.js';

export const plan: Command = {
  name: 'plan',
  description: 'Show which targets a workflow builds, in which order, and what they share.',
  examples: [
    'plan',
    'plan --releases "24.11 25.05" --gpus "none cuda" --dependency-kinds "bundled system"',
    'plan --toolchains "bookworm noble" --exclude "*-noble-*-cuda" --json',
    'plan --releases "25.*" --simulate --runners 20',
  ],
  options: [
    ...inputOptions('plan'),
    {
      name: 'simulate',
      description:
        'show how long runners take for it, with and without sharing, beside the least that is possible',
    },
    {
      name: 'runners',
      value: 'number',
      description: 'runners to simulate, several numbers with commas between (default: 1,5,20,60)',
    },
    ...common,
  ],
  lenient: true,
  run: (given, context) =>
    cancellable(['The plan was cancelled.', 'Run it again.'], (signal) => runPlan(given, context, signal)),
};

async function runPlan(given: Given, context: Context, signal: AbortSignal): Promise<Answer> {
  const { invocation } = context;
  const problems =
    given.argument === undefined ? [] : [{ input: given.argument, message: 'plan takes no word.' }];
  const { runners, wrong } = readRunners(textOf(given, 'runners'));
  const own = inputLayer('plan', given);
  const layer = { ...own, problems: [...(own.problems ?? []), ...problems, ...wrong] };
  const settled = await settle(given, context, layer);
  const secrets = await readSecretFiles(secretFilesOf('plan', given), invocation.cwd);
  const { planLocally } = await import('../../local/plan.js');
  const machine = await context.machine();
  const log = await openLog(context.logger, levelOf(given, settled), settled);
  try {
    const made = await planLocally(
      {
        layers: [...settled.layers, { origin: 'option', values: secrets }],
        project: await machine.openProject(context.root),
        cwd: invocation.cwd,
      },
      { ...settled, env: invocation.env, logger: log.logger, signal },
      machine,
    );
    if (!isGiven(given, 'simulate')) return await tell(made, context);
    const { simulate } = await import('../../plan/simulation.js');
    return await tell(made, context, simulate(made, runners));
  } finally {
    log.close();
  }
}

const preset = [1, 5, 20, 60];

function readRunners(text: string | undefined) {
  const words = text?.split(',') ?? [];
  const wrong = words
    .filter((word) => !/^[1-9]\d{0,4}$/.test(word))
    .map((word) => ({ input: 'runners', message: `'${word}' is not a whole number from 1 to 99999.` }));
  return { runners: words.length === 0 ? preset : words.map(Number), wrong };
}

async function tell(
  { plan: made }: MadePlan,
  { colours }: Context,
  simulation?: Simulation,
): Promise<Answer> {
  const { legHead, legRows, planSentences } = await import('../../plan/show.js');
  const lines = [
    ...(made.empty ? [] : [...table(legRows(made), colours.out, legHead), '']),
    ...planSentences(made),
  ];
  if (simulation === undefined) return { lines, data: made };
  const { simulationHead, simulationRows } = await import('../../plan/simulation.js');
  const rows = simulationRows(simulation);
  return {
    lines: [...lines, '', ...table(rows, colours.out, simulationHead)],
    data: { ...made, simulation },
  };
}

/**
 * The inputs of one leg of the plan that the settings describe, as a job of the workflow has them.
 * @throws InputError where the plan has no such leg, or it is for another architecture
 */
export async function inputsOfLeg(
  word: string,
  made: MadePlan,
  arch: string,
): Promise<Readonly<Record<string, string>>> {
  const { findLeg } = await import('../../plan/candidates.js');
  const leg = findLeg(made.plan.legs, word);
  const wrong = (message: string) => new InputError([{ input: 'only', message }]);
  if (typeof leg === 'string') throw wrong(leg);
  if (leg.arch !== arch) throw wrong(`${leg.identifier} is built on ${leg.arch}; this machine is ${arch}.`);
  return leg.inputs;
}
