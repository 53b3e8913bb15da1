import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readSite } from '../../../src/publish/assemble.js';
import { getScript } from '../../../src/publish/get-script.js';
import { html } from '../../../src/publish/html.js';
import { releasePage } from '../../../src/publish/page.js';
import { readProjectFile } from '../../support/project-file.js';
import { indexOf, indexTarget } from '../../support/release-index.js';

const root = resolve(import.meta.dirname, '..', '..', '..');
const name = 'slurm-24.11.6-glibc2.34-amd64';

test('what is put into HTML is text', () => {
  const evil = `<img src=x onerror="alert(1)">'&`;
  expect(html`<p title="${evil}">${evil}${html`<b>${1}</b>`}${undefined}</p>`.html).toBe(
    '<p title="&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&#39;&amp;">&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&#39;&amp;<b>1</b></p>',
  );
});

describe('the page', () => {
  test('names no other host to ask, and allows nothing but its own program and style', async () => {
    const page = releasePage(indexOf([name]), await readSite(root));
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1];
    expect(policy).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; img-src data:; form-action 'none'; base-uri 'none'$/,
    );
    expect(page).not.toMatch(/(?:src|srcset|action)\s*=\s*"(?!data:)/);
    expect(page).not.toContain('@BODY@');
  });

  test('has the whole commands where the files have an address', async () => {
    const index = indexOf([name], { downloads: 'https://host.test/v1/' });
    const page = releasePage(index, await readSite(root));
    expect(page).toContain(`curl -fsSL https://host.test/v1/get.sh | sh -s -- --target ${name}`);
    expect(page).toContain(`href="https://host.test/v1/${name}-software.tar.gz"`);
    expect(page).not.toContain('data-get=');
  });

  test('a name with markup stays a name', async () => {
    const page = releasePage(indexOf([name], { name: '<script>alert(1)</script>' }), await readSite(root));
    expect(page).not.toContain('<script>alert');
    expect(page).toContain('&lt;script&gt;alert(1)');
  });
});

describe('get.sh', () => {
  test('has a line for each target, the better first', async () => {
    const index = indexOf(['slurm-24.11.6-bookworm-amd64', `${name}-cuda`, name]);
    const script = getScript(await readProjectFile('site/get.sh'), index);
    const rows = /<<'TARGETS'\n([\s\S]*?)\nTARGETS\n/.exec(script)?.[1]?.split('\n');
    const sum = 'a'.repeat(64);
    expect(rows).toEqual([
      `${name} 24.11.6 amd64 2.34 debian 12 none ${sum}`,
      `${name}-cuda 24.11.6 amd64 2.34 debian 12 cuda ${sum}`,
      `slurm-24.11.6-bookworm-amd64 24.11.6 amd64 - debian 12 none ${sum}`,
    ]);
  });

  test('no name ends its quotes', async () => {
    const index = indexOf([indexTarget(name)], { name: "x'; rm -rf / #`$(id)`" });
    const script = getScript(await readProjectFile('site/get.sh'), index);
    expect(script).toContain("\nname='x_; rm -rf / ___(id)_'\n");
  });
});
