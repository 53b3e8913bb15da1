import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { ConfigurationError } from '../../../src/base/errors.js';
import { parseTried, supportPage, type Tried, triedPath } from '../../../src/targets/tried.js';
import { readToolchain, toolchainIds } from '../../support/toolchains.js';

const text = readFileSync(new URL(`../../../${triedPath}`, import.meta.url), 'utf8');
const { releases }: { releases: Record<string, { version: string }[]> } = JSON.parse(
  readFileSync(new URL('../../../data/slurm-releases.json', import.meta.url), 'utf8'),
);

describe('data/tried.yaml', () => {
  const tried = parseTried(text);

  test('is of toolchains, releases and systems that there are', () => {
    const known = Object.values(releases).flatMap((list) => list.map(({ version }) => version));
    const systems = tried.systems.map(({ name }) => name);
    for (const { toolchain, releases: built } of tried.builds) {
      expect(toolchainIds).toContain(toolchain);
      expect(known).toEqual(expect.arrayContaining(built));
    }
    for (const { toolchain, release, system } of tried.runs) {
      expect(toolchainIds).toContain(toolchain);
      expect(known).toContain(release);
      expect(systems).toContain(system);
    }
  });

  test('has each toolchain as a system, with its glibc', () => {
    const own = tried.systems.flatMap(({ toolchain, glibc }) =>
      toolchain === undefined ? [] : [[toolchain, glibc]],
    );
    expect(Object.fromEntries(own)).toEqual(
      Object.fromEntries(toolchainIds.map((id) => [id, readToolchain(id).compiler.glibc])),
    );
  });

  test('has no day that is to come', () => {
    const days = [...text.matchAll(/how: (?:emulated )?(\d{4}-\d\d-\d\d)/g)].map(([, day = '']) => day);
    const today = new Date().toISOString().slice(0, 10);
    expect(days.filter((day) => day > today)).toEqual([]);
  });

  test.each(['{}', text.replace(/how: tests/, 'how: surely'), text.replace(/gpus: \[none/, 'gpus: [some')])(
    'is refused where it is not as it must be, %#',
    (wrong) => expect(() => parseTried(wrong)).toThrow(ConfigurationError),
  );
});

describe('the page', () => {
  const tried: Tried = {
    systems: [
      { name: 'Own', glibc: '2.36', toolchain: 'bookworm' },
      { name: 'Newer', glibc: '2.50' },
      { name: 'Unseen', glibc: '2.35', toolchain: 'jammy' },
      { name: 'Too old', glibc: '2.28' },
    ],
    builds: [
      {
        ...{ toolchain: 'bookworm', arch: 'amd64', releases: ['24.11.6'], gpus: ['none', 'cuda'] },
        ...{ dependencies: ['system', 'bundled'], features: 'default', how: '2026-01-02' },
      },
      {
        ...{ toolchain: 'bookworm', arch: 'amd64', releases: ['24.11.6'], gpus: ['none'] },
        ...{ dependencies: ['system'], features: 'default', how: 'tests' },
      },
      {
        ...{ toolchain: 'bullseye', arch: 'arm64', releases: ['23.02.8'], gpus: ['none'] },
        ...{ dependencies: ['bundled'], features: 'full', how: '2026-01-04' },
      },
      {
        ...{ toolchain: 'rockylinux8', arch: 'arm64', releases: ['23.02.8'], gpus: ['none'] },
        ...{ dependencies: ['bundled'], features: 'default', how: 'emulated 2026-01-04' },
      },
    ],
    runs: [{ toolchain: 'bookworm', release: '24.11.6', system: 'Newer', how: '2026-01-03' }],
    others: [{ what: 'tea', seen: 'not tried' }],
  };
  const page = supportPage({
    tried,
    toolchains: toolchainIds.map((id) => readToolchain(id)),
    names: () => ({ read: 5, all: 7 }),
    series: ['22.05', '23.02', '24.11'],
  });
  const row = (start: string) => page.split('\n').find((line) => line.startsWith(`| ${start} |`));

  test.each([
    ['Own', /bookworm`: a cluster ran, by hand, 2026-01-02 \| .*built and smoked, in the tests/],
    ['Newer', /bookworm`: a cluster ran, by hand, 2026-01-03 \| – \|/],
    ['Unseen', /bookworm`: should, by its glibc; not tried \| .*jammy`: package names checked \(5 of 7/],
    ['Too old', /not yet: its glibc is older/],
    ['22.05', /\| not tried \|/],
    [
      '23.02',
      /`features: full`, bullseye, arm64: by hand, 2026-01-04<br>.*`bundled`, no GPU, rockylinux8, arm64: emulated by hand, 2026-01-04 \|$/,
    ],
    [
      '24.11',
      /24\.11\.6 `system`, no GPU, bookworm: in the tests<br>24\.11\.6 `system`, `gpu: cuda`, bookworm: by hand/,
    ],
    ['tea', /not tried/],
  ])('says of %s what was seen, and no more', (start, said) => expect(row(start)).toMatch(said));
});
