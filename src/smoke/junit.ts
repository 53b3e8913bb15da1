import type { SmokeCheck, SmokeReport } from './report.js';

/** The report as JUnit XML: one test suite, one test case a check. */
export function formatJunit(report: SmokeReport): string {
  const { checks, target } = report;
  const count = (status: SmokeCheck['status']) => checks.filter((check) => check.status === status).length;
  const counts = {
    tests: String(checks.length),
    failures: String(count('failed')),
    errors: '0',
    skipped: String(count('skipped')),
    time: seconds(checks.reduce((sum, check) => sum + check.seconds, 0)),
  };
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name: 'slurm-factory smoke', ...counts })}>`,
    `  <testsuite${attributes({ name: target, ...counts })}>`,
    `    <properties><property${attributes({ name: 'prefix', value: report.prefix })}/></properties>`,
    ...checks.map((check) => testCase(target, check)),
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function testCase(target: string, check: SmokeCheck): string {
  const start = `    <testcase${attributes({ classname: target, name: check.name, time: seconds(check.seconds) })}>`;
  return `${start}${outcome(check)}</testcase>`;
}

function outcome({ status, detail }: SmokeCheck): string {
  switch (status) {
    case 'passed':
      return detail === '' ? '' : `<system-out>${escapeXml(detail)}</system-out>`;
    case 'skipped':
      return `<skipped${attributes({ message: detail })}/>`;
    case 'failed':
      return `<failure${attributes({ message: detail.split('\n')[0] ?? '' })}>${escapeXml(detail)}</failure>`;
  }
}

const seconds = (value: number): string => value.toFixed(3);

const attributes = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .map(([name, value]) => ` ${name}="${escapeXml(value).replaceAll('\n', '&#10;')}"`)
    .join('');

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Escapes text for XML 1.0, which has no place at all for most control characters: they become `?`. */
export function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '?')
    .replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
