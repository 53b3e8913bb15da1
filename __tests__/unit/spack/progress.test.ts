import { describe, expect, test } from '@jest/globals';
import { firstErrorLine, InstallProgress, parseProgressLine } from '../../../src/spack/progress.js';

describe('parseProgressLine', () => {
  const line = (change: object) => ({
    status: 'working',
    hash: 'abc1234',
    name: 'slurm',
    version: '24-11-6-1',
    phase: '',
    logPath: undefined,
    ...change,
  });

  test.each<[string, object]>([
    ['[ ] abc1234 slurm@24-11-6-1 build (12s)', line({ phase: 'build' })],
    ['[ ] abc1234 slurm@24-11-6-1 build (1m 2s)', line({ phase: 'build' })],
    ['[ ] abc1234 slurm@24-11-6-1 starting', line({ phase: 'starting' })],
    [
      '[ ] abc1234 slurm@24-11-6-1 fetching from build cache (0s)',
      line({ phase: 'fetching from build cache' }),
    ],
    ['[+] abc1234 slurm@24-11-6-1 /opt/store/slurm (130s)', line({ status: 'installed' })],
    ['[e] abc1234 slurm@24-11-6-1 /usr', line({ status: 'external' })],
    ['[x] abc1234 slurm@24-11-6-1 failed (3s)', line({ status: 'failed' })],
    [
      '[x] abc1234 slurm@24-11-6-1 failed: /stage/spack-stage-slurm.log (3s)',
      line({ status: 'failed', logPath: '/stage/spack-stage-slurm.log' }),
    ],
    [
      '[ ] abc1234   gcc-runtime@12.2.0 install',
      line({ name: 'gcc-runtime', version: '12.2.0', phase: 'install' }),
    ],
  ])('%s', (text, expected) => {
    expect(parseProgressLine(text)).toEqual(expected);
  });

  test.each([
    '',
    '==> Installing slurm',
    '[?] abc1234 slurm@1 build',
    '[ ] abc slurm@1 build',
    '[ ] abc1234 slurm build',
    ' [ ] abc1234 slurm@1 build',
    'make[1]: Entering directory',
  ])('%j is another kind of line', (text) => {
    expect(parseProgressLine(text)).toBeUndefined();
  });
});

describe('InstallProgress', () => {
  const follow = (lines: string[]) => {
    const progress = new InstallProgress(2);
    return { progress, shown: lines.map((line) => progress.read(line)) };
  };

  test('shows each phase of each package once, with its place', () => {
    const { shown, progress } = follow([
      '[e] eeeeeee munge@0.5.15 /usr',
      '[ ] aaaaaaa nvml@12.9 build (1s)',
      '[ ] aaaaaaa nvml@12.9 build (2s)',
      'checking for gcc... yes',
      '[ ] bbbbbbb slurm@24-11-6-1 configure (1s)',
      '[+] aaaaaaa nvml@12.9 /store/nvml (2s)',
      '[ ] bbbbbbb slurm@24-11-6-1 build (9s)',
    ]);
    expect(shown).toEqual([
      undefined,
      '[1/2] nvml@12.9: build',
      undefined,
      undefined,
      '[2/2] slurm@24-11-6-1: configure',
      '[1/2] nvml@12.9: installed',
      '[2/2] slurm@24-11-6-1: build',
    ]);
    expect(progress.failure).toBeUndefined();
  });

  test('remembers the first failure and the phase it came in', () => {
    const { shown, progress } = follow([
      '[ ] bbbbbbb slurm@24-11-6-1 configure (1s)',
      '[x] bbbbbbb slurm@24-11-6-1 failed: /stage/log.txt (3s)',
      '[x] aaaaaaa nvml@12.9 failed',
    ]);
    expect(shown[1]).toBe('[1/2] slurm@24-11-6-1: failed in configure');
    expect(progress.failure).toMatchObject({
      name: 'slurm',
      lastPhase: 'configure',
      logPath: '/stage/log.txt',
    });
  });
});

describe('firstErrorLine', () => {
  test.each<[string, string[], string | undefined]>([
    [
      'a compiler',
      ['checking... yes', 'a.c:3:1: error: no such type', 'make: *** [a.o] Error 1'],
      'a.c:3:1: error: no such type',
    ],
    [
      'a missing header',
      ['a.c:3:10: fatal error: munge.h: No such file'],
      'a.c:3:10: fatal error: munge.h: No such file',
    ],
    [
      'the linker',
      ["ld: a.o: undefined reference to `munge_encode'", 'collect2: error: ld returned 1 exit status'],
      "ld: a.o: undefined reference to `munge_encode'",
    ],
    [
      'configure',
      ['configure: error: unable to locate munge', 'x'],
      'configure: error: unable to locate munge',
    ],
    [
      'a patch',
      [
        '> 1 out of 1 hunk FAILED -- saving rejects to file NEWS.rej',
        '==> Patch /opt/overlay/patches/001-one.patch failed.',
        'Command exited with status 1:',
        '==> Error: ProcessError: x',
      ],
      '001-one.patch does not apply: 1 out of 1 hunk FAILED -- saving rejects to file NEWS.rej',
    ],
    [
      'make alone',
      ['cc -c a.c', 'make[2]: *** [Makefile:3: all] Error 2'],
      'make[2]: *** [Makefile:3: all] Error 2',
    ],
    [
      'the cause goes before what it led to, wherever it stands',
      ['make: *** [all] Error 2', 'a.c:1:1: error: cause'],
      'a.c:1:1: error: cause',
    ],
    ['warnings are none', ['a.c:3:1: warning: errors are not handled', 'cc -Werror -c a.c'], undefined],
    ['a good log', ['all done', 'error_handler.c'], undefined],
    ['an empty log', [], undefined],
  ])('%s', (_, lines, expected) => {
    expect(firstErrorLine(lines.join('\n'))).toBe(expected);
  });

  test("Spack's install error brings its detail along", () => {
    const log = 'spack.error.InstallError: these are missing after the build:\n    cgroup_v2.so\n';
    expect(firstErrorLine(log)).toMatch(/^InstallError: these are missing after the build:.*cgroup_v2\.so$/);
  });
});

test('each phase has the time until the next word of its package, whatever others do meanwhile', () => {
  let now = 0;
  const progress = new InstallProgress(3, () => now);
  const at = (seconds: number, line: string) => {
    now = seconds * 1000;
    progress.read(line);
  };
  at(1, '[ ] aaaaaaa nvml@12.9 staging');
  at(2, '[ ] bbbbbbb slurm@1 fetching from build cache');
  at(4, '[ ] aaaaaaa nvml@12.9 install (3s)');
  at(5, '[ ] aaaaaaa nvml@12.9 install (4s)');
  at(6, '[+] aaaaaaa nvml@12.9 /store (5s)');
  at(9, '[x] bbbbbbb slurm@1 failed (7s)');
  expect(progress.timesOf('a'.repeat(32))).toMatchObject({
    outcome: 'installed',
    phases: [
      { phase: 'staging', seconds: 3 },
      { phase: 'install', seconds: 2 },
    ],
  });
  expect(progress.timesOf('b'.repeat(32))).toMatchObject({
    outcome: 'failed',
    phases: [{ phase: 'fetching from build cache', seconds: 7 }],
  });
  expect(progress.timesOf('c'.repeat(32))).toEqual({ phases: [], outcome: 'waiting' });
});
