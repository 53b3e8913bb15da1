import { describe, expect, test } from '@jest/globals';
import { examplePaths } from '../../../src/targets/examples.js';
import { conditions, fixedParts, isPrinted, readPage } from '../../support/cluster-page.js';

/** docs/cluster.md without containers: e2e/cluster.test.ts runs it. */

const page = readPage();

describe('docs/cluster.md', () => {
  test('is read whole: commands for all machines, what they print, and lines of logs', () => {
    expect(page.blocks.length).toBeGreaterThan(40);
    expect(page.blocks.filter(({ prints }) => prints !== undefined).length).toBeGreaterThan(5);
    expect(page.logs.length).toBeGreaterThan(5);
    expect(new Set(page.blocks.flatMap(({ conditions: found }) => found))).toEqual(new Set(conditions));
  });

  test('has each step both with systemd and without', () => {
    // systemd has to read its units, and only the nodes' tree is uninstalled.
    const machinesOf = (wanted: string) =>
      page.blocks
        .filter(({ conditions: found }) => found.some((condition) => condition === wanted))
        .flatMap(({ machines }) => machines);
    expect(machinesOf('with systemd').sort()).toEqual(machinesOf('without systemd').sort());
  });

  test('its links to its own steps lead somewhere', () => {
    const slugs = [...page.text.matchAll(/^##? (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replaceAll(/[^a-z0-9 -]/g, '')
        .replaceAll(' ', '-'),
    );
    const links = [...page.text.matchAll(/\]\(#([^)]+)\)/g)].map(([, link]) => link);
    expect(links.length).toBeGreaterThan(5);
    expect(links.filter((link) => !slugs.includes(link ?? ''))).toEqual([]);
  });

  test('links every example configuration, and copies those that a cluster needs', () => {
    for (const path of examplePaths) expect(page.text).toContain(`(../templates/${path})`);
    const copied = page.blocks.flatMap(({ script }) => script.match(/(?<=\/opt\/slurm\/)etc\/\S+/g) ?? []);
    expect(copied.sort()).toEqual(examplePaths.filter((path) => path !== 'etc/gres.conf.example'));
  });
});

describe('the reader of the page', () => {
  const block = (title: string, more = '') => `\`\`\`sh\n${title}\ntrue\n\`\`\`\n${more}`;

  test.each([
    ['a place that is none', block('# on node3')],
    ['no place', block('true')],
    ['a condition that is none', block('# on the controller, with luck')],
    ['another language', '```console\n$ true\n```\n'],
    ['no language', '```\ntrue\n```\n'],
  ])('refuses a block with %s', (_, text) => {
    expect(() => readPage(text)).toThrow('docs/cluster.md has a block');
  });

  test('takes what stands right behind a block for what it prints, and all else for logs', () => {
    const prints = '```text\nhello\n```\n';
    const { blocks, logs } = readPage(block('# on each node, with systemd', `${prints}\n${prints}`));
    expect(blocks).toEqual([
      {
        title: '# on each node, with systemd',
        machines: ['node1', 'node2'],
        conditions: ['with systemd'],
        script: '# on each node, with systemd\ntrue\n',
        prints: 'hello\n',
      },
    ]);
    expect(logs).toEqual(['hello']);
  });

  test.each([
    ['main*  up 2', 'main* up 2\n', true],
    ['main*  up 2', 'mainx up 2\n', false],
    ['a …b…', ' a  xb=1\n', true],
    ['a\nb', 'a\n\n b\n', true],
    ['a\nb', 'a b', false],
    ['a', 'a\nb', false],
  ])('%j stands for %j: %s', (prints, said, fits) => {
    expect(isPrinted(said, prints)).toBe(fits);
  });

  test('looks up what a program has of a line', () => {
    expect(fixedParts('error: Node … has a: Lower … (reported:…)')).toEqual([
      'Node',
      'has a',
      'Lower',
      '(reported',
    ]);
  });
});
