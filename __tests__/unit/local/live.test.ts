import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Printer } from '../../../src/local/console.js';
import { LiveView } from '../../../src/local/live.js';
import type { EarlierBuild } from '../../../src/local/progress.js';
import { coloursOf } from '../../../src/local/style.js';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

/** A view of so many columns, the lines that stay, and what is written over. */
function view(options: { columns?: number; unicode?: boolean; earlier?: EarlierBuild } = {}) {
  const { columns = 80, unicode = true, earlier } = options;
  let lines = '';
  const block = { text: '' };
  const sink = { write: (text: string) => (lines += text) };
  const live = new LiveView({
    printer: new Printer({ out: sink, err: sink }),
    block: {
      update: (text) => {
        block.text = text;
      },
      clear: () => {
        block.text = '';
      },
    },
    ...{ colours: coloursOf(false), unicode, columns: () => columns, earlier: async () => earlier },
  });
  live.start();
  const pass = (seconds: number) => jest.advanceTimersByTimeAsync(seconds * 1000);
  return { live, pass, lines: () => lines, block: () => block.text };
}

test('a stage that is done is a line that stays; one that took no time is none', async () => {
  const { live, pass, lines } = view();
  await live.group('Check the disk', async () => {});
  await live.group('Bring the lock', async () => pass(3.4));
  await live.group('Install', async () => pass(171));
  expect(lines()).toBe('✓ Bring the lock 3.4 s\n✓ Install 2:51\n');
});

test('what is done right now stands below, with a bar, the time and the newest line of the log', async () => {
  const { live, pass, block } = view({ earlier: { stages: { install: 100, smoke: 20 }, files: 640 } });
  live.progress({ what: 'target', identifier: 'slurm-24.11.6-glibc2.34-amd64', release: '24.11.6' });
  await pass(0);
  live.progress({ what: 'stage', stage: 'install' });
  await live.group('Install', async () => {
    live.info('The sources of 3 packages are there\n2 of 3 packages');
    await pass(1);
    expect(block()).toMatch(/^. Install {2}2 of 3 packages\n {2}─+ {4}0 % {2}0:01, about 1:59 left$/);
    live.progress({ what: 'packages', total: 3, cached: 2, compilesRoot: true });
    live.progress({ what: 'package', name: 'slurm', version: '24-11-6-1', phase: 'build' });
    live.progress({ what: 'compiled', name: 'slurm', files: 320 });
    await pass(49);
    expect(block()).toMatch(
      /^. Install {2}slurm 24-11-6-1: build, 320 of about 640 files\n {2}━+─+ {3}\d\d % {2}0:50, /,
    );
  });
});

describe.each([20, 40, 80, 120])('at %i columns', (columns) => {
  test('no line is longer than the window', async () => {
    const { live, pass, block, lines } = view({ columns });
    live.progress({ what: 'stage', stage: 'install' });
    await live.group('Bring the libraries into the tree', async () => {
      live.info('x'.repeat(500));
      await pass(4000);
      for (const line of block().split('\n')) expect(line.length).toBeLessThan(columns);
    });
    live.warning(`Slurm has known vulnerabilities: ${'CVE-2026-1 '.repeat(40)}`);
    const warning = lines().slice(lines().indexOf('warning'));
    for (const line of warning.split('\n')) expect(line.length).toBeLessThanOrEqual(columns);
  });
});

test('lines of the log are shown when their stage fails, and what a terminal obeys is shown as text', async () => {
  const { live, lines } = view();
  const failed = live.group('Install', async () => {
    live.info('gcc: error\x1b[2J\nmake: stopped');
    throw new Error('no');
  });
  await expect(failed).rejects.toThrow('no');
  expect(lines()).toBe('✗ Install\n  gcc: error\\x1b[2J\n  make: stopped\n');
});

test('notices, warnings and errors stay; a secret is in none of them', async () => {
  const { live, pass, lines, block } = view();
  live.mask('hunter2');
  live.debug();
  live.notice('a notice of hunter2');
  live.warning('a warning');
  live.error('an error', 'slurm');
  await live.group('Install', async () => {
    live.info('with hunter2');
    await pass(1);
    expect(block()).toContain('with ***');
  });
  expect(lines()).toBe('a notice of ***\nwarning: a warning\nerror: slurm: an error\n✓ Install 1.0 s\n');
});

test('a cancel is told in the place of what is done, and nothing is left of the block at the end', async () => {
  const { live, lines, block } = view({ unicode: false });
  const cancelled = live.group('Install', async () => {
    live.info('a line of the log');
    live.say('Cancelling');
    expect(block()).toMatch(/^[|/\\-] Cancelling$/);
    throw new Error('cancelled');
  });
  await expect(cancelled).rejects.toThrow('cancelled');
  expect(lines()).toBe('');
  live.stop();
  expect(block()).toBe('');
  live.say('nobody sees this');
  expect(block()).toBe('');
});
