import { z } from 'zod';
import { BuildError, exitCodes } from '../base/errors.js';
import { parseJson } from '../base/json.js';
import { formatJunit } from '../base/junit.js';

const checkSchema = z.object({
  check: z.string().min(1),
  status: z.enum(['passed', 'failed', 'skipped']),
  seconds: z.number().nonnegative(),
  /** What the check saw: one line, or the last lines of the logs where it failed. */
  detail: z.string(),
});

/** One check of the smoke test. */
export interface SmokeCheck {
  readonly name: string;
  readonly status: 'passed' | 'failed' | 'skipped';
  readonly seconds: number;
  readonly detail: string;
}

/** What the smoke test of a target came to. */
export interface SmokeReport {
  /** Identifier of the target. */
  readonly target: string;
  /** Where it was installed, within the container. */
  readonly prefix: string;
  readonly checks: readonly SmokeCheck[];
}

/** A tarball that does not work. It still carries the whole report. */
export class SmokeError extends BuildError {
  override readonly name: string = 'SmokeError';
  override readonly exitCode = exitCodes.package;
  constructor(readonly report: SmokeReport) {
    const failed = report.checks.filter((check) => check.status === 'failed');
    super(
      [
        `${report.target} failed ${failed.length} of ${report.checks.length} checks of the smoke test:`,
        ...failed.map((check) => `${check.name}: ${gist(check.detail)}`),
      ].join('\n'),
      'The tarballs do not work on a cluster. Read what the checks say in the log above.',
    );
  }
}

/** Reads one line of the smoke script; undefined for any other line. */
export function parseCheck(line: string): SmokeCheck | undefined {
  const parsed = checkSchema.safeParse(parseJson(line));
  if (!parsed.success) return undefined;
  const { check, ...rest } = parsed.data;
  return { name: check, ...rest };
}

/**
 * The results in the order of the plan. A check that was promised and reported nothing has failed: a test
 * that ends early must not pass.
 */
export function completeChecks(
  promised: readonly string[],
  reported: readonly SmokeCheck[],
  ended: string,
): SmokeCheck[] {
  return promised.map(
    (name) =>
      reported.find((check) => check.name === name) ?? {
        name,
        status: 'failed',
        seconds: 0,
        detail: `The check reported nothing; the container ended with ${ended}.`,
      },
  );
}

/** The report as JUnit XML: one test suite, one test case a check. */
export const smokeJunit = ({ target, prefix, checks }: SmokeReport): string =>
  formatJunit({
    name: 'slurm-factory smoke',
    suites: [{ name: target, properties: { prefix }, cases: checks }],
  });

/** Rows for people to read: name, outcome, time, and what a check that did not pass says. */
export function checkRows(report: SmokeReport): [string, string, string, string][] {
  return report.checks.map(({ name, status, seconds, detail }) => [
    name,
    status,
    `${seconds.toFixed(2)} s`,
    status === 'passed' ? '' : lastLines(detail, 1),
  ]);
}

/** A check's own last line, and the last two of the daemon that comes first behind it. */
function gist(detail: string): string {
  const [own = '', daemon = ''] = detail.split(/^--- last lines of .*$/m);
  return [lastLines(own, 1), ...(daemon === '' ? [] : [lastLines(daemon, 2)])].join('\n');
}

function lastLines(text: string, count: number): string {
  return text.trim().split('\n').slice(-count).join('\n');
}
