import { nearest, unknownValue } from '../base/suggest.js';
import { type FeatureChoice, parseChoice } from '../targets/feature-choice.js';
import { featureSets } from '../targets/feature-sets.js';
import type { Variant } from '../targets/features.js';
import { archiveEnds, isAddress, type VersionRequest } from '../targets/source.js';
import { parseSize, sizeForms } from './size.js';

/** What there is to choose from, as the project's files say. */
export interface Catalog {
  readonly toolchains: readonly string[];
  /** Variants of the recipe that can be switched. */
  readonly variants: readonly Variant[];
  /** What a request for a version means, or a sentence that says what there is. */
  readonly resolveVersion: (request: string) => VersionRequest | string;
}

/** What a text was read as; a problem is a sentence that says what is wrong and what would be right. */
export type Reading<T> = { readonly value: T } | { readonly problem: string };

/** Type of an input as `action-types.yml` knows them. */
export type MetadataType =
  | { readonly type: 'string' | 'boolean' | 'integer' }
  | { readonly type: 'enum'; readonly 'allowed-values': readonly string[] };

/** How the text of an input becomes a value, and what metadata, schema and completion say of that. */
export interface Kind<T> {
  /** @param text without white space around it, never empty */
  readonly read: (text: string, catalog: Catalog) => Reading<T>;
  /** Name of the value in a help text. */
  readonly placeholder: string;
  readonly metadata: MetadataType;
  /** JSON Schema of the value in a configuration file. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** The words that can be given, where they are known beforehand. */
  readonly words?: readonly string[];
  /** Of what a shell completes the value, where it is not a list of words. */
  readonly completes?: 'file' | 'folder' | 'toolchain' | 'release';
  /** What an option means without a value, and with `no-` before its name. */
  readonly toggle?: { readonly on: string; readonly off: string };
  /** In a configuration file it may be a list of texts. */
  readonly list?: true;
  /** There a mapping may stand for an item of that list, or for the whole: `name=value` words. */
  readonly mapping?: 'item' | 'whole';
  /** Its value may stand in no argument, log or file. */
  readonly secret?: true;
}

export const string = { type: 'string' } as const;

/** A text of a certain form; `what` names it with its article. */
export const text = (pattern: RegExp, what: string): Kind<string> => ({
  read: (value) => (pattern.test(value) ? { value } : { problem: `'${value}' is not ${what}.` }),
  placeholder: 'value',
  metadata: string,
  schema: string,
});

/** An address of a server, without a login. */
export const serverAddress = /^https?:\/\/[A-Za-z0-9.:[\]-]+(?:\/[A-Za-z0-9._~/+%-]*)?$/;

/** An address of a server, or `off`. A login in it would stand in arguments and files. */
export const addressOrOff: Kind<string> = {
  read: (value) => {
    if (value === 'off') return { value };
    const problem = `'${value}' is neither off nor an address that begins with http:// or https:// and has no login.`;
    return serverAddress.test(value) ? { value: value.replace(/\/+$/, '') } : { problem };
  },
  placeholder: 'address',
  metadata: string,
  schema: string,
};

/** A path, taken as it is. */
export const path = (completes: 'file' | 'folder'): Kind<string> => ({
  read: (value) => ({ value }),
  placeholder: completes,
  metadata: string,
  schema: string,
  completes,
});

/** One of a few words. */
export function choice<T extends string>(
  what: string,
  values: readonly T[],
  more: {
    /** Other words that are taken, and what they mean. */
    readonly synonyms?: Readonly<Record<string, NoInfer<T>>>;
    /** Words that are not taken, and what their users most likely mean. */
    readonly meant?: Readonly<Record<string, NoInfer<T>>>;
    readonly toggle?: { readonly on: NoInfer<T>; readonly off: NoInfer<T> };
  } = {},
): Kind<T> {
  const { synonyms = {}, meant = {}, toggle } = more;
  const words = [...values, ...Object.keys(synonyms)];
  const read = (word: string): Reading<T> => {
    const value = own(synonyms, word) ?? values.find((known) => known === word);
    if (value !== undefined) return { value };
    const guess = own(meant, word.toLowerCase());
    if (guess === undefined) return { problem: unknownValue(what, word, words) };
    return { problem: `'${word}' is not a known ${what}. Did you mean '${guess}'?` };
  };
  return {
    read,
    placeholder: 'value',
    metadata: { type: 'enum', 'allowed-values': words },
    // YAML reads a plain true as a boolean.
    schema: {
      enum: words.flatMap((word): (string | boolean)[] =>
        isBoolean(word) ? [word, word === 'true'] : [word],
      ),
    },
    words,
    ...(toggle === undefined ? {} : { toggle }),
  };
}

const booleans = ['true', 'false'] as const;
const isBoolean = (word: string): word is (typeof booleans)[number] =>
  booleans.some((known) => known === word);
const meantBoolean: Readonly<Record<string, string>> = {
  ...{ yes: 'true', on: 'true', '1': 'true' },
  ...{ no: 'false', off: 'false', '0': 'false' },
};

export const boolean: Kind<boolean> = {
  read: (word) => {
    if (isBoolean(word)) return { value: word === 'true' };
    const near = own(meantBoolean, word.toLowerCase()) ?? nearest(word, booleans);
    const hint = near === undefined ? '' : ` Did you mean '${near}'?`;
    return { problem: `must be true or false, not '${word}'.${hint}` };
  },
  placeholder: 'value',
  metadata: { type: 'boolean' },
  schema: { type: 'boolean' },
  words: booleans,
  toggle: { on: 'true', off: 'false' },
};

/** A whole number from 1 to `most`. */
export const whole = (most: number): Kind<number> => ({
  read: (digits) =>
    /^[1-9]\d*$/.test(digits) && Number(digits) <= most
      ? { value: Number(digits) }
      : { problem: `'${digits}' is not a whole number from 1 to ${most}.` },
  placeholder: 'number',
  metadata: { type: 'integer' },
  schema: { type: 'integer', minimum: 1, maximum: most },
});

/** A number of something, with a part of one. */
export const count: Kind<number> = {
  read: (digits) =>
    /^\d{1,4}(?:\.\d{1,3})?$/.test(digits) && Number(digits) > 0
      ? { value: Number(digits) }
      : { problem: `'${digits}' is not a number such as 8 or 2.5.` },
  placeholder: 'number',
  metadata: string,
  schema: { type: ['number', 'string'] },
};

/** Bytes. */
export const size: Kind<number> = {
  read: (given) => {
    const value = parseSize(given);
    return value === undefined ? { problem: `'${given}' is not ${sizeForms}.` } : { value };
  },
  placeholder: 'size',
  metadata: string,
  schema: { type: ['string', 'integer'], minimum: 0 },
};

/** Bytes, so many at least; `least` in words, as a user would write it. */
export const sizeFrom = (least: string): Kind<number> => ({
  ...size,
  read: (given, catalog) => {
    const reading = size.read(given, catalog);
    const tooFew = 'value' in reading && reading.value < (parseSize(least) ?? 0);
    return tooFew ? { problem: `'${given}' is less than ${least}.` } : reading;
  },
});

/**
 * A secret; no message repeats it.
 * @param least characters that it must have
 * @param remedy how to make a longer one, a clause
 */
export const secret = (least = 1, remedy = ''): Kind<string> => ({
  read: (value) =>
    value.length < least ? { problem: `it has fewer than ${least} characters; ${remedy}.` } : { value },
  placeholder: 'file',
  metadata: string,
  schema: string,
  completes: 'file',
  secret: true,
});

/** One of the toolchains of the project. */
export const toolchain: Kind<string> = {
  read: (value, { toolchains }) =>
    toolchains.includes(value) ? { value } : { problem: unknownValue('toolchain', value, toolchains) },
  placeholder: 'id',
  metadata: string,
  schema: string,
  completes: 'toolchain',
};

/** Features of Slurm: a set, and what it has more or less. */
export const features: Kind<FeatureChoice> = {
  read: (given, { variants }) => {
    const choice = parseChoice(given, variants);
    return Array.isArray(choice) ? { problem: choice.join(' ') } : { value: choice };
  },
  placeholder: 'features',
  metadata: string,
  schema: string,
  words: featureSets,
};

/** What is built: a release of Slurm, a commit or an archive. */
export const version: Kind<VersionRequest> = {
  read: (request, catalog) => {
    const found = catalog.resolveVersion(request);
    return typeof found === 'string' ? { problem: `${found}${yamlHint(request)}` } : { value: found };
  },
  placeholder: 'release',
  metadata: string,
  schema: {
    type: 'string',
    pattern: `^(latest|\\d+\\.\\d+(\\.\\d+)?|[0-9a-f]{40}|.+(${archiveEnds.join('|').replaceAll('.', '\\.')}))$`,
  },
  completes: 'release',
};

/** Whether a text is a git repository's address, without a login, or the path of a folder. */
export const isRepository = (text: string): boolean =>
  isAddress(text)
    ? /^https:\/\/[A-Za-z0-9.:[\]-]+\/[A-Za-z0-9._~/+%-]+$/.test(text) || /^file:\/\/\/[^\0\n]+$/i.test(text)
    : !/^-|[\0\n]|^[^/]+@[^/]+:/.test(text);

/** A git repository. */
export const repository: Kind<string> = {
  read: (value) =>
    isRepository(value)
      ? { value }
      : {
          problem: `'${withoutLogin(value)}' is neither an address that begins with https:// and has no login, nor a folder.`,
        },
  placeholder: 'repository',
  metadata: string,
  schema: string,
  completes: 'folder',
};

export const withoutLogin = (address: string): string => address.replace(/\/\/[^/@]*@/, '//');

/** Paths with white space between them. */
export const paths: Kind<readonly string[]> = {
  read: (value) => ({ value: wordsIn(value) }),
  placeholder: 'files',
  metadata: string,
  schema: { type: ['string', 'array'], items: string },
  completes: 'file',
  list: true,
};

/** Names with white space between them. */
export const names: Kind<readonly string[]> = {
  read: (value) => ({ value: wordsIn(value) }),
  placeholder: 'names',
  metadata: string,
  schema: string,
};

/** The words of a text. */
export const wordsIn = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

// Series are a year and a month of two digits, so one digit is most likely what YAML left of two.
const yamlHint = (request: string): string =>
  /^\d+\.\d$/.test(request)
    ? ` A series has two digits behind the point. Without quotes YAML reads ${request}0 as ${request}, so put the release in quotes.`
    : '';

const own = <T>(words: Readonly<Record<string, T>>, word: string): T | undefined =>
  Object.hasOwn(words, word) ? words[word] : undefined;
