import { type FeatureChoice, parseChoice } from '../targets/feature-choice.js';
import type { Kind } from './kinds.js';

/** How the inputs of a plan are read: lists of names, selectors, and what runs a leg. */

const string = { type: 'string' } as const;
const textOrList = { type: ['string', 'array'], items: string } as const;

const wordsOf = (text: string): string[] => text.split(/[\s,]+/).filter((word) => word !== '');

/** Names, `*` and `?` in them standing for any part, with white space or commas between; which there are the plan finds. */
export const nameList: Kind<readonly string[]> = {
  read: (text) => ({ value: wordsOf(text) }),
  placeholder: 'names',
  metadata: string,
  schema: textOrList,
  list: true,
};

/** Choices of features: one a line, or with `;` between; one that begins without a sign begins a new one as well. */
export const featureList: Kind<readonly FeatureChoice[]> = {
  read: (text, { variants }) => {
    const choices = text
      .split(/[;\n]+|\s+(?![+-])/)
      .filter((word) => word.trim() !== '')
      .map((word) => parseChoice(word, variants));
    const problems = choices.flatMap((choice) => (Array.isArray(choice) ? choice : []));
    return problems.length > 0
      ? { problem: problems.join(' ') }
      : { value: choices.filter((choice): choice is FeatureChoice => !Array.isArray(choice)) };
  },
  placeholder: 'features',
  metadata: string,
  schema: textOrList,
  list: true,
};

/** Selectors of legs with white space between: `*-noble-*`, or conditions such as `toolchain=noble,gpu=cuda`. */
export const selectorList: Kind<readonly string[]> = {
  read: (text) => ({ value: text.split(/\s+/).filter((word) => word !== '') }),
  placeholder: 'selectors',
  metadata: string,
  schema: { type: ['string', 'array'], items: { type: ['string', 'object'] } },
  list: true,
  mapping: 'item',
};

/** Who runs which legs. */
export interface LabelRule {
  /** An architecture, a kind of GPU or a selector; `*` for all legs. */
  readonly selector: string;
  readonly labels: readonly string[];
}

// What GitHub takes for a label or the name of a group; nothing of it is a shell's.
const label = /^[A-Za-z0-9][A-Za-z0-9._/-]*$/;

/** `arm64=ubuntu-24.04-arm cuda=self-hosted+gpu`; labels alone are those of all legs. */
export const labelRules: Kind<readonly LabelRule[]> = {
  read: (text) => {
    const words = text.split(/\s+/).filter((word) => word !== '');
    const rules = words.map((word): LabelRule => {
      const [, selector = '*', labels = ''] = /^(?:(.*)=)?([^=]*)$/s.exec(word) ?? [];
      return { selector, labels: labels.split('+') };
    });
    const wrong = words.filter((_, index) => !rules[index]?.labels.every((name) => label.test(name)));
    return wrong.length > 0
      ? { problem: `'${wrong[0]}' is not such as ubuntu-24.04 or arm64=ubuntu-24.04-arm.` }
      : { value: rules };
  },
  placeholder: 'labels',
  metadata: string,
  schema: { type: ['string', 'object'], additionalProperties: { type: ['string', 'array'], items: string } },
  mapping: 'whole',
};
