import { exitCodes } from '../../base/errors.js';
import { inputOf, isInputName } from '../../config/inputs.js';
import { explain, isSettingName } from '../../config/settings.js';
import { type Command, isGiven } from '../command.js';
import { common, inputLayer, inputOptions } from '../options.js';
import { settle, surroundingsOf } from '../settings.js';
import { table } from '../table.js';

export const config: Command = {
  name: 'config',
  description: 'Show the settings that a build would start from.',
  examples: ['config', 'config --explain', 'config --explain --gpu cuda'],
  options: [
    { name: 'explain', description: 'show each value with where it came from, the defaults too' },
    ...inputOptions('build').filter(({ name }) => !name.endsWith('-file') || isSettingName(name)),
    ...common,
  ],
  async run(given, context) {
    const { layers } = await settle(given, context, inputLayer('build', given));
    const values = explain(layers, surroundingsOf(context.invocation)).filter(
      ({ name }) => !isInputName(name) || inputOf(name).commands.includes('build'),
    );
    const problems = layers.flatMap((layer) => layer.problems ?? []);
    for (const { input, message, place } of problems) {
      context.logger.warning(
        place === undefined ? `${input}: ${message}` : `${input} (${place}): ${message}`,
      );
    }
    const all = isGiven(given, 'explain');
    const shown = values.filter(({ origin }) => all || origin !== 'default');
    const rows = shown.map(({ name, value, origin, place }) => [
      ...[name, value === '' ? '-' : value],
      place === undefined ? origin : `${origin}: ${place}`,
    ]);
    const none = 'Nothing is set: all values are defaults. config --explain shows them.';
    return {
      lines: rows.length === 0 ? [none] : table(rows, context.colours.out, ['Name', 'Value', 'From']),
      data: { values, problems },
      ...(problems.length === 0 ? {} : { exitCode: exitCodes.configuration }),
    };
  },
};
