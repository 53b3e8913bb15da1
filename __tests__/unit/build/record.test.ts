import { describe, expect, test } from '@jest/globals';
import { type PostRecord, parseRecord, Recorder } from '../../../src/build/record.js';
import { startedRecord } from '../../support/records.js';

const first = startedRecord('/srv');
const full: Partial<PostRecord> = {
  container: { program: 'podman', name: 'slurm-factory-abc' },
  smoke: { program: 'podman', name: 'slurm-factory-abc-smoke' },
  keyring: '/dev/shm/slurm-factory-gpg-abc',
  packages: {
    directory: '/cache',
    place: { toolchain: 'bookworm', arch: 'amd64', builder: 'b', padding: 128 },
    restored: ['x'],
  },
  retentionDays: 7,
  succeeded: true,
};

/** A store that keeps text, as the runner's state does. */
function textStore() {
  const texts: string[] = [];
  return { texts, save: (record: unknown) => void texts.push(JSON.stringify(record)) };
}

describe('Recorder', () => {
  test('the record is there from the start: main may be killed at any time', () => {
    const store = textStore();
    new Recorder(first, store);
    expect(store.texts.map(parseRecord)).toEqual([first]);
  });

  test('each change is written at once, and read back as it was', () => {
    const store = textStore();
    const recorder = new Recorder(first, store);
    recorder.update(full);
    recorder.addSave({ key: 'a', directory: '/a' });
    recorder.addSave({ key: 'b', directory: '/b', files: ['x', 'y'] });
    const saves = [
      { key: 'a', directory: '/a' },
      { key: 'b', directory: '/b', files: ['x', 'y'] },
    ];
    expect(store.texts.map((text) => parseRecord(text)?.saves)).toEqual([[], [], saves.slice(0, 1), saves]);
    expect(parseRecord(store.texts.at(-1) ?? '')).toEqual({ ...first, ...full, saves });
    expect(recorder.current).toEqual({ ...first, ...full, saves });
  });
});

test('what became of cache entries is kept, those with a name and those without', () => {
  const store = textStore();
  const recorder = new Recorder(first, store);
  const uses: PostRecord['cacheUses'] = [
    { key: 'a', kind: 'package', name: 'slurm', bytes: 7, outcome: 'restored' },
    { key: 'b', kind: 'lock', bytes: 0, outcome: 'damaged' },
  ];
  for (const use of uses) recorder.addUse(use);
  expect(parseRecord(store.texts.at(-1) ?? '')?.cacheUses).toEqual(uses);
});

describe('parseRecord', () => {
  test('no text means that main never got so far', () => {
    expect(parseRecord('')).toBeUndefined();
  });

  test.each<[string, string]>([
    ['half a record', JSON.stringify(first).slice(0, -10)],
    ['another version', JSON.stringify({ ...first, version: 2 })],
    ['a program that is no engine', JSON.stringify({ ...first, container: { program: 'rm', name: '-rf' } })],
    ['a smoke test by no engine', JSON.stringify({ ...first, smoke: { program: 'sh', name: 'x' } })],
    ['a missing folder', JSON.stringify({ ...first, buildFolder: undefined })],
    ['a text', '"text"'],
  ])('%s is refused', (_, text) => {
    expect(() => parseRecord(text)).toThrow();
  });
});
