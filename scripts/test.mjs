// Runs all tests and closes with their count: `node scripts/test.mjs [unit|e2e]`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const suites = { unit: 'jest.config.js', e2e: 'jest.config.e2e.js' };
const [wanted, ...rest] = process.argv.slice(2);
const chosen = wanted === undefined ? Object.keys(suites) : [wanted];
const reports = mkdtempSync(join(tmpdir(), 'slurm-factory-tests-'));
const count = { passed: 0, failed: 0, skipped: 0 };

for (const suite of chosen) {
  const report = join(reports, `${suite}.json`);
  const done = spawnSync(
    process.execPath,
    [
      '--experimental-vm-modules',
      '--no-warnings',
      join(root, 'node_modules/jest/bin/jest.js'),
      '--config',
      suites[suite],
      '--json',
      '--outputFile',
      report,
      '--verbose',
      ...rest,
    ],
    { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  try {
    const result = JSON.parse(readFileSync(report, 'utf8'));
    count.passed += result.numPassedTests;
    count.failed += result.numFailedTests + result.numRuntimeErrorTestSuites;
    count.skipped += result.numPendingTests + result.numTodoTests;
  } catch {
    // jest itself died: that is a failure, whatever it had counted.
    count.failed += 1;
  }
  if (done.status !== 0 && count.failed === 0) count.failed += 1;
}
rmSync(reports, { recursive: true });
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
process.exit(count.failed === 0 && count.passed > 0 ? 0 : 1);
