import { stringify } from 'yaml';
import { filesTable } from '../bundle/catalogue.js';
import type { ActionName } from '../config/inputs.js';
import {
  actionBlocks,
  actionTypes,
  configSchema,
  inputsExample,
  inputsSection,
  outputsTable,
  type PublishedFacts,
  type PublishedOutputs,
  replaceSection,
  settingsSection,
} from '../config/published.js';
import { buildOutputs, planOutputs } from './outputs.js';
import { publishOutputs } from './publish-outputs.js';

/** Where the metadata of each action is, and what it hands on. */
const actions: Readonly<Record<ActionName, { readonly folder: string; readonly outputs: PublishedOutputs }>> =
  {
    build: { folder: '', outputs: buildOutputs },
    plan: { folder: 'plan/', outputs: planOutputs },
    publish: { folder: 'publish/', outputs: publishOutputs },
  };
const actionList = Object.entries(actions) as [ActionName, (typeof actions)[ActionName]][];

/** Workflows that docs/examples.md shows, by the names of their files in docs/examples/; tests run them. */
const examples = ['one-build', 'matrix', 'release', 'nightly'];

const fenced = (text: string): string => `\`\`\`yaml\n${text.trimEnd()}\n\`\`\``;

const typesHeading = '# Types of action.yml for github.com/typesafegithub/github-actions-typing.';

/**
 * The files that are made from the tables of inputs and outputs, by their paths in the project.
 * @param read text of a file of the project; the parts that are written by hand are taken from it
 */
export function publishedFiles(
  read: (path: string) => string,
  facts: PublishedFacts,
): Record<string, string> {
  const metadata = actionList.flatMap(([name, { folder, outputs }]) => {
    const file = `${folder}action.yml`;
    const blocks = stringify(actionBlocks(name, outputs, facts), { lineWidth: 110, singleQuote: true });
    const types = stringify(actionTypes(name, outputs), { blockQuote: false, aliasDuplicateObjects: false });
    return [
      [file, withBlocks(file, read(file), blocks)],
      [`${folder}action-types.yml`, `${typesHeading}\n${types}`],
    ];
  });
  const docs = actionList.reduce(
    (text, [name, { outputs }]) => replaceSection(text, `outputs of ${name}`, outputsTable(outputs)),
    replaceSection(
      replaceSection(read('docs/inputs.md'), 'inputs', inputsSection(facts)),
      'files',
      filesTable(''),
    ),
  );
  const readme = replaceSection(read('README.md'), 'files', filesTable('docs/'));
  return {
    ...Object.fromEntries(metadata),
    'docs/config.schema.json': `${JSON.stringify(configSchema(facts), undefined, 2)}\n`,
    'docs/inputs.md': docs,
    'docs/examples.md': examples.reduce(
      (text, name) => replaceSection(text, `example ${name}`, fenced(read(`docs/examples/${name}.yml`))),
      read('docs/examples.md'),
    ),
    'docs/configuration.md': replaceSection(read('docs/configuration.md'), 'settings', settingsSection()),
    'README.md': replaceSection(readme, 'inputs', inputsExample('build', facts)),
  };
}

/** An action.yml with other inputs and outputs; what is before and behind them stays. */
function withBlocks(file: string, text: string, blocks: string): string {
  const start = text.search(/^inputs:/m);
  const end = text.search(/^runs:/m);
  if (start === -1 || end < start) throw new Error(`${file} has no inputs before its runs`);
  return `${text.slice(0, start)}${blocks}${text.slice(end)}`;
}
