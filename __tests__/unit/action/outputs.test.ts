import { expect, test } from '@jest/globals';
import { outputsOf } from '../../../src/action/outputs.js';
import { report } from '../../support/report.js';

test('every fact of a report has its output', () => {
  const artifacts = [
    { name: 'a', id: 11, url: 'https://github.test/artifacts/11' },
    { name: 'b', id: 12, url: 'https://github.test/artifacts/12' },
  ];
  expect(outputsOf(report({ artifacts, cacheHit: 'build-cache' }))).toEqual({
    'slurm-version': '24.11.6',
    target: 'slurm-24.11.6-bookworm-amd64',
    'spack-lock': '',
    'content-key': 'f'.repeat(64),
    'cache-hit': 'build-cache',
    'software-tarball': '/out/slurm-24.11.6-bookworm-amd64-software.tar.gz',
    'modules-tarball': '/out/slurm-24.11.6-bookworm-amd64-modules.tar.gz',
    manifest: '/out/slurm-24.11.6-bookworm-amd64-manifest.json',
    'artifact-ids': '11,12',
    'artifact-urls': 'https://github.test/artifacts/11\nhttps://github.test/artifacts/12',
  });
});

test('without artifacts their outputs are empty, and one without a number leaves no gap', () => {
  expect(outputsOf(report())).toMatchObject({ 'artifact-ids': '', 'artifact-urls': '' });
  const artifacts = [
    { name: 'a', url: 'https://a.test' },
    { name: 'b', id: 7, url: 'https://b.test' },
  ];
  expect(outputsOf(report({ artifacts }))['artifact-ids']).toBe('7');
});
