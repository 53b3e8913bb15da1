import { expect, test } from '@jest/globals';
import { signingKeyName } from '../../../src/bundle/signature.js';
import { debugTarball, resultFiles } from '../../../src/pipeline/report.js';
import { smokeReportName } from '../../../src/pipeline/stages/smoke.js';

test('all files of a target carry its identifier, so that a matrix can upload them side by side', () => {
  expect(resultFiles('slurm-24.11.6-bookworm-amd64-cuda')).toEqual({
    software: 'slurm-24.11.6-bookworm-amd64-cuda-software.tar.gz',
    modules: 'slurm-24.11.6-bookworm-amd64-cuda-modules.tar.gz',
    installer: 'slurm-24.11.6-bookworm-amd64-cuda-install.sh',
    sbom: 'slurm-24.11.6-bookworm-amd64-cuda-sbom.spdx.json',
    manifest: 'slurm-24.11.6-bookworm-amd64-cuda-manifest.json',
    sums: 'slurm-24.11.6-bookworm-amd64-cuda-SHA256SUMS',
  });
});

test('no file of one target is a file of another', () => {
  const filesOf = (identifier: string) => [
    ...Object.values(resultFiles(identifier)),
    debugTarball(identifier),
    smokeReportName(identifier),
    signingKeyName(identifier),
  ];
  const plain = filesOf('slurm-24.11.6-bookworm-amd64');
  const cuda = filesOf('slurm-24.11.6-bookworm-amd64-cuda');
  expect(plain).toHaveLength(9);
  expect(plain.every((name) => name.startsWith('slurm-24.11.6-bookworm-amd64-'))).toBe(true);
  expect(new Set([...plain, ...cuda]).size).toBe(18);
});
