import type { Variant } from '../targets/features.js';
import { isGpuVariant } from '../targets/gpus.js';
import { isAddress } from '../targets/source.js';
import { joinSpecs, nameOf, specWordsIn, variantsIn } from '../targets/spec-words.js';
import { isRepository, type Kind, string, withoutLogin, wordsIn } from './kinds.js';

/* How the inputs in Spack's own words are read. */

/** What a spec of Slurm says besides ours. Its first word may be Slurm's name. */
export const specWords: Kind<readonly string[]> = {
  read: (given, { variants }) => {
    const found = specWordsIn(given);
    if (typeof found === 'string') return { problem: `'${given}': ${found}` };
    const words = found[0] === 'slurm' ? found.slice(1) : found;
    const problems = words.flatMap((word) => notInSpec(word)).concat(ofInputs(variantsIn(words), variants));
    return problems.length > 0 ? { problem: problems.join(' ') } : { value: words };
  },
  placeholder: 'spec',
  metadata: string,
  schema: string,
};

function notInSpec(word: string): string[] {
  if (word.startsWith('@')) return [`'${word}' is a version; that is slurm-version.`];
  if (word.startsWith('/')) return [`'${word}' is a hash; a lock is given by spack-lock.`];
  return /^[A-Za-z0-9][A-Za-z0-9_.-]*(?:[@%+~^]|$)/.test(word) && !word.includes('=')
    ? [
        `'${word}' is another package; what is built beside Slurm stands in packages, what Slurm needs behind '^'.`,
      ]
    : [];
}

/** What a spec can't say since an input does. */
function ofInputs(names: readonly string[], variants: readonly Variant[]): string[] {
  return names.flatMap((name) => {
    if (variants.some(({ variant }) => variant === name)) return [`${name} is switched by features.`];
    if (name === 'debug' || isGpuVariant(name))
      return [`${name} is switched by ${name === 'debug' ? name : 'gpu'}.`];
    return [];
  });
}

/** Whole specs of packages beside Slurm. */
export const specs: Kind<readonly string[]> = {
  read: (given) => {
    const found = specWordsIn(given);
    const joined = typeof found === 'string' ? found : joinSpecs(found);
    if (typeof joined === 'string') return { problem: `'${given}': ${joined}` };
    const problem = "slurm is built in any case; what its spec says is in 'spec'.";
    return joined.some((spec) => nameOf(spec) === 'slurm') ? { problem } : { value: joined };
  },
  placeholder: 'specs',
  metadata: string,
  schema: { type: ['string', 'array'], items: string },
  list: true,
};

/** A git repository at a commit: its address, and all digits of the commit. */
export const repositoryAtCommit = (word: string): { url: string; commit: string } | undefined => {
  const [, url = '', commit = ''] = /^(.+)@([0-9a-f]{40})$/.exec(word) ?? [];
  return isAddress(url) && isRepository(url) ? { url, commit } : undefined;
};

/** Repositories of recipes. */
export const repositories: Kind<readonly string[]> = {
  read: (given) => {
    const found = wordsIn(given);
    const wrong = found.filter((word) => isAddress(word) && repositoryAtCommit(word) === undefined);
    if (wrong.length === 0) return { value: found };
    const told = wrong.map((word) => `'${withoutLogin(word)}'`).join(', ');
    const right =
      'an address begins with https://, has no login, and @ and all 40 digits of a commit behind it';
    return { problem: `${told}: ${right}.` };
  },
  placeholder: 'repositories',
  metadata: string,
  schema: { type: ['string', 'array'], items: string },
  completes: 'folder',
  list: true,
};
