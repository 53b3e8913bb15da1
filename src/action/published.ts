import { stringify } from 'yaml';
import {
  actionBlocks,
  actionTypes,
  configSchema,
  inputsSection,
  outputsTable,
  replaceSection,
} from '../config/published.js';
import { buildOutputs } from './outputs.js';

/**
 * The files that are made from the tables of inputs and outputs, by their paths in the project.
 * @param read text of a file of the project; the parts that are written by hand are taken from it
 */
export function publishedFiles(read: (path: string) => string): Record<string, string> {
  const types = stringify(actionTypes('build', buildOutputs), {
    blockQuote: false,
    aliasDuplicateObjects: false,
  });
  const blocks = stringify(actionBlocks('build', buildOutputs), { lineWidth: 110, singleQuote: true });
  const docs = replaceSection(read('docs/inputs.md'), 'inputs', inputsSection());
  return {
    'action.yml': withBlocks(read('action.yml'), blocks),
    'action-types.yml': `# Types of action.yml for github.com/typesafegithub/github-actions-typing.\n${types}`,
    'docs/config.schema.json': `${JSON.stringify(configSchema(), undefined, 2)}\n`,
    'docs/inputs.md': replaceSection(docs, 'outputs', outputsTable(buildOutputs)),
  };
}

/** An action.yml with other inputs and outputs; what is before and behind them stays. */
function withBlocks(text: string, blocks: string): string {
  const start = text.search(/^inputs:/m);
  const end = text.search(/^runs:/m);
  if (start === -1 || end < start) throw new Error('action.yml has no inputs before its runs');
  return `${text.slice(0, start)}${blocks}${text.slice(end)}`;
}
