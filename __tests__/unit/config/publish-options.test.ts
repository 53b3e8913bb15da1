import { describe, expect, test } from '@jest/globals';
import { InputError } from '../../../src/base/errors.js';
import type { RawInputs } from '../../../src/config/inputs.js';
import { resolvePublish } from '../../../src/config/publish-options.js';
import { asInputs } from '../../support/build.js';

const options = (values: RawInputs = {}) => resolvePublish([asInputs(values)]);

function problemsOf(values: Record<string, string>): Record<string, string> {
  try {
    options(values as RawInputs);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return Object.fromEntries(error.problems.map(({ input, message }) => [input, message]));
  }
  return {};
}

test('nothing but defaults', () => {
  expect(options()).toEqual({
    ...{ results: undefined, plan: undefined, allowMissing: false, releaseDir: 'slurm-factory-release' },
    ...{ pagesDir: undefined, tag: undefined, title: undefined, repository: undefined },
    ...{ downloadUrl: undefined, previous: undefined, publicKey: undefined, signing: undefined },
    token: undefined,
  });
});

test('a release on GitHub', () => {
  const github = { tag: 'v1.2', repository: 'site/slurm', 'github-token': 'ghs_1' };
  expect(options({ ...github, 'allow-missing': 'true', 'gpg-private-key': 'k' })).toMatchObject({
    ...{ tag: 'v1.2', repository: 'site/slurm', token: 'ghs_1', allowMissing: true },
    signing: { privateKey: 'k', passphrase: '' },
  });
});

describe('all that is wrong is told at once', () => {
  test('of each input', () => {
    const wrong = problemsOf({
      ...{
        tag: '../x',
        repository: 'site',
        'allow-missing': 'yes',
        'download-url': 'https://user:secret@host',
      },
      ...{ 'gpg-passphrase': 'p', tga: 'v1' },
    });
    expect(Object.keys(wrong).sort()).toEqual(
      ['allow-missing', 'download-url', 'gpg-passphrase', 'repository', 'tag', 'tga', 'github-token'].sort(),
    );
    expect(wrong['tga']).toContain("Did you mean 'tag'?");
  });

  test('a tag needs a repository and a token', () => {
    expect(problemsOf({ tag: 'v1' })).toEqual({
      repository: 'a release on GitHub needs it. Give it, or leave out tag.',
      'github-token': 'a release on GitHub needs it. Give it, or leave out tag.',
    });
  });

  test('a page by itself has to know where the files are', () => {
    expect(Object.keys(problemsOf({ 'pages-dir': 'site' }))).toEqual(['pages-dir']);
    expect(problemsOf({ 'pages-dir': 'site', 'download-url': 'https://host.test/x' })).toEqual({});
  });
});
