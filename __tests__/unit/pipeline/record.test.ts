import { basename, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseRecord } from '../../../src/pipeline/confine.js';
import { type PostRecord, Recorder, storedRecord } from '../../../src/pipeline/record.js';
import { placesIn, startedRecord } from '../../support/records.js';

const first = startedRecord('/srv');
const folder = first.buildFolder;
const read = (text: string) => parseRecord(text, placesIn('/srv'));
const lock = 'slurm-factory-v4-lock-bookworm-amd64-abc';
const index = 'slurm-factory-v4-index-bookworm-amd64-abc';
const full: Partial<PostRecord> = {
  cleanups: [
    { what: 'container', kind: 'build', program: 'podman', name: `slurm-factory-${basename(folder)}` },
    { what: 'container', kind: 'smoke', program: 'podman', name: `slurm-factory-${basename(folder)}-smoke` },
    { what: 'keyring', folder: '/dev/shm/slurm-factory-gpg-abcdef' },
  ],
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
    expect(store.texts.map(read)).toEqual([first]);
  });

  test('each change is written at once, and read back as it was', () => {
    const store = textStore();
    const recorder = new Recorder(first, store);
    recorder.update(full);
    recorder.putSave({ what: 'files', key: lock, directory: join(folder, 'a') });
    recorder.putSave({
      ...{ what: 'files', key: index, files: ['x', 'y/z'] },
      directory: join(folder, 'b', 'c'),
    });
    const saves = [
      { what: 'files', key: lock, directory: join(folder, 'a') },
      { what: 'files', key: index, directory: join(folder, 'b', 'c'), files: ['x', 'y/z'] },
    ];
    expect(store.texts.map((text) => read(text)?.saves)).toEqual([[], [], saves.slice(0, 1), saves]);
    expect(read(store.texts.at(-1) ?? '')).toEqual({ ...first, ...full, saves });
    expect(recorder.current).toEqual({ ...first, ...full, saves });
  });
});

test('what is saved later for the same key or kind takes the place of what was there', () => {
  const recorder = new Recorder(first, { save: () => {} });
  const ccache = { what: 'ccache', prefix: 'p', directory: join(folder, 'c') } as const;
  recorder.putSave(ccache);
  recorder.putSave({ what: 'files', key: lock, directory: join(folder, 'a') });
  recorder.putSave({ ...ccache, since: 7 });
  expect(recorder.current.saves).toEqual([
    { ...ccache, since: 7 },
    { what: 'files', key: lock, directory: join(folder, 'a') },
  ]);
});

test('a container that is gone is not removed again', () => {
  const recorder = new Recorder(first, { save: () => {} });
  for (const kind of ['build', 'fetch'] as const) {
    recorder.addCleanup({ what: 'container', kind, program: 'docker', name: kind });
  }
  recorder.addCleanup({ what: 'container', kind: 'fetch', program: 'docker', name: 'fetch' });
  expect(recorder.current.cleanups).toHaveLength(2);
  recorder.dropContainer('fetch');
  expect(recorder.current.cleanups).toEqual([
    { what: 'container', kind: 'build', program: 'docker', name: 'build' },
  ]);
});

test('what became of cache entries is kept, those with a name and those without', () => {
  const store = textStore();
  const recorder = new Recorder(first, store);
  const uses: PostRecord['cacheUses'] = [
    { key: `${lock}-1`, kind: 'package', name: 'slurm', bytes: 7, outcome: 'restored' },
    { key: index, kind: 'lock', bytes: 0, outcome: 'damaged' },
  ];
  for (const use of uses) recorder.addUse(use);
  expect(read(store.texts.at(-1) ?? '')?.cacheUses).toEqual(uses);
});

const stored = storedRecord({ ...first, ...full });

describe('parseRecord', () => {
  test('no text means that main never got so far', () => {
    expect(read('')).toBeUndefined();
  });

  test.each<[string, string]>([
    ['half a record', JSON.stringify(stored).slice(0, -10)],
    ['another version', JSON.stringify({ ...stored, version: 1 })],
    [
      'a program that is no engine',
      JSON.stringify({ ...stored, cleanups: [{ what: 'container', kind: 'build', program: 'rm' }] }),
    ],
    [
      'a container of no kind',
      JSON.stringify({ ...stored, cleanups: [{ what: 'container', kind: 'x', program: 'docker' }] }),
    ],
    [
      'a clean-up that there is not',
      JSON.stringify({ ...stored, cleanups: [{ what: 'folder', folder: '/' }] }),
    ],
    ['a save that there is not', JSON.stringify({ ...stored, saves: [{ what: 'all' }] })],
    ['a missing folder', JSON.stringify({ ...stored, build: undefined })],
    ['a field that there is not', JSON.stringify({ ...stored, buildFolder: '/home/me' })],
    ['a text', '"text"'],
  ])('%s is refused', (_, text) => {
    expect(() => read(text)).toThrow();
  });
});
