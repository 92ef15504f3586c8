import { expect } from 'chai';
import { map } from 'rxjs';
import type { Handler, HttpRequest } from 'rx-http-kit';
import {
  compose,
  flash,
  type FlashFields,
  type FlashResponse,
  session,
  type SessionFields,
  type SessionResponse,
} from 'rx-http-kit/middleware';
import { inject } from 'rx-http-kit/testing';

type Said = FlashResponse & SessionResponse;

/** Says each of `replies` in turn, and tells what each request found. */
const visits = async (...replies: readonly Said[]): Promise<unknown[]> => {
  let turn = 0;
  let cookie: string | undefined;
  const seen: unknown[] = [];
  const handler: Handler = compose(
    session(),
    flash(),
  )(
    map((request) => {
      const { flash: said, session: kept } = request as HttpRequest & FlashFields & SessionFields; // as the two add it
      seen.push([said, kept]);
      return { body: null, ...replies[turn] };
    }),
  );
  for (; turn < replies.length; turn++) {
    const { headers, status } = await inject(handler, { headers: { cookie } }).collect();
    expect(status).to.equal(200);
    if (headers['set-cookie'] !== undefined) cookie = headers['set-cookie'].split(';', 1)[0];
  }
  return seen;
};

describe('flash', () => {
  it('is there for the next request, once', async () => {
    expect(await visits({ flash: 'saved' }, {}, {})).to.deep.equal([
      [undefined, {}],
      ['saved', {}],
      [undefined, {}],
    ]);
  });

  it('leaves the session as it is, and replaces and outlives it', async () => {
    expect(await visits({ session: { user: 'ann' } }, { flash: 1 }, { flash: 2 }, { session: null, flash: 'bye' }, {})).to.deep.equal([
      [undefined, {}],
      [undefined, { user: 'ann' }],
      [1, { user: 'ann' }],
      [2, { user: 'ann' }],
      ['bye', {}],
    ]);
  });

  it('says what is missing without a session', async () => {
    const { status, events } = await inject(flash()(map(() => 'x')), '/').collect();
    expect([status, events[0].error.message]).to.deep.equal([500, 'flash() needs session() around it']);
  });
});
