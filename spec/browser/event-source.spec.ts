import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { concat, map, mergeMap, NEVER, of, range } from 'rxjs';
import { eventStream, feed, type Handler, type HttpRequest, lastEventIdOf, type ServerSentEvent, topic } from 'rx-http-kit';
import { portOf } from '#src/rx/request.js';
import { chromiumIsMissing, startChromium } from '../support/chromium.js';
import { withServer } from '../support/serve.js';
import { type RunningExample, startExample } from '../support/start-example.js';

/** A page that hears the stream of this server and writes down all it is told. */
const PAGE = `<!doctype html><link rel="icon" href="data:," /><script>
  const heard = [];
  const source = new EventSource('/stream');
  for (const type of ['message', 'tick', 'reset']) source.addEventListener(type, ({ data, lastEventId }) => heard.push([type, data, lastEventId]));
</script>`;

const withPage = (stream: Handler): Handler =>
  mergeMap((request: HttpRequest) =>
    request.uri === '/stream' ? of(request).pipe(stream) : of({ headers: { 'content-type': 'text/html' }, body: PAGE }),
  );

const missing = chromiumIsMissing();

describe('EventSource in Chromium', function () {
  this.timeout(60_000); // a browser takes its time to start

  let browser: Browser;
  let example: RunningExample | undefined;

  before(async function () {
    if (missing !== undefined) this.skip();
    browser = await startChromium();
  });

  after(async () => {
    if (missing === undefined) await browser.close();
  });

  afterEach(async () => {
    await example?.stop();
    example = undefined;
  });

  /** Opens a page, waits until it holds, and closes it: nothing is left that comes back. */
  const visit = async (url: string, use: (page: Page) => Promise<void>): Promise<void> => {
    const context = await browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    try {
      await page.goto(url);
      await use(page);
    } finally {
      await context.close();
    }
  };

  const heardBy = (page: Page): Promise<string[][]> => page.evaluate('heard');

  it('reads events as they were said', async () => {
    const events: ServerSentEvent[] = [
      { data: 'a\r\nb\rc\n' },
      { event: 'tick', id: 'ß:1', data: ' x' },
      { comment: 'not heard' },
      { data: '' },
    ];
    await withServer(withPage(eventStream(() => concat(events, NEVER))), {}, (site) =>
      visit(site.origin, async (page) => {
        await page.waitForFunction('heard.length === 3');
        expect(await heardBy(page)).to.deep.equal([
          ['message', 'a\nb\nc\n', ''],
          ['tick', ' x', 'ß:1'],
          ['message', '', 'ß:1'],
        ]);
      }),
    );
  });

  it('comes back behind each end with the id that it heard last, until it is told 204', async () => {
    const asked: (string | undefined)[] = [];
    const stream = eventStream(
      (request) => {
        const last = lastEventIdOf(request);
        asked.push(last);
        const first = Number(last ?? 0) + 1;
        return first > 6 ? { status: 204 } : range(first, 2).pipe(map((n) => ({ id: String(n), data: `n${n}` })));
      },
      { retryMs: 20 },
    );
    await withServer(withPage(stream), {}, (site) =>
      visit(site.origin, async (page) => {
        await page.waitForFunction('source.readyState === EventSource.CLOSED');
        expect((await heardBy(page)).map(([, data, id]) => `${id} ${data}`)).to.deep.equal([1, 2, 3, 4, 5, 6].map((n) => `${n} n${n}`));
        expect(asked).to.deep.equal([undefined, '2', '4', '6']);
      }),
    );
  });

  it('misses nothing of a topic between two connections, though it had heard nothing when it was cut off', async () => {
    const letters = topic<string>('letters');
    const handler = feed(letters, { retryMs: 20 });
    const cuts: (() => void)[] = [];
    const cutting: Handler = mergeMap((request: HttpRequest) => {
      cuts.push(() => portOf(request).cut(undefined));
      return of(request).pipe(handler);
    });
    await withServer(withPage(cutting), {}, (site) =>
      visit(site.origin, async (page) => {
        await page.waitForFunction('source.readyState === EventSource.OPEN');
        cuts[0]();
        expect(handler.clients.sse).to.equal(0);
        letters.publish('a');
        letters.publish('b');
        await page.waitForFunction('heard.length === 2');
        expect(await heardBy(page)).to.deep.equal([
          ['message', '"a"', `${letters.epoch}:1`],
          ['message', '"b"', `${letters.epoch}:2`],
        ]);
        expect(cuts).to.have.length(2);
      }),
    );
  });

  it('is told reset by a server that knows nothing of its cursor', async () => {
    const topics = [topic<string>('before'), topic<string>('after')];
    topics[0].publish('a');
    topics[0].complete();
    topics[1].publish('b');
    let visits = 0;
    const handler = feed(() => topics[Math.min(visits++, 1)], { retryMs: 20, replay: 1 });
    await withServer(withPage(handler), {}, (site) =>
      visit(site.origin, async (page) => {
        await page.waitForFunction('heard.length === 3');
        expect((await heardBy(page)).map(([type, data]) => `${type} ${data}`)).to.deep.equal([
          'message "a"',
          `reset {"cursor":"${topics[1].epoch}:0"}`,
          'message "b"',
        ]);
      }),
    );
  });

  it('example feed: a page that changes its transport misses nothing and hears nothing twice', async () => {
    example = await startExample('build/examples/feed.js');
    await visit(example.url, async (page) => {
      const offset = (): Promise<number> => page.evaluate('Number(document.querySelector("#prices li")?.value ?? 0)');
      let before = 0;
      for (const transport of ['EventSource', 'long polling', 'WebSocket', 'EventSource', 'WebSocket']) {
        await page.locator('#transport').selectOption(transport);
        await page.waitForFunction(`Number(document.querySelector('#prices li')?.value ?? 0) >= ${before + 5}`);
        before = await offset();
      }
      expect(await page.locator('#missed').textContent()).to.equal('0');
      expect(await page.locator('#doubled').textContent()).to.equal('0');
    });
  });
});
