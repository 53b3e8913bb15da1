// What becomes of Jest's reports: the count that scripts/test.mjs closes with.
import { relative } from 'node:path';

/**
 * The tests of one report of `jest --json`.
 * @param {number | null} exitCode Jest's
 * @returns {{passed: number, failed: number, skipped: string[]}} the skipped ones by file and name
 */
export function tally(report, exitCode, root) {
  const skipped = report.testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => ['pending', 'skipped', 'todo', 'disabled'].includes(status))
      .map(({ fullName }) => `${relative(root, name)}: ${fullName}`),
  );
  const failed = report.numFailedTests + report.numRuntimeErrorTestSuites;
  // Jest can end badly with no test to blame.
  return { passed: report.numPassedTests, failed: exitCode !== 0 && failed === 0 ? 1 : failed, skipped };
}

/**
 * The end of a run: skipped tests by name, then the count.
 * @param {boolean} noSkip a skipped test counts as one that failed
 */
export function endOf({ passed, failed, skipped }, noSkip) {
  const names = skipped.map((name) => `${noSkip ? 'FAIL, skipped' : 'skipped'}: ${name}`);
  const counted = noSkip
    ? { failed: failed + skipped.length, skipped: 0 }
    : { failed, skipped: skipped.length };
  return {
    lines: [...names, `${passed} passed, ${counted.failed} failed, ${counted.skipped} skipped`],
    exitCode: counted.failed === 0 && passed > 0 ? 0 : 1,
  };
}
