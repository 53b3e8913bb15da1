import { describe, expect, test } from '@jest/globals';
import * as errors from '../../../src/base/errors.js';

describe('the family of errors', () => {
  test.each<[string, errors.FactoryError, number]>([
    ['InputError', new errors.InputError([{ input: 'gpu', message: 'bad' }]), 2],
    ['NoEngineError', new errors.NoEngineError('m', 'h'), 3],
    ['ContainerError', new errors.ContainerError('m', 'h'), 3],
    ['SpackUnreachableError', new errors.SpackUnreachableError('m', 'h'), 4],
    ['ChecksumError', new errors.ChecksumError('m', 'h'), 4],
    ['ConcretizationError', new errors.ConcretizationError('m', 'h'), 4],
    ['PackagingError', new errors.PackagingError('m', 'h'), 5],
    ['SigningError', new errors.SigningError('m', 'h'), 5],
    ['ConfigurationError', new errors.ConfigurationError('m', 'h'), 6],
    ['MissingRequirementError', new errors.MissingRequirementError('m', 'h'), 6],
    ['DiskSpaceError', new errors.DiskSpaceError('m', 'h'), 6],
    ['FolderError', new errors.FolderError('m', 'h'), 6],
    ['OutputError', new errors.OutputError('m', 'h'), 1],
    ['CancelledError', new errors.CancelledError('m', 'h'), 130],
    ['CancelledError', new errors.CancelledError('m', 'h', { signal: 'SIGTERM' }), 143],
  ])('%s has its name, its exit code and its hint', (name, error, exitCode) => {
    expect(error.name).toBe(name);
    expect(errors.exitCodeOf(error)).toBe(exitCode);
    expect(errors.describeError(error)).toBe(
      `${error.message}\n${error.hint}\nSee docs/errors.md#${name.toLowerCase()}`,
    );
  });

  test('InputError holds every problem and counts them', () => {
    const error = new errors.InputError([
      { input: 'gpu', message: 'bad.' },
      { input: 'jobs', message: 'worse.' },
    ]);
    expect(error.message).toBe('gpu: bad.\njobs: worse.');
    expect(error.hint).toMatch(/these 2 inputs/);
  });

  test.each([
    ['slurm-24-11-6-1.log', /whole build log is kept as slurm-24-11-6-1\.log/],
    [undefined, /no build log/],
  ])('PackageBuildError with the log %s', (log, hint) => {
    const error = new errors.PackageBuildError({
      package: 'slurm@24-11-6-1',
      phase: 'configure',
      firstError: 'configure: error: no munge',
      log,
    });
    expect(error.message).toBe('slurm@24-11-6-1 failed in phase configure: configure: error: no munge');
    expect(error.hint).toMatch(hint);
    expect(error.exitCode).toBe(4);
  });

  test.each<[string, unknown, string]>([
    ['an Error', new TypeError('no such thing'), 'no such thing'],
    ['a text', 'just text', 'just text'],
    ['nothing', undefined, 'undefined'],
  ])('anything else that is thrown, %s, ends with 1', (_, thrown, text) => {
    expect(errors.exitCodeOf(thrown)).toBe(1);
    expect(errors.describeError(thrown)).toBe(text);
  });
});
