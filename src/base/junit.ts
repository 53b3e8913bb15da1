/** A report of checks or steps as JUnit XML, which CI services show. */
export interface JunitReport {
  readonly name: string;
  readonly suites: readonly JunitSuite[];
  /** How long all of it took, where that is not the sum of the suites. */
  readonly seconds?: number;
}

export interface JunitSuite {
  readonly name: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly cases: readonly JunitCase[];
}

export interface JunitCase {
  readonly name: string;
  readonly status: 'passed' | 'failed' | 'skipped';
  readonly seconds: number;
  /** What it says; of one that failed, the first line is the message. */
  readonly detail: string;
}

/** The report's text; a case has its suite's name as its class. */
export function formatJunit({ name, suites, seconds: took }: JunitReport): string {
  const all = suites.flatMap(({ cases }) => cases);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name, ...countsOf(all, took) })}>`,
    ...suites.flatMap(suiteLines),
    '</testsuites>',
    '',
  ].join('\n');
}

function suiteLines({ name, properties, cases }: JunitSuite): string[] {
  const facts = Object.entries(properties).map(
    ([property, value]) => `<property${attributes({ name: property, value })}/>`,
  );
  return [
    `  <testsuite${attributes({ name, ...countsOf(cases) })}>`,
    `    <properties>${facts.join('')}</properties>`,
    ...cases.map((one) => testCase(name, one)),
    '  </testsuite>',
  ];
}

function countsOf(cases: readonly JunitCase[], took?: number): Record<string, string> {
  const count = (status: JunitCase['status']) => cases.filter((one) => one.status === status).length;
  return {
    tests: String(cases.length),
    failures: String(count('failed')),
    errors: '0',
    skipped: String(count('skipped')),
    time: seconds(took ?? cases.reduce((sum, one) => sum + one.seconds, 0)),
  };
}

function testCase(classname: string, one: JunitCase): string {
  const start = `    <testcase${attributes({ classname, name: one.name, time: seconds(one.seconds) })}>`;
  return `${start}${outcome(one)}</testcase>`;
}

function outcome({ status, detail }: JunitCase): string {
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
