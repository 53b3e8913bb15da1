import { expect, test } from '@jest/globals';
import { escapeXml, formatJunit } from '../../../src/base/junit.js';
import { smokeJunit } from '../../../src/smoke/report.js';

test('a smoke test: one suite, one case a check, counts and times', () => {
  const xml = smokeJunit({
    target: 'slurm-24.11.6-bookworm-amd64',
    prefix: '/srv/a',
    checks: [
      { name: 'srun', status: 'passed', seconds: 0.031, detail: 'node1' },
      { name: 'munged', status: 'passed', seconds: 0.5, detail: '' },
      { name: 'cgroup-v2', status: 'skipped', seconds: 0, detail: 'cgroup v1 "here"' },
      { name: 'rest', status: 'failed', seconds: 1.25, detail: 'got <html> & 500\nline 2' },
    ],
  });
  expect(xml).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="slurm-factory smoke" tests="4" failures="1" errors="0" skipped="1" time="1.781">
  <testsuite name="slurm-24.11.6-bookworm-amd64" tests="4" failures="1" errors="0" skipped="1" time="1.781">
    <properties><property name="prefix" value="/srv/a"/></properties>
    <testcase classname="slurm-24.11.6-bookworm-amd64" name="srun" time="0.031"><system-out>node1</system-out></testcase>
    <testcase classname="slurm-24.11.6-bookworm-amd64" name="munged" time="0.500"></testcase>
    <testcase classname="slurm-24.11.6-bookworm-amd64" name="cgroup-v2" time="0.000"><skipped message="cgroup v1 &quot;here&quot;"/></testcase>
    <testcase classname="slurm-24.11.6-bookworm-amd64" name="rest" time="1.250"><failure message="got &lt;html&gt; &amp; 500">got &lt;html&gt; &amp; 500
line 2</failure></testcase>
  </testsuite>
</testsuites>
`);
});

test.each([
  ['markup', `<a b='c'>&"`, '&lt;a b=&apos;c&apos;&gt;&amp;&quot;'],
  ['what closes CDATA', ']]>', ']]&gt;'],
  ['control characters', 'a\u0000b\u001b[31mc\u007f', 'a?b?[31mc\u007f'],
  ['tab and newline stay', 'a\tb\nc', 'a\tb\nc'],
  ['half a surrogate pair, and a whole one', 'a\ud83d b\u{1f600}', 'a? b\u{1f600}'],
  ['noncharacters', 'a\ufffe', 'a?'],
])('escapeXml: %s', (_, text, expected) => {
  expect(escapeXml(text)).toBe(expected);
});

test('a newline in an attribute survives the parser', () => {
  const xml = smokeJunit({
    target: 't',
    prefix: '/p',
    checks: [{ name: 'x', status: 'skipped', seconds: 0, detail: 'a\nb' }],
  });
  expect(xml).toContain('<skipped message="a&#10;b"/>');
});

test('several suites: each has its own counts, the report those of all, and the time that it is told', () => {
  const one = (name: string, status: 'passed' | 'failed') => ({ name, status, seconds: 2, detail: '' });
  const xml = formatJunit({
    name: 'r',
    seconds: 3,
    suites: [
      { name: 'a', properties: {}, cases: [one('x', 'passed')] },
      { name: 'b', properties: { p: '1', q: '<' }, cases: [one('y', 'failed'), one('z', 'passed')] },
    ],
  });
  expect(xml.split('\n').slice(1, -1)).toEqual([
    '<testsuites name="r" tests="3" failures="1" errors="0" skipped="0" time="3.000">',
    '  <testsuite name="a" tests="1" failures="0" errors="0" skipped="0" time="2.000">',
    '    <properties></properties>',
    '    <testcase classname="a" name="x" time="2.000"></testcase>',
    '  </testsuite>',
    '  <testsuite name="b" tests="2" failures="1" errors="0" skipped="0" time="4.000">',
    '    <properties><property name="p" value="1"/><property name="q" value="&lt;"/></properties>',
    '    <testcase classname="b" name="y" time="2.000"><failure message=""></failure></testcase>',
    '    <testcase classname="b" name="z" time="2.000"></testcase>',
    '  </testsuite>',
    '</testsuites>',
  ]);
});
