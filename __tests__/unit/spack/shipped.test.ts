import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from '@jest/globals';
import { ConfigurationError } from '../../../src/base/errors.js';
import { parseShipped, shippedPath } from '../../../src/spack/shipped.js';
import { projectRoot } from '../../support/prepare.js';

const packed = (value: unknown): Buffer => gzipSync(JSON.stringify(value));

test('the indexes that the project brings are of its pins, and small', () => {
  const bytes = readFileSync(join(projectRoot, shippedPath));
  const pins = JSON.parse(readFileSync(join(projectRoot, 'data', 'pins.json'), 'utf8'));
  const { spack, packages, files } = parseShipped(bytes);
  expect({ spack, packages }).toEqual({ spack: pins.spack.commit, packages: pins.packages.commit });
  expect(Object.keys(files).map((path) => path.split('/')[0])).toEqual(['patches', 'providers', 'tags']);
  expect(bytes.length).toBeLessThan(2_000_000);
});

test.each([
  ['no JSON', gzipSync('{')],
  ['without its commits', packed({ files: {} })],
  ['a path that leads out', packed({ spack: 'a', packages: 'b', files: { '../x': '' } })],
])('%s is refused', (_, bytes) => {
  expect(() => parseShipped(bytes)).toThrow(ConfigurationError);
});
