import { describe, expect, test } from '@jest/globals';
import { releaseNotes } from '../../../src/publish/notes.js';
import { indexOf, indexTarget } from '../../support/release-index.js';

const name = 'slurm-24.11.6-glibc2.34-amd64';
const file = (identifier: string, size: number) => [
  { name: `${identifier}-software.tar.gz`, size, sha256: 'a'.repeat(64) },
];

test('what a release has: platforms, support, vulnerabilities', () => {
  const notes = releaseNotes(
    indexOf([name, `${name}-cuda`], {
      releases: [
        {
          ...{ version: '24.11.6', series: '24.11', supportUntil: '2026-05' },
          ...{ vulnerabilities: ['CVE-2026-65107', 'CVE-2026-65108'], mendedIn: ['25.05.9'] },
        },
      ],
    }),
    undefined,
  );
  expect(notes).toContain(
    '| 24.11.6 | glibc2.34 amd64, glibc2.34 amd64 cuda | until 2026-05 | **2**, mended in 25.05.9 |',
  );
  expect(notes).not.toContain('## Since');
  expect(notes).not.toContain('## Install');
});

test('targets that were planned and are missing are named at once', () => {
  const notes = releaseNotes(indexOf([name], { missing: [`${name}-cuda`] }), undefined);
  expect(notes).toContain(
    `> [!WARNING]\n> 1 target that was planned is not in this release: \`${name}-cuda\`.`,
  );
});

test('how to install it, where the files have an address', () => {
  const downloads = 'https://host.test/v1/';
  expect(releaseNotes(indexOf([name], { downloads }), undefined)).toContain(
    'curl -fsSL https://host.test/v1/get.sh | sh',
  );
});

describe('what is not as in the release before', () => {
  const then = indexOf(
    [
      indexTarget(name, {
        packages: [{ name: 'libssl3', version: '3.0.15-1' }],
        files: file(name, 6_000_000),
      }),
      'slurm-24.11.6-bookworm-amd64',
      'slurm-23.11.10-glibc2.34-amd64',
    ],
    { name: 'v0' },
  );

  test('releases, targets, packages and sizes', () => {
    const next = 'slurm-24.11.7-glibc2.34-amd64';
    const now = indexOf([
      indexTarget(next, {
        ...{ contentKey: 'e'.repeat(64), files: file(next, 6_300_000) },
        packages: [
          { name: 'libssl3', version: '3.0.16-1' },
          { name: 'libnew1', version: '1' },
        ],
      }),
      'slurm-24.11.6-bookworm-amd64',
    ]);
    const notes = releaseNotes(now, then);
    expect(notes).toContain('## Since v0');
    expect(notes).toContain('- New releases of Slurm: 24.11.7\n- No more: 23.11.10');
    expect(notes).toContain(`- Targets that are gone: \`${name}\``);
    expect(notes).toContain('- As before: 1 target');
    expect(notes).toContain('| libssl3 | 3.0.15-1 | 3.0.16-1 | 1 |');
    expect(notes).toContain('| libnew1 | – | 1 | 1 |');
    expect(notes).toContain(`| \`${next}\` | 6.0 MB | 6.3 MB | +5.0 % |`);
  });

  test('what was built anew, and what came', () => {
    const now = indexOf([
      indexTarget(name, { contentKey: 'e'.repeat(64), files: file(name, 5_400_000) }),
      'slurm-24.11.6-glibc2.34-arm64',
    ]);
    const notes = releaseNotes(now, then);
    expect(notes).toContain(`- Built anew: \`${name}\``);
    expect(notes).toContain('- New targets: `slurm-24.11.6-glibc2.34-arm64`');
    expect(notes).toContain('−10.0 %');
  });

  test('nothing', () => {
    expect(releaseNotes(then, then)).toContain('Nothing has changed.');
  });
});

test('names are text, whatever is in them', () => {
  const notes = releaseNotes(indexOf([name]), indexOf([name], { name: '<b>|`x`' }));
  expect(notes).toContain('## Since \\<b\\>\\|\\`x\\`');
});
