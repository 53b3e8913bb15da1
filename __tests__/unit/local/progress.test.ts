import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ProgressEvent } from '../../../src/base/ports.js';
import { BuildProgress, formatTime, typicalBuild } from '../../../src/local/progress.js';

const second = 1000;
const compiles: ProgressEvent = { what: 'packages', total: 3, cached: 0, compilesRoot: true };
const cached: ProgressEvent = { what: 'packages', total: 3, cached: 3, compilesRoot: false };
const phase = (name: string): ProgressEvent => ({
  what: 'package',
  name: 'slurm',
  version: '24-11-6-1',
  phase: name,
});
const compiled = (files: number, name = 'slurm'): ProgressEvent => ({ what: 'compiled', name, files });
const stage = (name: string): ProgressEvent => ({ what: 'stage', stage: name });
const end = (name: string, seconds: number): ProgressEvent => ({ what: 'stage-end', stage: name, seconds });

/** A build's progress after events, each so many seconds after the start. */
function after(...events: readonly (readonly [seconds: number, ...events: ProgressEvent[]])[]) {
  const progress = new BuildProgress(0);
  for (const [seconds, ...these] of events) for (const event of these) progress.take(event, seconds * second);
  return progress;
}

test('what is done right now is told with the files that are compiled', () => {
  const progress = after([0, stage('install'), compiles, phase('build'), compiled(412)]);
  expect(progress.at(0).detail).toBe(`slurm 24-11-6-1: build, 412 of about ${typicalBuild.files} files`);
  progress.take(compiled(typicalBuild.files + 5), 0);
  expect(progress.at(0).detail).toBe(`slurm 24-11-6-1: build, ${typicalBuild.files + 5} files`);
  progress.take(phase('install'), 0);
  expect(progress.at(0).detail).toBe('slurm 24-11-6-1: install');
  progress.take(end('install', 1), second);
  progress.take(stage('tree'), second);
  expect(progress.at(second).detail).toBe('');
});

test('packages beside Slurm move the bar too, and their files are not taken for its own', () => {
  const of = (name: string, phase: string): ProgressEvent => ({ what: 'package', name, version: '1', phase });
  const progress = after([0, stage('install'), { ...compiles, total: 9 }]);
  const shown = [of('compiler-wrapper', 'installed'), of('gcc-runtime', 'installed'), of('openssl', 'build')];
  for (const event of [...shown, compiled(300, 'openssl')]) progress.take(event, 0);
  expect(progress.at(second).detail).toBe('openssl 1: build, 300 files');
  const before = progress.at(30 * second).fraction;
  progress.take(of('openssl', 'installed'), 30 * second);
  progress.take(of('curl', 'installed'), 31 * second);
  const between = progress.at(31 * second).fraction;
  expect(between).toBeGreaterThan(before);
  progress.take(phase('build'), 32 * second);
  expect(progress.at(32 * second).detail).toBe('slurm 24-11-6-1: build');
  progress.take(compiled(600), 60 * second);
  const late = progress.at(60 * second).fraction;
  expect(late).toBeGreaterThan(between);
  progress.take(of('zlib', 'build'), 61 * second);
  expect(progress.at(61 * second).fraction).toBeGreaterThanOrEqual(late);
});

test('no time is told of a machine that nothing is known of, until the compile has shown how fast it is', () => {
  const progress = after([0, stage('install'), compiles, phase('configure')]);
  expect(progress.at(10 * second).left).toBeUndefined();
  progress.take(phase('build'), 20 * second);
  progress.take(compiled(typicalBuild.files / 2), 60 * second);
  const { left, elapsed } = progress.at(60 * second);
  expect(elapsed).toBe(60);
  // Half of it is compiled in a minute, with configure: about as much is left, and what comes behind.
  expect(left).toBeGreaterThan(50);
  expect(left).toBeLessThan(100);
});

test('what an earlier build took is told from the start on', () => {
  const progress = new BuildProgress(0);
  progress.know({ stages: { lock: 4, install: 90, smoke: 6 }, files: 930 });
  expect(progress.at(0).left).toBe(100);
  progress.take(stage('lock'), 0);
  progress.take(end('lock', 1), second);
  // It was faster than it was; that is no promise for the rest.
  expect(progress.at(second).left).toBe(96);
});

test('an installation that compiles nothing takes seconds', () => {
  const progress = new BuildProgress(0);
  progress.know({ stages: { install: 90, smoke: 6 }, files: 930 });
  progress.take(stage('install'), 0);
  progress.take(cached, 0);
  expect(progress.at(0).left).toBeLessThan(15);
});

test('an earlier build that is known of late says nothing of stages that are over', () => {
  const progress = after([0, stage('tools')], [9, end('tools', 9)]);
  progress.know({ stages: { tools: 50, install: 90 }, files: 930 });
  expect(progress.at(9 * second).left).toBe(90);
});

const names = [...Object.keys(typicalBuild.stages), 'sign', 'elsewhere'];
const events = fc.oneof(
  fc.constantFrom(...names).map(stage),
  fc.constantFrom(...names).map((name) => end(name, 3)),
  fc.constantFrom('autoreconf', 'configure', 'build', 'install', 'installed', 'odd').map(phase),
  fc.nat({ max: 5000 }).map(compiled),
  fc.constantFrom(compiles, cached),
);

test('whatever comes, the bar never goes back, is never full early, and no time is negative', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat({ max: 60 }), events)), fc.boolean(), (steps, known) => {
      const progress = new BuildProgress(0);
      if (known) progress.know({ stages: { lock: 4, install: 90, smoke: 6 }, files: 930 });
      let now = 0;
      let last = 0;
      for (const [seconds, event] of steps) {
        now += seconds * second;
        progress.take(event, now);
        const { fraction, left = 0 } = progress.at(now);
        expect(fraction).toBeGreaterThanOrEqual(last);
        expect(fraction).toBeLessThan(1);
        expect(left).toBeGreaterThanOrEqual(0);
        last = fraction;
      }
    }),
    { numRuns: 500 },
  );
});

describe('formatTime', () => {
  test.each([
    [0, '0:00'],
    [7.4, '0:07'],
    [59.6, '1:00'],
    [754, '12:34'],
    [3723, '1:02:03'],
    [-3, '0:00'],
  ])('%d s are %s', (seconds, text) => {
    expect(formatTime(seconds)).toBe(text);
  });
});
