import { expect } from 'chai';
import { map, mergeMap } from 'rxjs';
import { asChannel } from '#src/index.js';
import { mapResponse } from '#src/middleware/index.js';
import type { Handler } from '#src/rx/handler.js';
import { get, routes } from '#src/routing/index.js';
import { admit } from '#src/rx/admission/admit.js';
import { inject } from '#src/testing/index.js';

/** What somebody without a compiler may pass for a handler. */
const given = (value: unknown): Handler => value as Handler;

const faultOf = async (handler: Handler): Promise<readonly [number, string, string]> => {
  const { status, events } = await inject(handler, '/').collect();
  const [event] = events;
  const { code, message } = event.error as Error & { code: string }; // every error of the server has a code
  return [status, code, message];
};

const HINT = 'an operator takes the stream of requests and gives one of replies, as map(request => reply) does';

const MISTAKES: Record<string, readonly [Handler, string]> = {
  'a function of a request': [given(() => ({ status: 200 })), 'an object with keys [status]'],
  'an async function': [given(async () => Promise.resolve('hello')), 'a Promise'],
  'a function that returns nothing': [given(() => undefined), 'undefined'],
  'a middleware': [given((handler: Handler) => (requests$: never) => handler(requests$)), 'a function'],
};

describe('repliesOf', () => {
  for (const [name, [handler, gave]] of Object.entries(MISTAKES)) {
    it(`says what is wrong with ${name}, wherever it stands`, async () => {
      const fault = [500, 'RHK_BAD_REPLY', `handler gave ${gave}, not an Observable: ${HINT}`];
      expect(await faultOf(handler), 'alone').to.deep.equal(fault);
      expect(await faultOf(routes(get('/', handler))), 'in a route').to.deep.equal(fault);
      expect(await faultOf(admit({ concurrency: 1 })(handler)), 'behind a gate').to.deep.equal(fault);
      expect(await faultOf(mapResponse(handler, (response) => response)), 'behind middleware').to.deep.equal(fault);
    });
  }

  it('says what is wrong with an async project function', async () => {
    const handler = given(map(async () => Promise.resolve('hello')));
    expect(await faultOf(handler)).to.deep.equal([
      500,
      'RHK_BAD_REPLY',
      'reply is a Promise, not a response or a body: mergeMap waits for a Promise, map does not',
    ]);
    expect(
      (
        await inject(
          mergeMap(async () => Promise.resolve('hello')),
          '/',
        ).collect()
      ).text,
    ).to.equal('hello');
  });

  it('says that nothing was returned', async () => {
    const handler = given(map(() => undefined));
    expect(await faultOf(handler)).to.deep.equal([
      500,
      'RHK_BAD_REPLY',
      'reply is undefined, not a response or a body: nothing was returned; null is a reply without a body',
    ]);
  });

  it('lets a channel be set up in an arrow function that returns what send says', async () => {
    const reply = await inject(
      asChannel((channel) => void channel.send('hello')),
      '/',
    ).collect();
    const hasty = await inject(
      asChannel(((channel) => channel.send('hello')) as Parameters<typeof asChannel>[0]), // what the compiler would refuse
      '/',
    ).collect();
    expect([hasty.status, hasty.text, hasty.events]).to.deep.equal([reply.status, reply.text, []]);
  });

  it('says what is wrong with an async setup of a channel', async () => {
    const setup = async (): Promise<void> => Promise.resolve();
    expect(await faultOf(asChannel(setup as never))).to.deep.equal([
      500,
      'RHK_BAD_REPLY',
      'setup of a channel gave a Promise, not a Subscription, a function or nothing: it must not be async',
    ]);
  });

  it('says which callback of a channel is none', () => {
    const wrong = (callbacks: object) => () => asChannel(callbacks as never);
    expect(wrong({ onMessage: () => undefined })).to.throw(
      'option onMessage: is not an option; the options are init, onOpen, onReceive, onPing, onClose, onHandshakeError',
    );
    expect(wrong({ onOpen: 'hello' })).to.throw('option onOpen: is hello, must be a function');
  });
});
