import { describe, expect, test } from '@jest/globals';
import { PackagingError } from '../../../src/base/errors.js';
import { furtherRequest, readFurther } from '../../../src/bundle/further.js';
import { relocationMark } from '../../../src/targets/relocation.js';

const place = {
  ...{ tree: '/store/tree', store: '/store', slurm: '/store/pad/slurm', packages: [], views: {} },
  ...{ modules: null, sources: ['/fetched'], folders: ['/store'] },
};

test('the script is asked with the mark, the program and how licences are named', () => {
  const licences = [{ package: 'lz4', files: ['lib/LICENSE'], reason: 'The library is what is linked.' }];
  expect(JSON.parse(furtherRequest(place, { licences }, '#!/bin/sh\n'))).toEqual({
    ...place,
    ...{ licences, program: '#!/bin/sh\n', mark: relocationMark },
  });
});

describe('readFurther', () => {
  const answer = {
    width: 128,
    packages: [{ hash: 'h', path: 'packages/x' }],
    unlicensed: [],
    dropped: ['packages/l'],
  };

  test('gives what came', () => {
    const stdout = JSON.stringify({ schema: 1, ...answer });
    expect(readFurther({ exitCode: 0, stdout, stderr: '' })).toEqual(answer);
  });

  test.each([
    [
      { exitCode: 1, stdout: '', stderr: 'Traceback\nOSError: No space left on device\n' },
      'No space left on device',
    ],
    [{ exitCode: 0, stdout: '{}', stderr: '' }, "can't be read"],
  ])('what went wrong is told', (done, message) => {
    expect(() => readFurther(done)).toThrow(PackagingError);
    expect(() => readFurther(done)).toThrow(message);
  });
});
