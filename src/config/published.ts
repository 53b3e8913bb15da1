import { wrapped } from '../base/text.js';
import {
  type ActionName,
  type Group,
  groups,
  type InputName,
  inputNames,
  inputOf,
  inputsOfAction,
  isSecret,
} from './inputs.js';
import { type Setting, type SettingName, settingNames, settings, variables } from './settings.js';

/** The table of inputs in the forms that it is published in; `scripts/write-inputs.mjs` writes the files. */

/** Name, description and type of what an action hands on. */
export type PublishedOutputs = Readonly<
  Record<string, { readonly description: string; readonly metadata: Readonly<Record<string, unknown>> }>
>;

/** What is published of the project beside the tables. */
export interface PublishedFacts {
  /** Ids of all toolchains. */
  readonly toolchains: readonly string[];
}

/** An input's description, with the values that are folders of the project. */
function descriptionOf(name: InputName, { toolchains }: PublishedFacts): string {
  const { description, kind } = inputOf(name);
  return kind.completes === 'toolchain'
    ? description.replace(/\.$/, `: ${toolchains.join(', ')}.`)
    : description;
}

const defaultOf = (name: InputName): string => inputOf(name).expression ?? inputOf(name).default;

/** Actions that read a file of settings: a default that GitHub gives would stand above what the file says, if it may say it. */
const readFiles: readonly ActionName[] = ['plan'];

function actionInput(action: ActionName, name: InputName, facts: PublishedFacts) {
  const [description, preset] = [descriptionOf(name, facts), defaultOf(name)];
  if (!readFiles.includes(action) || preset === '' || isSecret(name)) {
    return { description, required: false, default: preset };
  }
  return {
    description: `${description} Without it and in no file: ${preset}.`,
    required: false,
    default: '',
  };
}

/** The blocks `inputs` and `outputs` of an `action.yml`. */
export const actionBlocks = (action: ActionName, outputs: PublishedOutputs, facts: PublishedFacts) => ({
  inputs: Object.fromEntries(inputsOfAction(action).map((name) => [name, actionInput(action, name, facts)])),
  outputs: Object.fromEntries(
    Object.entries(outputs).map(([name, { description }]) => [name, { description }]),
  ),
});

/** Content of an `action-types.yml`. */
export const actionTypes = (action: ActionName, outputs: PublishedOutputs) => ({
  inputs: Object.fromEntries(inputsOfAction(action).map((name) => [name, inputOf(name).kind.metadata])),
  outputs: Object.fromEntries(Object.entries(outputs).map(([name, { metadata }]) => [name, metadata])),
});

/** JSON Schema of `slurm-factory.yml`: all inputs but the secrets, and the settings. */
export const configSchema = (facts: PublishedFacts) => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'slurm-factory.yml',
  description: 'Inputs of a build of slurm-factory and settings of its place, kept in a file.',
  type: 'object',
  additionalProperties: false,
  properties: Object.fromEntries([
    ...inputNames
      .filter((name) => !isSecret(name))
      .map((name) => {
        const { kind, default: preset } = inputOf(name);
        const description = descriptionOf(name, facts);
        return [
          name,
          { description, ...kind.schema, ...(preset === '' ? {} : { default: typed(preset, kind.schema) }) },
        ];
      }),
    ...settingNames.map((name) => {
      const { description, kind } = settingOf(name);
      return [name, { description, ...kind.schema }];
    }),
  ]),
});

const settingOf = (name: SettingName): Setting => settings[name];

/** The tables of settings and variables in `docs/configuration.md`. */
export function settingsSection(): string {
  const variableOf = new Map([...variables].map(([variable, name]) => [name, variable]));
  const own = settingNames.map((name) => {
    const { description, fallback } = settingOf(name);
    return `| \`${name}\` | \`${variableOf.get(name)}\` | ${fallback} | ${description} |`;
  });
  const inputs = inputNames
    .filter((name) => variableOf.has(name))
    .map((name) => `| [\`${name}\`](inputs.md) | \`${variableOf.get(name)}\` |`);
  return [
    ['| setting | variable | default | description |', '|---|---|---|---|', ...own].join('\n'),
    ['| input | variable |', '|---|---|', ...inputs].join('\n'),
  ].join('\n\n');
}

// `true` where the schema takes a boolean only.
const typed = (preset: string, { type }: Readonly<Record<string, unknown>>): string | boolean =>
  type === 'boolean' ? preset === 'true' : preset;

/** The tables of inputs in `docs/inputs.md`, one a group, and what there is to say beyond them. */
export function inputsSection(facts: PublishedFacts): string {
  const groupOf = (group: Group) => inputNames.filter((name) => inputOf(name).group === group);
  const tables = groups.map((group) => {
    const rows = groupOf(group).map((name) => {
      const { commands } = inputOf(name);
      const preset = defaultOf(name);
      const where = commands.length === 0 ? ' Only in a workflow.' : '';
      const cells = [
        `\`${name}\``,
        preset === '' ? '' : `\`${preset}\``,
        `${marked(descriptionOf(name, facts))}${where}`,
      ];
      return `| ${cells.join(' | ')} |`;
    });
    return [`### ${group}`, '', '| input | default | description |', '|---|---|---|', ...rows].join('\n');
  });
  const more = groups.flatMap(groupOf).flatMap((name) => {
    const { help } = inputOf(name);
    return help === undefined ? [] : [`- \`${name}\`: ${help}`];
  });
  return [...tables, ['### More on some inputs', '', ...more].join('\n')].join('\n\n');
}

/** A step with all inputs at their defaults, each with what it means; for `README.md`. */
export function inputsExample(action: ActionName, facts: PublishedFacts): string {
  const lines = groups.flatMap((group) => {
    const names = inputsOfAction(action).filter((name) => inputOf(name).group === group);
    return names.flatMap((name, index) => [
      ...(index === 0 ? ['', `# ${group}`] : []),
      ...wrapped(descriptionOf(name, facts), 96).map((line) => `# ${line}`),
      `${name}: ${quoted(defaultOf(name))}`,
    ]);
  });
  const step = lines.slice(1).map((line) => (line === '' ? '' : `    ${line}`));
  return ['```yaml', '- uses: OWNER/slurm-factory@v1', '  with:', ...step, '```'].join('\n');
}

const quoted = (value: string): string => (value === '' ? "''" : value);

/** The table of outputs in `docs/inputs.md`. */
export const outputsTable = (outputs: PublishedOutputs): string =>
  [
    '| output | description |',
    '|---|---|',
    ...Object.entries(outputs).map(([name, { description }]) => `| \`${name}\` | ${marked(description)} |`),
  ].join('\n');

// A word with <...> in it would be taken for HTML.
const marked = (text: string): string => text.replace(/\S*<\S*>\S*?(?=[.,;]?(?:\s|$))/g, '`$&`');

/**
 * Replaces what stands between `<!-- name: … -->` and `<!-- end of name -->`.
 * @throws Error where the text does not have both lines, once
 */
export function replaceSection(text: string, name: string, section: string): string {
  const pattern = new RegExp(`(<!-- ${name}:[^\\n]*-->\\n)[\\s\\S]*?(<!-- end of ${name} -->)`);
  if (!pattern.test(text)) throw new Error(`there is no section '${name}'`);
  return text.replace(pattern, (_, start: string, end: string) => `${start}\n${section}\n\n${end}`);
}
