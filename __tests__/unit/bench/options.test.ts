import { expect, test } from '@jest/globals';
import { readOptions } from '../../../bench/options.js';

const read = (...args: string[]) => readOptions(args, '/tools', '/here');

test('files are looked for where the user is, the source mirror is that of the tests', () => {
  expect(read('--json', 'now.json', '--compare', '/then.json')).toMatchObject({
    ...{ json: '/here/now.json', compare: '/then.json', markdown: undefined, keepGoing: false },
    ...{ mirror: '/tools/source-mirror', release: '24.11.6', nextRelease: '24.11.7', repeat: 1 },
  });
});

test.each([
  [['--repeat', '0'], "--repeat: '0' is no number of rounds"],
  [['--repeat', 'often'], "--repeat: 'often' is no number of rounds"],
  [['--cases', 'warm'], "there is no 'warm'"],
  [['--rounds', '3'], '--rounds'],
])('%j is refused', (args, message) => {
  expect(() => read(...args)).toThrow(message);
});
