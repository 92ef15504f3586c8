import { expect } from 'chai';
import { map, mergeMap, Subject, take } from 'rxjs';
import { admit, type AdmitOptions, type Handler, type Pressure } from 'rx-http-kit';
import { RawClient, until } from '../support/raw-client.js';
import { valueOf } from '../support/response-reader.js';
import { Site } from '../support/serve.js';
import { line } from './cases/case.js';

/** A server behind a gate with one slot, whose handler answers when it is released. */
const start = async (options: Partial<AdmitOptions> = {}) => {
  const release$ = new Subject<void>();
  const ran: string[] = [];
  const work: Handler = mergeMap(({ uri }) => {
    ran.push(uri);
    return release$.pipe(
      take(1),
      map(() => `done ${uri}`),
    );
  });
  const gate = admit({ concurrency: 1, ...options });
  const now: { pressure: Pressure | undefined } = { pressure: undefined };
  gate.pressure$.subscribe((pressure) => (now.pressure = pressure));
  const site = await Site.start(gate(work));
  /** Sends a GET, and resolves when so many run and wait. */
  const ask = async (uri: string, active: number, waiting: number): Promise<RawClient> => {
    const client = await site.connect();
    client.send(line(`GET ${uri} HTTP/1.1`));
    await reaches(active, waiting);
    return client;
  };
  const reaches = (active: number, waiting: number): Promise<void> =>
    until(`${active} run and ${waiting} wait`, () => now.pressure?.active === active && now.pressure.waiting === waiting);
  return { site, release$, ran, ask, reaches };
};

describe('admission over the wire', () => {
  it('refuses one too many with 503 and retry-after, at once, on a connection that lives on', async () => {
    const { site, release$, ran, ask, reaches } = await start({ queueSize: 1, retryAfter: ({ waiting }) => 10 * waiting });
    try {
      const running = await ask('/1', 1, 0);
      const waiting = await ask('/2', 1, 1);
      const refused = await site.connect();
      const response = await refused.send(line('GET /3 HTTP/1.1')).response();
      expect([response.status, valueOf(response, 'retry-after'), response.body.toString()]).to.deep.equal([
        503,
        '10',
        'the server is busy',
      ]);
      expect(site.events.map(({ type, error }) => [type, error?.code])).to.deep.equal([['overload', 'RHK_ADMISSION_FULL']]);
      release$.next();
      expect((await running.response()).body.toString()).to.equal('done /1');
      await until('the second runs', () => ran.length === 2);
      release$.next();
      expect((await waiting.response()).body.toString()).to.equal('done /2');
      refused.send(line('GET /4 HTTP/1.1'));
      await reaches(1, 0);
      release$.next();
      expect((await refused.response()).body.toString()).to.equal('done /4');
      expect(ran).to.deep.equal(['/1', '/2', '/4']);
    } finally {
      await site.stop();
    }
  });

  it('refuses one that has waited too long', async () => {
    const { site, ran, ask } = await start({ maxWaitMs: 20 });
    try {
      await ask('/1', 1, 0);
      const late = await site.connect();
      const response = await late.send(line('GET /2 HTTP/1.1')).response();
      expect([response.status, valueOf(response, 'retry-after')]).to.deep.equal([503, '1']);
      expect(site.codes).to.deep.equal(['RHK_ADMISSION_TIMEOUT']);
      expect(ran).to.deep.equal(['/1']);
    } finally {
      await site.stop();
    }
  });

  for (const [how, leave] of [
    ['resets', (client: RawClient) => client.abort()],
    ['closes', (client: RawClient) => client.leave()],
    ['half-closes', (client: RawClient) => void client.finish()],
  ] as const) {
    it(`never runs the request of a client that ${how} its connection while it waits`, async () => {
      const { site, release$, ran, ask, reaches } = await start();
      try {
        const running = await ask('/1', 1, 0);
        const leaving = await ask('/2', 1, 1);
        const waiting = await ask('/3', 1, 2);
        leave(leaving);
        await reaches(1, 1);
        release$.next();
        expect((await running.response()).body.toString()).to.equal('done /1');
        await until('the third runs', () => ran.length === 2);
        release$.next();
        expect((await waiting.response()).body.toString()).to.equal('done /3');
        await reaches(0, 0);
        expect(ran).to.deep.equal(['/1', '/3']);
        expect(site.failures).to.deep.equal([]);
      } finally {
        await site.stop();
      }
    });
  }
});
