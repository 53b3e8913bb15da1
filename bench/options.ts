// What a user asks of the bench.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Settings } from './bench.js';
import { type CaseName, caseNames, selectCases } from './cases.js';

export interface Options extends Settings {
  readonly help: boolean;
  readonly cases: readonly CaseName[];
  /** Rounds of each case at least. */
  readonly repeat: number;
  /** Files, absolute; undefined for none. */
  readonly json: string | undefined;
  readonly markdown: string | undefined;
  readonly compare: string | undefined;
  readonly keepGoing: boolean;
}

export const help = `npm run bench -- [options]

  --cases NAMES          some of ${caseNames.join(', ')}
                         (all; cold comes along where another case starts from it)
  --repeat N             measure each case N times at least, and tell the medians (1; short cases
                         are measured up to nine times in any case)
  --release R            release of the cold build (24.11.6)
  --next-release R       the patch release after it (24.11.7)
  --source-mirror DIR    Spack source mirror; archives that it lacks are made from upstream's tags
                         (the one that the tests keep)
  --json FILE            also write the figures there
  --markdown FILE        write the tables there as a page, docs/performance.md
  --compare FILE         say which figures got worse than noise since the run that has written FILE by
                         --json; exit code 1 where one has
  --keep-going           write the page although a case failed

Exit code 1: a case failed, or a figure got worse. Exit code 2: a wrong option.`;

/**
 * Reads the arguments.
 * @param tools folder of what the tests keep
 * @throws Error that says what is wrong with them
 */
export function readOptions(args: readonly string[], tools: string, cwd: string): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', default: false },
      cases: { type: 'string' },
      repeat: { type: 'string', default: '1' },
      json: { type: 'string' },
      markdown: { type: 'string' },
      compare: { type: 'string' },
      'keep-going': { type: 'boolean', default: false },
      release: { type: 'string', default: '24.11.6' },
      'next-release': { type: 'string', default: '24.11.7' },
      'source-mirror': { type: 'string', default: resolve(tools, 'source-mirror') },
    },
  });
  if (!/^[1-9]\d{0,2}$/.test(values.repeat))
    throw new Error(`--repeat: '${values.repeat}' is no number of rounds`);
  const file = (path: string | undefined) => (path === undefined ? undefined : resolve(cwd, path));
  return {
    help: values.help,
    cases: selectCases(values.cases),
    repeat: Number(values.repeat),
    json: file(values.json),
    markdown: file(values.markdown),
    compare: file(values.compare),
    keepGoing: values['keep-going'],
    release: values.release,
    nextRelease: values['next-release'],
    mirror: resolve(cwd, values['source-mirror']),
    toolchain: 'bookworm',
  };
}
