import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { nodeProcess } from '../../../src/local/process.js';
import { nodeWeb } from '../../../src/local/web.js';
import { publish } from '../../../src/publish/publish.js';
import { recordingLogger } from '../../support/fakes.js';
import { isHere, temporaryFolder } from '../../support/prepare.js';
import { matrixTargets, publishRequest, writeResults } from '../../support/release.js';
import { serveFolder, type WebFolder } from '../../support/web-folder.js';

/** A release's page in a browser, as people use it. */

const real = (await isHere('Chromium')) ? describe : describe.skip;
/** Folder for pictures of the page, to be looked at. */
const pictures = process.env['SLURM_FACTORY_TEST_SCREENSHOTS'];

/** What the keyboard is at, in the page. */
const focused = 'document.activeElement';

const folder = temporaryFolder('page');
const missing = 'slurm-24.11.6-glibc2.34-arm64';
let browser: Browser;
let server: WebFolder;
let context: BrowserContext | undefined;

async function makeRelease(): Promise<void> {
  const size = (identifier: string) => 3_000_000 + identifier.length * 40_000;
  await writeResults(join(folder, 'results'), matrixTargets, (identifier) => ({
    content: 'x'.repeat(size(identifier)),
    manifest: {
      features: ['jwt', 'lua', 'mysql', 'pmix'],
      specs: [{ name: 'slurm', version: '24-11-6-1', hash: 'a'.repeat(32) }],
    },
  }));
  const request = publishRequest(folder, {
    name: '2026.11',
    planned: [...matrixTargets, missing].map((identifier) => ({ identifier })),
    allowMissing: true,
  });
  const ports = { process: nodeProcess, web: nodeWeb({}), logger: recordingLogger(), env: process.env };
  await publish(request, { ...ports, signal: new AbortController().signal });
}

real('the page of a release', () => {
  beforeAll(async () => {
    await makeRelease();
    server = await serveFolder(join(folder, 'release'));
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  }, 120_000);

  afterEach(async () => {
    await context?.close();
  });

  afterAll(async () => {
    await browser.close();
    await server.close();
    rmSync(folder, { recursive: true });
  });

  /** Opens the page, and notes all that it asks for and complains of. */
  async function open(
    options: Parameters<Browser['newContext']>[0] = {},
    path = '',
  ): Promise<{ page: Page; asked: string[]; complaints: string[] }> {
    context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
    const page = await context.newPage();
    const asked: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(server.address + path);
    return { page, asked, complaints };
  }

  async function picture(page: Page, name: string, fullPage = true): Promise<void> {
    if (pictures === undefined) return;
    mkdirSync(pictures, { recursive: true });
    await page.screenshot({ path: join(pictures, `${name}.png`), fullPage });
  }

  const shownTargets = (page: Page): Promise<(string | null)[]> =>
    page.locator('.target:visible').evaluateAll((all) => all.map(({ id }) => id));

  test('asks no other host for anything, and breaks no rule of its own policy', async () => {
    const { page, asked, complaints } = await open();
    await page.locator('.target summary').first().click();
    expect(asked.filter((url) => !url.startsWith('data:'))).toEqual([server.address]);
    expect(complaints).toEqual([]);
  });

  test('shows releases by platforms, support, advisories, sizes, sums, and what is missing', async () => {
    const { page } = await open();
    await picture(page, 'light');
    expect(await page.locator('.matrix thead th').allTextContents()).toEqual([
      'Slurm',
      'glibc 2.34 or newer',
      'Debian 12 (bookworm)',
      'SchedMD’s support',
    ]);
    const row = page.locator('.matrix tbody tr').nth(1);
    expect(await row.locator('.chip').allTextContents()).toEqual(['amd64', 'amd64 · CUDA', 'amd64']);
    expect(await row.textContent()).toContain('support ended May 2026');
    expect(await page.locator('.note').textContent()).toContain(missing);
    const section = page.locator('[id="slurm-24.11.6"]');
    expect(await section.locator('header').textContent()).toMatch(/\d known vulnerabilit/);
    expect(await shownTargets(page)).toEqual([...matrixTargets]);
    const target = page.locator(`[id="${matrixTargets[1]}"]`);
    expect(await target.locator('summary').textContent()).toMatch(
      /glibc 2\.34 or newer\s*amd64\s*CUDA\s*4\.\d MB/,
    );
    await target.locator('summary').click();
    expect(await target.locator('.files tbody tr').count()).toBe(7);
    expect(await target.locator('.sum code').first().textContent()).toMatch(/^[0-9a-f]{64}$/);
    await picture(page, 'open');
  });

  test('filters by words and by choices, and says how many are left', async () => {
    const { page, complaints } = await open();
    const count = page.locator('.filter output');
    expect(await count.textContent()).toBe('7 targets');
    await page.getByRole('searchbox').fill('24.11 cuda');
    expect(await shownTargets(page)).toEqual(['slurm-24.11.6-glibc2.34-amd64-cuda']);
    expect(await count.textContent()).toBe('1 of 7 targets');
    expect(await page.locator('.release:visible').count()).toBe(1);
    expect(await page.locator('.matrix tbody tr:visible').count()).toBe(1);
    await picture(page, 'filtered');
    await page.getByRole('searchbox').fill('');
    await page.getByLabel('Processor').selectOption('arm64');
    expect(await shownTargets(page)).toEqual(['slurm-26.05.3-glibc2.34-arm64']);
    await page.getByRole('searchbox').fill('nothing has this');
    expect(await shownTargets(page)).toEqual([]);
    await picture(page, 'nothing');
    await page.getByRole('button', { name: 'Show all' }).click();
    expect(complaints).toEqual([]);
    expect(await count.textContent()).toBe('7 targets');
  });

  test('copies the command of a target, and says so', async () => {
    const { page } = await open({ permissions: ['clipboard-read', 'clipboard-write'] });
    const target = page.locator(`[id="${matrixTargets[0]}"]`);
    await target.locator('summary').click();
    const button = target.getByRole('button', { name: 'Copy' });
    await button.click();
    expect(await target.locator('.copy').textContent()).toBe('Copied');
    expect(await page.locator('#told').textContent()).toBe('Copied to the clipboard');
    const { address } = server;
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(
      `curl -fsSL ${address}get.sh | sh -s -- --from ${address} --target ${matrixTargets[0]}`,
    );
    await page.waitForFunction("document.querySelector('.copy.done') === null");
  });

  test('copies without the clipboard of https, too', async () => {
    context = await browser.newContext();
    const page = await context.newPage();
    await page.addInitScript("Object.defineProperty(navigator, 'clipboard', { value: undefined })");
    await page.goto(server.address);
    await page.getByRole('button', { name: 'Copy' }).first().click();
    expect(await page.locator('.copy').first().textContent()).toBe('Copied');
    const field = page.getByRole('searchbox');
    await field.focus();
    await page.keyboard.press('Control+V');
    expect(await field.inputValue()).toContain('get.sh | sh');
  });

  test('is used by the keyboard alone', async () => {
    const { page } = await open();
    await page.keyboard.press('/');
    expect(await page.evaluate(`${focused}?.getAttribute('type')`)).toBe('search');
    await page.keyboard.type('bookworm');
    expect(await shownTargets(page)).toEqual([
      'slurm-26.05.3-bookworm-amd64',
      'slurm-24.11.6-bookworm-amd64',
    ]);
    for (let steps = 0; steps < 20; steps++) {
      await page.keyboard.press('Tab');
      if (await page.evaluate(`${focused}?.matches('.target > summary')`)) break;
    }
    await page.keyboard.press('Enter');
    expect(await page.locator('.target[open]').count()).toBe(1);
    await picture(page, 'keyboard');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(`${focused}?.className`)).toBe('copy');
    await page.keyboard.press('Enter');
    await page.waitForFunction(`${focused}?.textContent === 'Copied'`);
    await page.keyboard.press('/');
    await page.keyboard.press('Escape');
    expect(await shownTargets(page)).toHaveLength(7);
  });

  test('fits a phone: nothing is wider than it, and nothing is lost', async () => {
    const { page } = await open({ viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true });
    await picture(page, 'phone', false);
    await page.locator(`[id="${matrixTargets[1]}"] summary`).tap();
    await page.locator(`[id="${matrixTargets[1]}"]`).evaluate((target) => target.scrollIntoView());
    await picture(page, 'phone-open', false);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
    expect(await page.locator('.sum code:visible').first().textContent()).toMatch(/^[0-9a-f]{64}$/);
    expect(await page.locator('.matrix [data-platform]:visible').count()).toBe(4);
  });

  test('has a dark side', async () => {
    const { page } = await open({ colorScheme: 'dark' });
    await page.locator('.target summary').nth(1).click();
    await picture(page, 'dark');
    const colours = await page.evaluate<string[]>(
      '(({ backgroundColor, color }) => [backgroundColor, color])(getComputedStyle(document.body))',
    );
    const [ground, text] = colours.map((rgb) => Number(/\d+/.exec(rgb)?.[0]));
    expect(ground).toBeLessThan(40);
    expect(text).toBeGreaterThan(200);
  });

  test('opens what is linked to', async () => {
    const { page } = await open({}, `#${matrixTargets[4]}`);
    expect(await page.locator('.target[open]').getAttribute('id')).toBe(matrixTargets[4]);
    await page.locator('.matrix').getByRole('link', { name: 'amd64 · CUDA' }).first().click();
    expect(await page.locator(`[id="${matrixTargets[1]}"][open]`).count()).toBe(1);
  });

  test('says all of it without its program, too', async () => {
    const { page } = await open({ javaScriptEnabled: false });
    expect(await page.locator('.target:visible').count()).toBe(7);
    expect(await page.locator('.filter:visible').count()).toBe(0);
    expect(await page.locator('.copy:visible').count()).toBe(0);
    expect(await page.locator('.state').allTextContents()).toContain('supported until May 2026');
  });
});
