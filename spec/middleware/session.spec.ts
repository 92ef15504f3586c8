import { expect } from 'chai';
import { delay, EMPTY, from, map, mergeMap, NEVER, of, Subject, throwError } from 'rxjs';
import { type Handler, HttpError, type HttpRequest, OptionError } from 'rx-http-kit';
import {
  cookieStore,
  memoryStore,
  type MemoryStoreOptions,
  regenerate,
  session,
  type SessionFields,
  type SessionOptions,
  type SessionResponse,
  type SessionStore,
} from 'rx-http-kit/middleware';
import { type CollectedReply, inject, marbles } from 'rx-http-kit/testing';

const SECRET = 'a secret of at least 32 characters';
const OLDER = 'an older secret of 32 characters or more';

/** A browser, as far as one cookie goes. */
class Visitor {
  cookie: string | undefined;
  private readonly handler: Handler;
  private readonly saying: { reply: SessionResponse };

  constructor(options: SessionOptions = {}, saying: { reply: SessionResponse } = { reply: { body: null } }) {
    this.saying = saying;
    this.handler = session(options)(
      map((request) => ({ ...saying.reply, headers: { 'x-session': JSON.stringify((request as HttpRequest & SessionFields).session) } })), // as the middleware adds it
    );
  }

  async visit(reply: SessionResponse = { body: null }): Promise<{ seen: unknown; set: string | undefined; reply: CollectedReply }> {
    this.saying.reply = reply;
    const collected = await inject(this.handler, { headers: { cookie: this.cookie } }).collect();
    const set = collected.headers['set-cookie'];
    if (set !== undefined) this.cookie = /Max-Age=0/.test(set) ? undefined : set.split(';', 1)[0];
    return { seen: JSON.parse(collected.headers['x-session'] ?? 'null'), set, reply: collected };
  }
}

const stores: Readonly<Record<string, () => SessionStore>> = {
  memoryStore: () => memoryStore(),
  cookieStore: () => cookieStore({ secrets: [SECRET] }),
};

describe('session', () => {
  for (const [name, make] of Object.entries(stores)) {
    describe(`with a ${name}`, () => {
      it('remembers what a reply says, until it says otherwise', async () => {
        const visitor = new Visitor({ store: make() });
        expect(await visitor.visit())
          .to.include({ set: undefined })
          .and.deep.include({ seen: {} });
        const { set } = await visitor.visit({ body: 'x', session: { user: 'ann', visits: 1 } });
        expect(set).to.match(/^session=[^;]{40,}; Path=\/; HttpOnly; SameSite=Lax$/);
        expect(await visitor.visit())
          .to.include({ set: undefined })
          .and.deep.include({ seen: { user: 'ann', visits: 1 } });
        await visitor.visit({ body: 'x', session: { visits: 2 } });
        expect((await visitor.visit()).seen).to.deep.equal({ visits: 2 });
      });

      it('ends when a reply says null', async () => {
        const visitor = new Visitor({ store: make() });
        await visitor.visit({ body: 'x', session: { user: 'ann' } });
        const { set } = await visitor.visit({ body: 'x', session: null });
        expect(set).to.match(/^session=; Max-Age=0; Path=\/;/);
        expect((await visitor.visit()).seen).to.deep.equal({});
      });

      it('takes over no key that a client has made up', async () => {
        const visitor = new Visitor({ store: make() });
        for (const planted of ['session=planted', 'session=', 'session=__proto__', `session=${'A'.repeat(43)}`]) {
          visitor.cookie = planted;
          expect((await visitor.visit()).seen, planted).to.deep.equal({});
          const { set } = await visitor.visit({ body: 'x', session: { user: 'ann' } });
          expect(set?.split(';', 1)[0], planted).to.not.equal(planted);
        }
      });

      it('gives a new key to a session that is regenerated, with what is in it', async () => {
        const visitor = new Visitor({ store: make() });
        await visitor.visit({ body: 'x', session: { cart: 1 } });
        const before = visitor.cookie;
        await visitor.visit({ body: 'x', session: regenerate({ cart: 1, user: 'ann' }) });
        expect(visitor.cookie).to.not.equal(before);
        expect((await visitor.visit()).seen).to.deep.equal({ cart: 1, user: 'ann' });
        if (name === 'cookieStore') return; // what a client holds cannot be taken from it
        visitor.cookie = before;
        expect((await visitor.visit()).seen).to.deep.equal({});
      });

      it('writes with each request where it rolls', async () => {
        const visitor = new Visitor({ store: make(), rolling: true });
        expect((await visitor.visit()).set).to.equal(undefined);
        await visitor.visit({ body: 'x', session: { user: 'ann' } });
        expect((await visitor.visit()).set).to.match(/^session=/);
      });
    });
  }

  it('gives a store no key that the store has not known', async () => {
    const written: (string | undefined)[] = [];
    const trusting: SessionStore = {
      read: (key) => of(key === 'known' ? { a: 1 } : undefined),
      write: (key) => {
        written.push(key);
        return of(key ?? 'new');
      },
      delete: () => of(null),
    };
    const visitor = new Visitor({ store: trusting });
    for (const cookie of ['session=planted', 'session=known', undefined]) {
      visitor.cookie = cookie;
      await visitor.visit({ body: 'x', session: { a: 2 } });
    }
    expect(written).to.deep.equal([undefined, 'known', undefined]);
  });

  it('does not bring back a session that has ended meanwhile', async () => {
    for (const saying of [
      { body: 'x', session: null },
      { body: 'x', session: regenerate({ user: 'bob' }) },
    ]) {
      const slow$ = new Subject<SessionResponse>();
      const answerTo = ({ uri }: HttpRequest): SessionResponse => (uri === '/login' ? { body: 'x', session: { user: 'ann' } } : saying);
      const handler = session({ rolling: true })(mergeMap((asked: HttpRequest) => (asked.uri === '/slow' ? slow$ : of(answerTo(asked)))));
      const ask = (uri: string, cookie?: string) => inject(handler, { uri, headers: { cookie } }).collect();
      const cookie = (await ask('/login')).headers['set-cookie']?.split(';', 1)[0];
      const slow = ask('/slow', cookie);
      await ask('/end', cookie);
      slow$.next({ status: 202, body: null });
      slow$.complete();
      const { status, headers } = await slow;
      expect([status, headers['set-cookie']]).to.deep.equal([202, undefined]);
    }
  });

  it('lets a reply pass where a store says nothing', async () => {
    const silent: SessionStore = { read: () => EMPTY, write: () => EMPTY, delete: () => EMPTY };
    const { set, reply } = await new Visitor({ store: silent }).visit({ body: 'x', session: { a: 1 } });
    expect([reply.text, set]).to.deep.equal(['x', undefined]);
  });

  it('keeps nothing of a reply that fails', async () => {
    const store = memoryStore();
    const handler = session({ store })(() => throwError(() => new HttpError(418)));
    expect((await inject(handler, '/').collect()).headers['set-cookie']).to.equal(undefined);
  });

  it('waits for a store, and fails with it', async () => {
    const slow: SessionStore = {
      read: () => of({ a: 1 }).pipe(delay(2)),
      write: () => of('key').pipe(delay(2)),
      delete: () => Promise.resolve(),
    };
    const visitor = new Visitor({ store: slow });
    visitor.cookie = 'session=b';
    const { seen, set } = await visitor.visit({ body: 'x', session: { a: 2 } });
    expect([seen, set?.split(';', 1)[0]]).to.deep.equal([{ a: 1 }, 'session=key']);
    const broken = new Visitor({ store: { ...slow, write: () => Promise.reject(new Error('no store')) } });
    const { reply } = await broken.visit({ body: 'x', session: { a: 2 } });
    expect([reply.status, (reply.events[0].error.cause as Error).message]).to.deep.equal([500, 'no store']);
  });

  it('lets go of a store that does not answer when the client leaves', () => {
    let subscriptions = 0;
    const silent: SessionStore = { read: () => NEVER, write: () => NEVER, delete: () => NEVER };
    const subscription = inject(session({ store: silent })(map(() => String(subscriptions++))), {
      headers: { cookie: 'session=a' },
    }).reply$.subscribe();
    subscription.unsubscribe();
    expect(subscriptions).to.equal(0);
  });

  it('fails a reply whose session is no object', async () => {
    expect((await new Visitor().visit({ body: 'x', session: 'ann' as unknown as null })).reply.status).to.equal(500);
  });

  it('names and dresses its cookie as it is told to', async () => {
    const visitor = new Visitor({ cookieName: '__Host-id', cookieAttrs: { secure: true, sameSite: 'strict', maxAge: 60 } });
    const { set } = await visitor.visit({ body: 'x', session: { a: 1 } });
    expect(set).to.match(/^__Host-id=[\w-]{43}; Max-Age=60; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
  });

  const refused: readonly (readonly [string, SessionOptions])[] = [
    ['secure', { cookieName: '__Host-id' }],
    ['path', { cookieName: '__Host-id', cookieAttrs: { secure: true, path: '/a' } }],
    ['cookieName', { cookieName: 'a b' }],
    ['ttlMs', { ttlMs: 0 }],
    ['store', { store: {} as SessionStore }],
    ['maxAgeMs', { maxAgeMs: 1 } as SessionOptions],
  ];
  for (const [option, options] of refused) {
    it(`refuses ${JSON.stringify(options)}`, () =>
      expect(() => session(options))
        .to.throw(OptionError)
        .with.property('option', option));
  }
});

describe('memoryStore', () => {
  const written = (store: SessionStore, data: object, key?: string, ttlMs = 10): string | undefined => {
    let result: string | undefined;
    from(store.write(key, { ...data }, ttlMs)).subscribe((value) => (result = value));
    return result;
  };
  const data = (store: SessionStore, key: string | undefined): unknown => {
    let result: unknown;
    from(store.read(key ?? '')).subscribe((value) => (result = value));
    return result;
  };

  it('forgets a session when its time has come', () => {
    marbles(({ at, flush }) => {
      const seen: unknown[] = [];
      const store = memoryStore();
      const key = written(store, { a: 1 });
      at('9ms a a', () => seen.push(data(store, key)));
      flush();
      expect(seen).to.deep.equal([{ a: 1 }, undefined]);
    });
  });

  it('forgets the one that was used the longest ago past maxSessions', () => {
    const store = memoryStore({ maxSessions: 2 });
    const [a, b] = [written(store, { n: 'a' }), written(store, { n: 'b' })];
    data(store, a);
    const c = written(store, { n: 'c' });
    expect([data(store, a), data(store, b), data(store, c)]).to.deep.equal([{ n: 'a' }, undefined, { n: 'c' }]);
  });

  it('writes nothing under a key that it does not know', () => {
    const store = memoryStore();
    expect([written(store, { a: 1 }, 'planted'), data(store, 'planted')]).to.deep.equal([undefined, undefined]);
    const key = written(store, { a: 1 });
    expect(key).to.match(/^[\w-]{43}$/);
    expect([written(store, { a: 2 }, key), data(store, key)]).to.deep.equal([key, { a: 2 }]);
  });

  it('shares nothing with who writes or reads', () => {
    const store = memoryStore();
    const mine = { list: [1] };
    const key = written(store, mine);
    mine.list.push(2);
    (data(store, key) as typeof mine).list.push(3);
    expect(data(store, key)).to.deep.equal({ list: [1] });
  });

  it('refuses wrong options', () => {
    expect(() => memoryStore({ maxSessions: 0 })).to.throw(OptionError, 'maxSessions');
    expect(() => memoryStore({ size: 1 } as MemoryStoreOptions)).to.throw(OptionError, 'size');
  });
});

describe('cookieStore', () => {
  it('shows a client nothing, and takes nothing that was changed', async () => {
    const visitor = new Visitor({ store: cookieStore({ secrets: [SECRET] }) });
    await visitor.visit({ body: 'x', session: { user: 'ann' } });
    const cookie = decodeURIComponent(visitor.cookie ?? '');
    expect(cookie).to.not.contain('ann').and.not.contain(Buffer.from('ann').toString('base64url'));
    for (const at of [20, 60, 120, cookie.length - 2]) {
      visitor.cookie = encodeURIComponent(cookie.slice(0, at) + (cookie[at] === 'A' ? 'B' : 'A') + cookie.slice(at + 1)).replace(
        '%3D',
        '=',
      );
      expect((await visitor.visit()).seen, `changed at ${at}`).to.deep.equal({});
    }
  });

  it('reads what an older secret has sealed, while it is there', async () => {
    const visitor = new Visitor({ store: cookieStore({ secrets: [OLDER] }) });
    await visitor.visit({ body: 'x', session: { user: 'ann' } });
    const rotated = new Visitor({ store: cookieStore({ secrets: [SECRET, OLDER] }) });
    rotated.cookie = visitor.cookie;
    expect((await rotated.visit()).seen).to.deep.equal({ user: 'ann' });
    const replaced = new Visitor({ store: cookieStore({ secrets: [SECRET] }) });
    replaced.cookie = visitor.cookie;
    expect((await replaced.visit()).seen).to.deep.equal({});
  });

  it('fails a reply whose session is too long for a cookie', async () => {
    const visitor = new Visitor({ store: cookieStore({ secrets: [SECRET] }) });
    const { reply } = await visitor.visit({ body: 'x', session: { text: 'x'.repeat(4_000) } });
    expect([reply.status, reply.events[0].error.message]).to.match(/500,a session is \d+ octets, limit 3800 of a cookie/);
  });

  it('refuses secrets that are too short', () => expect(() => cookieStore({ secrets: ['short'] })).to.throw(OptionError, 'secrets'));
});
