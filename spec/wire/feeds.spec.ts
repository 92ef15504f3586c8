import { spawn } from 'node:child_process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import { interval, map, NEVER, take } from 'rxjs';
import { dropOldest, eventStream, feed, type Handler, topic } from 'rx-http-kit';
import { EventStreamReader } from '../support/event-stream-reader.js';
import { FeedClient, type Transport } from '../support/feed-client.js';
import { turns, until } from '../support/raw-client.js';
import { valueOf } from '../support/response-reader.js';
import { seeded } from '../support/seeded.js';
import { withServer } from '../support/serve.js';

const TRANSPORTS: readonly Transport[] = ['websocket', 'sse', 'ndjson', 'poll'];

/** Runs `curl -N`; resolves with what it printed when it is cut off or the server ends. */
const curl = (...args: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn('curl', ['--silent', '--no-buffer', '--noproxy', '*', ...args]);
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.on('error', reject);
    child.on('close', () => resolve(out));
  });

/** What is reachable, in the heap and outside of it. */
const heldOctets = (): number => {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)(); // what the flag makes global
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

const get = (uri: string): string => `GET ${uri} HTTP/1.1\r\nhost: x\r\n\r\n`;

describe('eventStream', () => {
  it('is read by curl as it comes, and ends with a moment to come back', async () => {
    const handler = eventStream(() => interval(5).pipe(take(3), map((n) => ({ id: String(n), data: `line\n${n}` })))); // prettier-ignore
    await withServer(handler, {}, async (site) => {
      const reader = new EventStreamReader().push(Buffer.from(await curl(site.origin)));
      expect(reader.events.map(({ data, lastEventId }) => `${lastEventId} ${data}`)).to.deep.equal(['0 line\n0', '1 line\n1', '2 line\n2']);
      expect(reader.reconnectionTime).to.equal(3_000);
    });
  });

  it('sends its head before the first event, and lets its source go when the client leaves', async () => {
    await withServer(
      eventStream(() => NEVER),
      {},
      async (site) => {
        const client = await site.connect();
        client.send(get('/'));
        await until('the head has come', async () => (await client.bodyBytes(0)).length === 0 && client.head !== undefined);
        expect(client.head?.status).to.equal(200);
        expect(valueOf(client.head ?? { fields: [] }, 'x-accel-buffering')).to.equal('no');
        client.abort();
        await site.letGo();
      },
    );
  });
});

describe('feed', () => {
  it('is read by curl over each transport of HTTP', async () => {
    const letters = topic<string>('letters');
    for (const letter of ['a', 'b']) letters.publish(letter);
    letters.complete();
    await withServer(feed(letters, { replay: 2 }), {}, async ({ origin }) => {
      const { epoch } = letters;
      expect(await curl('-H', 'accept: text/event-stream', origin)).to.equal(
        `id: ${epoch}:0\n\nid: ${epoch}:1\ndata: "a"\n\nid: ${epoch}:2\ndata: "b"\n\nretry: 3000\n\n`,
      );
      expect(await curl(`${origin}/?transport=ndjson&cursor=${epoch}:1`)).to.equal(`{"id":"${epoch}:2","data":"b"}\n{"ended":true}\n`);
      expect(await curl(`${origin}/?cursor=${epoch}:2`)).to.equal(`{"cursor":"${epoch}:2","recovered":true,"items":[],"ended":true}`);
    });
  });

  it('says the same text to many clients, beyond US-ASCII too', async () => {
    const words = topic<string>('words');
    await withServer(feed(words), {}, async (site) => {
      const clients = await Promise.all(Array.from({ length: 5 }, () => site.connect()));
      for (const client of clients) client.send(get(`/?transport=ndjson&cursor=${words.cursor}`));
      await until('all are there', () => site.open === 5);
      for (const client of clients) await client.bodyBytes(0);
      let expected = '';
      for (const word of ['plain', 'süß', '€uro', '😀']) expected += `{"id":"${words.publish(word)}","data":"${word}"}\n`;
      words.complete();
      for (const client of clients) expect((await client.response()).body.toString()).to.equal(`${expected}{"ended":true}\n`);
    });
  });

  it('holds little for a client that takes nothing, and tells the others all the same', async () => {
    const values = topic<string>('values', { history: 10 });
    const big = 'x'.repeat(10_000);
    const handler = feed(values, { overflow: dropOldest(), queueSize: 10 });
    await withServer(handler, {}, async (site) => {
      const slow = (await site.connect()).pause().send(get('/?transport=sse'));
      const fast = new FeedClient(site.port);
      fast.come('ndjson'); // keeps only ids
      await fast.placed();
      await until('both are there', () => handler.clients.sse === 1 && handler.clients.ndjson === 1);
      let dropped = 0;
      handler.dropped$.subscribe(({ count }) => (dropped += count));
      const before = heldOctets();
      for (let n = 0; n < 5_000; n++) {
        values.publish(big + n);
        if (n % 10 === 9) await until('the fast client has read', () => fast.ids.length === n + 1);
      }
      expect(fast.ids).to.have.length(5_000);
      expect(dropped).to.be.above(3_000);
      await until('of fifty megabytes no more than ten are held', () => heldOctets() - before < 10_000_000); // what is swept beside the program goes late
      slow.abort();
      fast.cut();
    });
  }).timeout(30_000);

  it('survives a storm: clients cut at random, coming back on any transport, have every id once, in order', async () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
    const random = seeded(seed);
    const numbers = topic<number>('numbers', { history: 1_000 });
    const handler: Handler = feed(numbers, { pollTimeoutMs: 50 });
    await withServer(handler, {}, async (site) => {
      const clients = Array.from({ length: 500 }, () => new FeedClient(site.port));
      for (const client of clients) client.come(TRANSPORTS[random(4)]);
      for (const client of clients) await client.placed();
      let cuts = 0;
      for (let n = 1; n <= 200; n++) {
        numbers.publish(n);
        for (let acts = random(30); acts > 0; acts--) {
          const client = clients[random(clients.length)];
          if (client.isConnected && random(2) === 0) {
            client.cut();
            cuts++;
          } else client.come(TRANSPORTS[random(4)]);
        }
        if (random(3) > 0) await turns(1 + random(3));
      }
      const all = Array.from({ length: 200 }, (_, index) => `${numbers.epoch}:${index + 1}`);
      await until('all clients have all', () => {
        for (const client of clients) if (client.ids.length < all.length) client.come(TRANSPORTS[random(4)]);
        return clients.every((client) => client.ids.length >= all.length);
      });
      await turns(20); // what is told twice would come now
      for (const [index, client] of clients.entries()) {
        expect(client.ids, `client ${index}, SEED=${seed}`).to.deep.equal(all);
        expect(client.resets, `resets of client ${index}, SEED=${seed}`).to.equal(0);
        client.cut();
      }
      expect(cuts, `cuts, SEED=${seed}`).to.be.above(500);
      expect(site.failures).to.deep.equal([]);
    });
  }).timeout(30_000);

  it('tells who comes back over another transport than before where it stands, also on a server that is another', async () => {
    const letters = topic<string>('letters');
    const other = topic<string>('letters');
    await withServer(feed(letters), {}, async (site) => {
      await withServer(feed(other, { replay: 1 }), {}, async (second) => {
        const client = new FeedClient(site.port);
        client.come('websocket');
        await client.placed();
        letters.publish('a');
        await until('a has come', () => client.ids.length === 1);
        client.cut();
        other.publish('b');
        const moved = new FeedClient(second.port);
        moved.cursor = client.cursor;
        moved.come('sse');
        await until('b has come', () => moved.ids.length === 1);
        expect([moved.resets, moved.ids]).to.deep.equal([1, [`${other.epoch}:1`]]);
        moved.cut();
      });
    });
  });

  it('ends all clients in time when its server stops, none of them cut', async () => {
    const letters = topic<string>('letters');
    const handler = feed(letters, { pollTimeoutMs: 60_000 });
    await withServer(handler, {}, async (site) => {
      const clients = Array.from({ length: 40 }, () => new FeedClient(site.port));
      clients.forEach((client, index) => client.come(TRANSPORTS[index % 3]));
      for (const client of clients) await client.placed();
      const poll = await site.connect();
      poll.send(get(`/?cursor=${letters.cursor}`));
      await until('the poll waits', () => handler.clients.poll === 1);
      const began = Date.now();
      const stopped = site.server.stop({ timeout: 2_000 });
      const answer = JSON.parse((await poll.response()).body.toString()) as { items: unknown[]; retryMs: number }; // as the feed words it
      poll.finish(); // as every client does that reads connection: close
      expect(answer.items).to.deep.equal([]);
      expect(answer.retryMs).to.be.within(3_000, 8_000);
      await stopped;
      expect(Date.now() - began, 'milliseconds').to.be.below(1_900);
      for (const client of clients) expect(client.isConnected).to.equal(false);
    });
  });
});
