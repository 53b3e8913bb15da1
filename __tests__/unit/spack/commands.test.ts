import { describe, expect, test } from '@jest/globals';
import { containerLayout } from '../../../src/container/layout.js';
import {
  ccacheFolder,
  concretizeCommand,
  fetchCommand,
  installCommand,
} from '../../../src/spack/commands.js';

const side = { layout: containerLayout, python: '/py/bin/python3' };

describe('Spack', () => {
  test.each([
    ['concretize', concretizeCommand(side)],
    ['install', installCommand(side, 7)],
  ])('%s runs with the pinned Python, in the environment, without configuration of its own', (verb, call) => {
    expect(call.command.slice(0, 2)).toEqual(['/py/bin/python3', '/opt/slurm-factory/spack/bin/spack']);
    const words = call.command.slice(2);
    expect(words.slice(words.indexOf('--env-dir'), words.indexOf(verb))).toEqual([
      '--env-dir',
      '/opt/slurm-factory/environment',
    ]);
    expect(call.env).toMatchObject({
      SPACK_DISABLE_LOCAL_CONFIG: '1',
      SPACK_USER_CACHE_PATH: '/opt/slurm-factory/user-cache',
      SPACK_PYTHON: '/py/bin/python3',
    });
  });

  test('install takes the lock as it is and the jobs that were asked for', () => {
    const { command } = installCommand(side, 7);
    expect(command).toContain('--only-concrete');
    expect(command.slice(command.indexOf('--jobs'))).toEqual(['--jobs', '7']);
  });

  test('what compilers make goes to a ccache of its own, below the folder that is kept', () => {
    const { env } = installCommand(side, 7);
    expect(env).toMatchObject({
      CCACHE_DIR: ccacheFolder(containerLayout),
      CCACHE_COMPILERCHECK: 'content',
      SOURCE_DATE_EPOCH: '315532800',
    });
    expect(ccacheFolder(containerLayout)).toBe('/opt/slurm-factory/user-cache/ccache');
  });
});

test('fetch works in a copy of the environment, and its sources go where the build has its mirror', () => {
  const { command } = fetchCommand(side, ['aaa', 'bbb']);
  expect(command).toEqual([
    '/py/bin/python3',
    '/opt/slurm-factory/spack/bin/spack',
    '--color=never',
    '--env-dir',
    '/opt/slurm-factory/user-cache/fetch',
    '-c',
    'config:source_cache:/opt/slurm-factory/fetched',
    'fetch',
    '/aaa',
    '/bbb',
  ]);
});
