import { visible } from '../base/text.js';
import type { Expectation } from './expectation.js';
import { type Rule, rules } from './rules.js';
import type { Breach, Tree } from './tree.js';

/** A broken rule: where, what, and what to do. */
export interface Finding extends Breach {
  readonly rule: Rule['id'];
  readonly remedy: string;
}

/** Judges a tarball's tree by all rules. Of a damaged archive nothing else is worth saying. */
export function auditTree(tree: Tree, expectation: Expectation): Finding[] {
  const applied = tree.damage === null ? rules : rules.slice(0, 1);
  return applied.flatMap(({ id, remedy, check }) =>
    check(tree, expectation).map(({ file, detail }) => ({
      rule: id,
      file: shown(file),
      detail: shown(detail),
      remedy,
    })),
  );
}

/** Characters of a finding's text; a line that people can take in. */
const longestText = 2000;

// Names and all else may come from a tarball that somebody made up.
function shown(text: string): string {
  const seen = visible(text);
  return seen.length <= longestText ? seen : `${seen.slice(0, longestText)}…`;
}
