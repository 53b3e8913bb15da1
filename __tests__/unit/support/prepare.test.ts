import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { hostArch, hostTarget, lacking, projectRoot } from '../../support/prepare.js';

test.each([
  ['x64', 'amd64', 'slurm-24.11.6-glibc2.34-amd64', 'slurm-24.11.6-glibc2.34-amd64-cuda'],
  ['arm64', 'arm64', 'slurm-24.11.6-glibc2.34-arm64', 'slurm-24.11.6-glibc2.34-arm64-cuda'],
])('on %s the tests build for %s', (node, arch, plain, cuda) => {
  expect(hostArch(node)).toBe(arch);
  expect(hostTarget('24.11.6', 'none', hostArch(node))).toBe(plain);
  expect(hostTarget('24.11.6', 'cuda', hostArch(node))).toBe(cuda);
});

test('an architecture that nothing is built for is an error', () => {
  expect(() => hostArch('riscv64')).toThrow('there are no builds for riscv64');
});

test('no end-to-end test names the architecture of a target', () => {
  const folder = join(projectRoot, '__tests__', 'e2e');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.(ts|yml)$/.test(name),
  );
  const naming = files.filter((name) =>
    /slurm-[\d.]+-[a-z0-9]+-(amd64|arm64)/.test(readFileSync(join(folder, name), 'utf8')),
  );
  expect(files.length).toBeGreaterThan(5);
  expect(naming).toEqual([]);
});

test('of what is missing only what is needed counts, the base image with the engine', () => {
  const missing = ['Docker Engine: no', 'image debian:bookworm: no', 'act: no', 'zstd: no'];
  expect(lacking(['Docker Engine'], missing)).toEqual(['Docker Engine: no', 'image debian:bookworm: no']);
  expect(lacking(['act', 'Node 24'], missing)).toEqual(['act: no']);
  expect(lacking(['upstream'], missing)).toEqual([]);
});
