import { InputError, type Problem } from '../base/errors.js';
import { type InputValues, inputsOfAction } from './inputs.js';
import { type Layer, settle } from './layers.js';
import { readAll, unknownNames } from './resolve.js';
import { noCatalog } from './settings.js';

/** Inputs of `publish`, checked and typed; those without a value are undefined. */
export interface PublishOptions
  extends Pick<
    InputValues,
    | 'results'
    | 'plan'
    | 'allowMissing'
    | 'releaseDir'
    | 'pagesDir'
    | 'tag'
    | 'title'
    | 'repository'
    | 'downloadUrl'
    | 'previous'
    | 'publicKey'
  > {
  readonly signing: { readonly privateKey: string; readonly passphrase: string } | undefined;
  readonly token: string | undefined;
}

/**
 * Checks and types the inputs of `publish`; every wrong one is reported, not only the first.
 * @throws InputError with all problems
 */
export function resolvePublish(layers: readonly Layer[]): PublishOptions {
  const settled = new Map(inputsOfAction('publish').map((name) => [name, settle(layers, name)]));
  const problems: Problem[] = layers.flatMap((layer) => [...(layer.problems ?? []), ...unknownNames(layer)]);
  const { gpgPrivateKey, gpgPassphrase, githubToken, ...values } = readAll(settled, noCatalog, problems);
  if (gpgPassphrase !== undefined && settled.get('gpg-private-key')?.text === '') {
    problems.push({ input: 'gpg-passphrase', message: 'there is no gpg-private-key for it.' });
  }
  if (settled.get('tag')?.text !== '') problems.push(...githubProblems(settled));
  else if (values.pagesDir !== undefined && settled.get('download-url')?.text === '') {
    const message = 'the page has to say where the files are: give a tag, or download-url.';
    problems.push({ input: 'pages-dir', message });
  }
  if (problems.length > 0) throw new InputError(problems);
  return {
    ...values,
    token: githubToken,
    signing:
      gpgPrivateKey === undefined
        ? undefined
        : { privateKey: gpgPrivateKey, passphrase: gpgPassphrase ?? '' },
  };
}

const githubProblems = (settled: ReadonlyMap<string, { readonly text: string }>): Problem[] =>
  (['repository', 'github-token'] as const)
    .filter((name) => settled.get(name)?.text === '')
    .map((input) => ({ input, message: 'a release on GitHub needs it. Give it, or leave out tag.' }));
