import { resolve } from 'node:path';
import { exitCodes, InputError } from '../../base/errors.js';
import { unknownValue } from '../../base/suggest.js';
import { settle as settleInput } from '../../config/layers.js';
import type { Finding } from '../../pipeline/doctor.js';
import type { Answer, Command, Context, Given } from '../command.js';
import { common, inputLayer, inputOptions } from '../options.js';
import { levelOf, openLog, settleOrRefuse, surroundingsOf } from '../settings.js';
import { cancellable } from '../signals.js';

const looked = ['toolchain', 'output-dir'];

export const doctor: Command = {
  name: 'doctor',
  description: 'Check what builds need of this machine, and say what to do where something is missing.',
  examples: ['doctor', 'doctor --toolchain trixie', 'doctor --json'],
  options: [...inputOptions('build').filter(({ name }) => looked.includes(name)), ...common],
  async run(given, context) {
    const findings = await cancellable(['The check was cancelled.', 'Run it again.'], (signal) =>
      look(given, context, signal),
    );
    const failed = findings.filter(({ state }) => state === 'failed');
    const engine = failed.some(({ check }) => check === 'engine');
    const exitCode = engine
      ? exitCodes.container
      : failed.length > 0
        ? exitCodes.configuration
        : exitCodes.ok;
    return { lines: format(findings, context), data: { ok: failed.length === 0, findings }, exitCode };
  },
};

async function look(given: Given, context: Context, signal: AbortSignal): Promise<Finding[]> {
  const { invocation } = context;
  const { env, cwd } = invocation;
  const settled = await settleOrRefuse(given, context, inputLayer('build', given));
  const { cacheDir, buildDir, spackCache, layers } = settled;
  const machine = await context.machine();
  const project = await machine.openProject(context.root);
  const { text: id } = settleInput(layers, 'toolchain');
  if (!project.toolchains.includes(id)) {
    throw new InputError([
      { input: 'toolchain', message: unknownValue('toolchain', id, project.toolchains) },
    ]);
  }
  const { examine } = await import('../../pipeline/doctor.js');
  const { logger, close } = await openLog(context.logger, levelOf(given, settled), settled);
  const ports = machine.ports({ ...{ cacheDir, buildDir, spackCache, env, logger, signal } });
  const { archOn } = await import('../../pipeline/arch.js');
  const host = await machine.inspectHost(env);
  const { toolchain } = await project.loadToolchain(id, archOn(host));
  return examine(
    {
      ...{ project, toolchain, cacheDir, buildDir, env, now: new Date(), host },
      home: surroundingsOf(invocation).home,
      outputDir: resolve(cwd, settleInput(layers, 'output-dir').text),
    },
    ports,
  ).finally(close);
}

function format(findings: readonly Finding[], { colours: { out } }: Context): Answer['lines'] {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const words = { ok: out.green('ok     '), warning: out.yellow('warning'), failed: out.red('failed ') };
  const count = (state: Finding['state']) => findings.filter((finding) => finding.state === state).length;
  const [failed, warnings] = [count('failed'), count('warning')];
  const verdict =
    failed > 0
      ? `${failed} of ${findings.length} checks failed: builds won't work.`
      : 'Builds should work here.';
  return [
    ...findings.flatMap(({ check, state, message, hint }) => [
      `${words[state]}  ${check.padEnd(width)}  ${message}`,
      ...(hint === undefined ? [] : [`${' '.repeat(width + 11)}${hint}`]),
    ]),
    warnings > 0 ? `${verdict} ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}.` : verdict,
  ];
}
