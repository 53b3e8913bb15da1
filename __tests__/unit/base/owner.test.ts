import { describe, expect, test } from '@jest/globals';
import { otherBoot, ownerEnded, processOwner } from '../../../src/base/owner.js';

const here = 'node1~aaaa~4026~100~5000';

describe('ownerEnded', () => {
  const running = (pid: number) => ({ 7: '123', 8: '456' })[pid];
  test.each<[string, string, boolean]>([
    ['a process that runs', 'node1~aaaa~4026~7~123', false],
    ['a process that is gone', 'node1~aaaa~4026~9~123', true],
    ['its pid belongs to another process now', 'node1~aaaa~4026~8~123', true],
    ['the machine was started again since', 'node1~bbbb~4026~7~123', true],
    ['another machine, which can not be asked', 'node2~aaaa~4026~9~123', false],
    ['another pid namespace, which can not be asked', 'node1~aaaa~4027~9~123', false],
    ['more words behind it', 'node1~aaaa~4026~9~123~0.json', true],
    ['a process whose start nobody could read', 'node1~aaaa~4026~9~', false],
    ['the same, with more words behind it', 'node1~aaaa~4026~9~~x.json', false],
    ['a file of somebody else', 'README.md', false],
  ])('%s', (_, owner, ended) => {
    expect(ownerEnded(owner, here, running)).toBe(ended);
  });
});

test('only another boot, of this machine or of one with its name, needs time to tell', () => {
  expect(otherBoot('node1~bbbb~4026~7~123', here)).toBe(true);
  expect(otherBoot('node1~aaaa~4027~7~123', here)).toBe(false);
});

test('this process has not ended, and one with its pid and another start has', () => {
  const owner = processOwner();
  expect(ownerEnded(owner, owner)).toBe(false);
  const words = owner.split('~');
  expect(ownerEnded([...words.slice(0, 4), '1'].join('~'), owner)).toBe(true);
});
