import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { copyResults, findResults } from '../../../src/publish/gather.js';
import { readFiles, temporaryFolder } from '../../support/fakes.js';

const target = 'slurm-24.11.6-glibc2.34-amd64';

describe('results', () => {
  test('are found wherever artifacts lie, and nothing else', async () => {
    const root = await temporaryFolder({
      [`${target}-SHA256SUMS`]: 'x',
      [`a/${target}-software.tar.gz`]: 'x',
      [`a/b/${target}-manifest.json`]: 'x',
      [`a/b/c/${target}-install.sh`]: 'too deep',
      [`release/${target}-modules.tar.gz`]: 'what was published before',
      'build.log': 'x',
    });
    const found = await findResults(root, [join(root, 'release')]);
    expect(found.failed).toEqual([]);
    expect(Object.fromEntries(found.paths)).toEqual({
      [`${target}-SHA256SUMS`]: `${target}-SHA256SUMS`,
      [`${target}-software.tar.gz`]: `a/${target}-software.tar.gz`,
      [`${target}-manifest.json`]: `a/b/${target}-manifest.json`,
    });
    const copy = await temporaryFolder();
    await copyResults(root, found, copy);
    expect(Object.keys(await readFiles(copy)).sort()).toEqual([...found.paths.keys()].sort());
  });

  test('that are there twice are an error that names both places', async () => {
    const root = await temporaryFolder({
      [`a/${target}-SHA256SUMS`]: 'x',
      [`b/${target}-SHA256SUMS`]: 'x',
      [`a/${target}-software.tar.gz`]: 'x',
      [`b/${target}-software.tar.gz`]: 'y',
    });
    await expect(findResults(root)).rejects.toThrow(`${target} is there twice: in a, b`);
  });

  test('that a smoke test has refused are no results, though its report is there', async () => {
    const other = `${target}-cuda`;
    const root = await temporaryFolder({
      [`a/${target}-SHA256SUMS`]: 'x',
      [`a/${target}-smoke.xml`]: 'x',
      [`b/${other}-smoke.xml`]: 'x',
    });
    const { paths, failed } = await findResults(root);
    expect(failed).toEqual([other]);
    expect([...paths.keys()].sort()).toEqual([`${target}-SHA256SUMS`, `${target}-smoke.xml`]);
    const alone = await temporaryFolder({ [`${other}-smoke.xml`]: 'x' });
    await expect(findResults(alone)).rejects.toThrow('has no results');
  });

  test('that are nowhere are an error', async () => {
    await expect(findResults(await temporaryFolder({ 'x.txt': '' }))).rejects.toThrow('has no results');
  });
});
