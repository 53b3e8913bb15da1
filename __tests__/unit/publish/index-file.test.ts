import { expect, test } from '@jest/globals';
import { formatIndex, indexJsonSchema, parseIndex } from '../../../src/publish/index-file.js';
import { readProjectFile } from '../../support/project-file.js';
import { indexOf, indexTarget } from '../../support/release-index.js';

const name = 'slurm-24.11.6-glibc2.34-amd64';

test('an index is read as it was written', () => {
  const index = indexOf([name, 'slurm-24.11.6-bookworm-amd64'], { downloads: 'https://host.test/v1/' });
  expect(parseIndex(formatIndex(index), 'x')).toEqual(index);
});

test.each([
  ['no JSON', 'x', /^the place is not an index of a release: it is not JSON\.$/],
  ['another schema', '{"schema":2}', /schema/],
  [
    'a file that is a path',
    formatIndex(indexOf([indexTarget(name, { files: [{ name: '../x', size: 1, sha256: 'a'.repeat(64) }] })])),
    /targets\.0\.files\.0\.name/,
  ],
  [
    'an option for an identifier',
    formatIndex(indexOf([{ ...indexTarget(name), identifier: '--help' }])),
    /targets\.0\.identifier/,
  ],
  [
    'markup for a distribution',
    formatIndex(indexOf([indexTarget(name, { distribution: { name: '<b>', id: 'x', version: '1' } })])),
    /targets\.0\.distribution\.name/,
  ],
])('%s is refused', (_, text, message) => {
  expect(() => parseIndex(text, 'the place')).toThrow(message);
});

test('docs/index.schema.json is its schema', async () => {
  expect(JSON.parse(await readProjectFile('docs/index.schema.json'))).toEqual(indexJsonSchema());
});
