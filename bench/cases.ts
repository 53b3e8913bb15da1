// What can be measured, in the order in which it is.

export const caseNames = [
  'startup',
  'cold',
  'nothing',
  'packaging',
  'system',
  'cuda',
  'patch',
  'caches',
  'install',
  'bare',
  'worth',
  'plain',
];

/** Cases that use what the cold build left: its caches, its files or its configure arguments. */
export const afterCold = [
  'nothing',
  'packaging',
  'system',
  'cuda',
  'patch',
  'caches',
  'install',
  'bare',
  'worth',
];

/**
 * The cases to run, in order; `cold` comes along where another one starts from it.
 * @param text names with commas between them; all cases when left out
 */
export function selectCases(text) {
  const wanted = (text ?? caseNames.join(',')).split(',').map((name) => name.trim());
  const unknown = wanted.filter((name) => !caseNames.includes(name));
  if (unknown.length > 0) {
    throw new Error(`--cases: there is no '${unknown.join("', '")}'; there are ${caseNames.join(', ')}`);
  }
  const cold = wanted.some((name) => afterCold.includes(name));
  return caseNames.filter((name) => wanted.includes(name) || (cold && name === 'cold'));
}
