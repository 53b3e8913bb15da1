import { expect, test } from '@jest/globals';
import { escapeXml, formatJunit } from '../../../src/smoke/junit.js';

test('formatJunit: one suite, one case a check, counts and times', () => {
  const xml = formatJunit({
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
  const xml = formatJunit({
    target: 't',
    prefix: '/p',
    checks: [{ name: 'x', status: 'skipped', seconds: 0, detail: 'a\nb' }],
  });
  expect(xml).toContain('<skipped message="a&#10;b"/>');
});
