import { expect } from 'chai';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Locator, Page } from 'playwright-core';
import { chromiumIsMissing, startChromium } from '../support/chromium.js';
import { type RunningExample, startExample } from '../support/start-example.js';

const missing = chromiumIsMissing();

describe(`notes in Chromium${missing === undefined ? '' : ` (skipped: ${missing})`}`, function () {
  this.timeout(60_000);

  let browser: Browser;
  let example: RunningExample;
  let folder: string;
  let failures: string[];

  before(async function () {
    if (missing !== undefined) this.skip();
    browser = await startChromium();
  });

  after(async () => {
    if (missing === undefined) await browser.close();
  });

  beforeEach(async () => {
    failures = [];
    folder = mkdtempSync(join(tmpdir(), 'rx-http-kit-notes-'));
    example = await startExample('build/examples/notes/main.js');
  });

  afterEach(async () => {
    if (missing !== undefined) return;
    for (const context of browser.contexts()) await context.close();
    rmSync(folder, { recursive: true, force: true });
    await example.stop('SIGTERM'); // it removes its files
  });

  /** A browser of its own, whose errors count. */
  const open = async (): Promise<Page> => {
    const page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(10_000);
    page.on('pageerror', (error) => failures.push(error.message));
    page.on('dialog', (dialog) => {
      failures.push(`dialog ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('console', (message) => {
      if (message.type() === 'error') failures.push(message.text());
    });
    await page.goto(example.url);
    return page;
  };

  const enter = async (page: Page, user: string, password: string): Promise<void> => {
    await page.getByLabel('name').fill(user);
    await page.getByLabel('password').fill(password);
    await page.getByRole('button', { name: 'log in' }).click();
  };

  const live = async (user: string, password: string): Promise<Page> => {
    const page = await open();
    await enter(page, user, password);
    await page.locator('#state.live').waitFor();
    return page;
  };

  const write = async (page: Page, text: string, path?: string): Promise<void> => {
    await page.getByLabel('note', { exact: true }).fill(text);
    if (path !== undefined) await page.getByLabel('file', { exact: true }).setInputFiles(path);
    await page.getByRole('button', { name: 'write' }).click();
  };

  const noteOf = (page: Page, text: string): Locator => page.getByRole('listitem').filter({ hasText: text });

  it('shows what one writes to the other, with its file, and that it is deleted', async () => {
    const ada = await live('ada', 'lovelace');
    const ben = await live('ben', 'franklin');
    const path = join(folder, 'plän "A" (1).txt');
    writeFileSync(path, 'a machine that weaves');

    await write(ada, 'the engine\nweaves', path);
    const heard = noteOf(ben, 'the engine');
    await heard.waitFor();
    expect(await heard.locator('.text').innerText()).to.equal('the engine\nweaves');
    expect(await heard.locator('.author').textContent()).to.equal('ada');
    expect(await heard.getByRole('button', { name: 'delete' }).isVisible(), 'a note of somebody else').to.equal(false);
    const link = heard.getByRole('link');
    const [download] = await Promise.all([ben.waitForEvent('download'), link.click()]);
    const saved = join(folder, 'saved');
    await download.saveAs(saved);
    expect(readFileSync(saved, 'utf8')).to.equal('a machine that weaves');
    expect(download.suggestedFilename()).to.match(/^plän .*\.txt$/);

    await write(ben, 'lightning is electric');
    await noteOf(ada, 'lightning').waitFor();
    expect(await ada.locator('.text').allInnerTexts()).to.deep.equal(['lightning is electric', 'the engine\nweaves']);
    await noteOf(ada, 'the engine').getByRole('button', { name: 'delete' }).click();
    await heard.waitFor({ state: 'detached' });
    await ben.reload();
    await ben.locator('#state.live').waitFor();
    expect(await ben.locator('.text').allInnerTexts()).to.deep.equal(['lightning is electric']);
    expect(failures).to.deep.equal([]);
  });

  it('says once that a password is wrong, and shows nothing', async () => {
    const page = await open();
    await enter(page, 'ada', '<b>babbage</b>');
    await page.getByRole('alert').filter({ hasText: 'Wrong name or password.' }).waitFor();
    expect(await page.locator('main').isVisible()).to.equal(false);
    await page.reload();
    await page.getByLabel('name').waitFor();
    expect(await page.locator('#said').textContent()).to.equal('');
    expect((await page.request.get(`${example.url}/api/notes`)).status()).to.equal(401);
    expect(failures).to.deep.equal([]);
  });

  it('shows a script, and does not run it', async () => {
    const ada = await live('ada', 'lovelace');
    const ben = await live('ben', 'franklin');
    const script = '<script>alert(1)</script><img src=x onerror="alert(2)"><a href="javascript:alert(3)">x</a>';
    const path = join(folder, '<img src=x onerror=alert(4)>.html');
    writeFileSync(path, '<script>alert(5)</script>');
    await write(ada, script, path);
    const heard = noteOf(ben, 'alert(1)');
    await heard.waitFor();
    expect(await heard.locator('.text').textContent()).to.equal(script);
    expect(await heard.locator('.attachment').textContent()).to.equal('<img src=x onerror=alert(4)>.html');
    expect(await ben.locator('img').count()).to.equal(0);
    const [download] = await Promise.all([ben.waitForEvent('download'), heard.getByRole('link').click()]);
    expect(download.url(), 'is saved, not shown').to.contain('/attachment');
    expect(failures).to.deep.equal([]);
  });

  it('says why a note is refused, and keeps what was written', async () => {
    const ada = await live('ada', 'lovelace');
    await write(ada, '   ');
    await ada
      .getByRole('alert')
      .filter({ hasText: /^a note needs a text$/ })
      .waitFor();
    expect(await ada.getByLabel('note', { exact: true }).inputValue()).to.equal('   ');
    expect(failures.filter((text) => !text.includes('400'))).to.deep.equal([]); // which the console tells, too
  });

  it('logs out', async () => {
    const ada = await live('ada', 'lovelace');
    await ada.getByRole('button', { name: 'log out' }).click();
    await ada.getByLabel('password').waitFor();
    expect(await ada.locator('main').isVisible()).to.equal(false);
    expect((await ada.request.get(`${example.url}/api/notes`)).status()).to.equal(401);
    expect(failures).to.deep.equal([]);
  });
});
