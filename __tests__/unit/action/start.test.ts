import { expect, test } from '@jest/globals';
import { isFirstOfMain } from '../../../src/action/start.js';

test.each<[string, Record<string, string>, boolean]>([
  ['the main step as the runner starts it', {}, true],
  ['started anew, without its secrets', { SLURM_FACTORY_SECRETS: '/dev/shm/x' }, false],
  ['the post step', { STATE_isPost: 'true' }, false],
])('%s', (_, env, first) => expect(isFirstOfMain(env)).toBe(first));
