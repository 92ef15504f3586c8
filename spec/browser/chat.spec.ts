import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { chromiumIsMissing, startChromium } from '../support/chromium.js';
import { type RunningExample, startExample } from '../support/start-example.js';

const missing = chromiumIsMissing();

describe(`pages in Chromium${missing === undefined ? '' : ` (skipped: ${missing})`}`, function () {
  this.timeout(60_000);

  let browser: Browser;
  let example: RunningExample | undefined;
  let failures: string[];

  before(async function () {
    if (missing !== undefined) this.skip();
    browser = await startChromium();
  });

  after(async () => {
    if (missing === undefined) await browser.close();
  });

  beforeEach(() => {
    failures = [];
  });

  afterEach(async () => {
    await example?.stop();
    example = undefined;
    for (const context of missing === undefined ? browser.contexts() : []) await context.close();
  });

  /** A tab of its own, whose errors count. */
  const open = async (url: string, prepare: (page: Page) => Promise<unknown> = () => Promise.resolve()): Promise<Page> => {
    const page = await (await browser.newContext()).newPage();
    page.setDefaultTimeout(10_000);
    page.on('pageerror', (error) => failures.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') failures.push(message.text());
    });
    await prepare(page);
    await page.goto(url);
    return page;
  };

  /** Opens the chat, and waits until it says how it talks. */
  const join = async (url: string, how: string, prepare?: (page: Page) => Promise<unknown>): Promise<Page> => {
    const page = await open(url, prepare);
    await page.locator('#how', { hasText: how }).waitFor();
    return page;
  };

  const say = async (page: Page, text: string): Promise<void> => {
    await page.getByLabel('message').fill(text);
    await page.getByRole('button', { name: 'send' }).click();
  };

  /** All lines, once the last one is `text`. */
  const linesUntil = async (page: Page, text: string): Promise<string[]> => {
    await page.locator('#lines li:last-child', { hasText: text }).waitFor();
    return page.locator('#lines li').allTextContents();
  };

  const withoutWebSocket = (page: Page): Promise<unknown> => page.addInitScript('delete window.WebSocket');

  /** As behind a proxy that knows no upgrades. */
  const withRefusedWebSocket = (page: Page): Promise<unknown> =>
    page.addInitScript(
      `{ const Native = WebSocket; window.WebSocket = class extends Native { constructor() { super(location.origin.replace('http', 'ws')); } }; }`,
    );

  it('chat: two tabs over WebSocket, then one without it, hear the same lines in the same order', async () => {
    example = await startExample('build/examples/chat.js');
    const ada = await join(example.url, 'WebSocket');
    const ben = await join(example.url, 'WebSocket');

    await say(ada, 'hello <b>Ben</b>');
    expect(await linesUntil(ben, 'hello')).to.deep.equal(['hello <b>Ben</b>']);
    await say(ben, 'hello Ada');
    expect(await linesUntil(ada, 'hello Ada')).to.deep.equal(['hello <b>Ben</b>', 'hello Ada']);

    const cleo = await join(example.url, 'long polling', withoutWebSocket);
    expect(await linesUntil(cleo, 'hello Ada')).to.deep.equal(['hello <b>Ben</b>', 'hello Ada']);
    await say(cleo, 'I poll');
    await linesUntil(ada, 'I poll');
    await say(ben, 'we push');
    const all = ['hello <b>Ben</b>', 'hello Ada', 'I poll', 'we push'];
    for (const page of [ada, ben, cleo]) expect(await linesUntil(page, 'we push')).to.deep.equal(all);
    expect(failures).to.deep.equal([]);
  });

  it('chat: a tab whose WebSocket is refused polls', async () => {
    example = await startExample('build/examples/chat.js');
    const ada = await join(example.url, 'WebSocket');
    const ben = await join(example.url, 'long polling', withRefusedWebSocket);
    await say(ada, 'can you hear me?');
    await linesUntil(ben, 'can you hear me?');
    await say(ben, 'yes');
    expect(await linesUntil(ada, 'yes')).to.deep.equal(['can you hear me?', 'yes']);
    expect(failures.filter((text) => !text.includes('WebSocket connection to'))).to.deep.equal([]);
  });

  it('demo: counts, and every link of its page leads somewhere', async () => {
    example = await startExample('build/examples/demo.js');
    const page = await open(example.url);
    await page.locator('#count', { hasText: /^[2-9]$/ }).waitFor();
    const links = await page.locator('a').evaluateAll((anchors) => anchors.map((anchor) => (anchor as { href?: string }).href ?? '')); // no DOM types here
    expect(links).to.have.length.above(3);
    for (const link of links.filter((url) => !/count|export/.test(url))) {
      expect((await page.request.get(link)).status(), link).to.be.oneOf([200, 418]);
    }
    expect(failures).to.deep.equal([]);
  });
});
