import { EventEmitter } from 'node:events';
import { expect, test } from '@jest/globals';
import { CancelledError } from '../../../src/base/errors.js';
import { cancellable, leftToPrograms } from '../../../src/cli/signals.js';

const told = ['It was cancelled.', 'Run it again.'] as const;
const untilAborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(new Error('the container is gone'))),
  );

test.each([
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends with %i, whatever failed because of it', async (name, exitCode) => {
  const signals = new EventEmitter();
  const done = cancellable(told, untilAborted, signals);
  signals.emit(name);
  await expect(done).rejects.toBeInstanceOf(CancelledError);
  await expect(done).rejects.toMatchObject({ exitCode, message: told[0], hint: told[1] });
});

test('nobody listens behind the end: a signal has its usual effect again', async () => {
  const signals = new EventEmitter();
  const body = async () => {
    expect(signals.eventNames()).toEqual(['SIGHUP', 'SIGINT', 'SIGTERM']);
    return 'done';
  };
  expect(await cancellable(told, body, signals)).toBe('done');
  expect(signals.eventNames()).toEqual([]);
});

test('any other error is what it was', async () => {
  const body = async () => {
    throw new Error('of its own');
  };
  await expect(cancellable(told, body, new EventEmitter())).rejects.toThrow('of its own');
});

test('Ctrl-C is left to a program while it runs, and counts again behind it', async () => {
  const heard: string[] = [];
  const signals = {
    on: (name: string) => heard.push(`on ${name}`),
    off: (name: string) => heard.push(`off ${name}`),
  };
  expect(await leftToPrograms(async () => heard.push('runs'), signals)).toBe(2);
  await expect(leftToPrograms(() => Promise.reject(new Error('no')), signals)).rejects.toThrow('no');
  expect(heard).toEqual(['on SIGINT', 'runs', 'off SIGINT', 'on SIGINT', 'off SIGINT']);
});
