import { describe, expect, test } from '@jest/globals';
import { NoEngineError } from '../../../src/base/errors.js';
import type { EngineChoice } from '../../../src/config/inputs.js';
import type { BuildPlan } from '../../../src/pipeline/plan.js';
import { planBuild } from '../../../src/pipeline/plan.js';
import { tellEngine } from '../../../src/pipeline/tell.js';
import { buildRequest } from '../../support/build.js';
import { fakeProcess, recordingLogger } from '../../support/fakes.js';

const plan = await planBuild(await buildRequest(), fakeProcess());

/** What is told where an engine was asked for and another one found. */
function told(choice: EngineChoice, engine: BuildPlan['engine']) {
  const logger = recordingLogger();
  tellEngine({ ...plan, engine, options: { ...plan.options, engine: choice } }, logger);
  return logger.log;
}

describe('the engine', () => {
  test('is named with its version', () => {
    expect(told('auto', { kind: 'podman', version: '5.4.0' })).toEqual([
      { level: 'info', message: 'Container engine: podman 5.4.0' },
    ]);
  });

  test('none that was asked for is told', () => {
    const [line] = told('none', { kind: 'none', version: '' });
    expect(line).toEqual({ level: 'info', message: expect.stringContaining('Debian 12 (bookworm)') });
  });

  test('none that auto fell back to is a warning, with what to do', () => {
    const [line] = told('auto', { kind: 'none', version: '' });
    expect(line).toEqual({ level: 'warning', message: expect.stringMatching(/Start an engine/) });
  });

  test('one that does not answer is an error later, if at all', () => {
    expect(told('auto', new NoEngineError('m', 'h'))).toEqual([]);
  });
});
