import { expect, test } from '@jest/globals';
import { isLoopback, parseBuildCache } from '../../../src/targets/build-cache.js';

test.each([
  ['oci://ghcr.io/site/slurm-cache', { kind: 'oci', url: 'oci://ghcr.io/site/slurm-cache' }],
  // Owners and repositories of GitHub have capitals, names of images have none.
  ['oci://ghcr.io/Site/Slurm.Cache/', { kind: 'oci', url: 'oci://ghcr.io/site/slurm.cache' }],
  ['oci+http://localhost:5000/a/b__c', { kind: 'oci', url: 'oci+http://localhost:5000/a/b__c' }],
  ['s3://my.bucket', { kind: 's3', url: 's3://my.bucket' }],
  ['s3://bucket/Some/prefix_1/', { kind: 's3', url: 's3://bucket/Some/prefix_1' }],
  ['file:///mnt/a b', { kind: 'file', path: '/mnt/a b' }],
  ['../cache', { kind: 'file', path: '../cache' }],
  ['/', { kind: 'file', path: '/' }],
])('%s is a build cache', (text, expected) => {
  expect(parseBuildCache(text)).toEqual(expected);
});

test.each([
  'oci://ghcr.io',
  'oci://ghcr.io/site/cache:latest',
  'oci://user:password@ghcr.io/site/cache',
  'oci://ghcr.io/site//cache',
  'oci://ghcr.io/site/$(id)',
  's3://user:password@bucket/prefix',
  's3://-bucket',
  's3://bucket/../other',
  'file://host/folder',
  'gs://bucket/prefix',
  'https://binaries.spack.io/develop',
  'a\nb',
])('%j is none', (text) => {
  expect(parseBuildCache(text)).toBeUndefined();
});

test.each([
  ['oci+http://localhost:5000/x', true],
  ['http://127.0.0.1:9000', true],
  ['http://[::1]:9000/', true],
  ['https://s3.localhost', true],
  ['oci://localhost.example.org/x', false],
  ['http://1270.0.0.1', false],
  ['oci://ghcr.io/localhost', false],
])('whether %s is this machine: %s', (address, expected) => {
  expect(isLoopback(address)).toBe(expected);
});
