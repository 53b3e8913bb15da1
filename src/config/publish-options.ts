import { InputError, type Problem } from '../base/errors.js';
import type { InputValues } from './inputs.js';
import { type Layer, settleAll } from './layers.js';
import { readAll, unknownNames } from './resolve.js';
import { noCatalog } from './settings.js';

/** Inputs of `publish`, checked and typed; those without a value are undefined. */
export interface PublishOptions
  extends Omit<InputValues<'publish'>, 'gpgPrivateKey' | 'gpgPassphrase' | 'githubToken'> {
  readonly signing: { readonly privateKey: string; readonly passphrase: string } | undefined;
  readonly token: string | undefined;
}

/**
 * Checks and types the inputs of `publish`; every wrong one is reported, not only the first.
 * @throws InputError with all problems
 */
export function resolvePublish(layers: readonly Layer[]): PublishOptions {
  const settled = settleAll(layers);
  const problems: Problem[] = layers.flatMap((layer) => [...(layer.problems ?? []), ...unknownNames(layer)]);
  const { gpgPrivateKey, gpgPassphrase, githubToken, ...values } = readAll(
    'publish',
    settled,
    noCatalog,
    problems,
  );
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

const githubProblems = (settled: ReturnType<typeof settleAll>): Problem[] =>
  (['repository', 'github-token'] as const)
    .filter((name) => settled.get(name)?.text === '')
    .map((input) => ({ input, message: 'a release on GitHub needs it. Give it, or leave out tag.' }));
