/** The opening handshake on real sockets, RFC 6455 §4.2. */
import { expect } from 'chai';
import { delay, map, mergeMap, of } from 'rxjs';
import { asChannel, type ChannelOptions, type Handler, HttpError, type Message, websocket } from 'rx-http-kit';
import { close, handshake, text } from '../../support/frame-client.js';
import { FrameSite } from '../../support/frame-site.js';
import { untyped } from '../../support/by-path.js';
import { valueOf } from '../../support/response-reader.js';
import { ACCEPTED_HANDSHAKES, REFUSED_HANDSHAKES } from '../cases/websocket-handshake.js';

type Options = ChannelOptions<Message, string | Uint8Array>;

const echo = map((message: Message) => message);
const echoing = (options: Options): Handler => websocket(echo, options as Omit<Options, 'codec'>);
const BEHIND = 'GET /behind HTTP/1.1\r\nHost: x\r\n\r\n';

describe('WebSocket handshake', () => {
  let frames: FrameSite;
  let uris: string[] = [];

  before(async () => {
    const endpoint = websocket(echo);
    frames = await FrameSite.start((requests$) =>
      requests$.pipe(
        mergeMap((request) => {
          uris.push(request.uri);
          return of(request).pipe(endpoint);
        }),
      ),
    );
  });

  after(async () => {
    frames.expectNoFailures();
    await frames.stop();
  });

  beforeEach(() => (uris = []));

  for (const { name, send, status, reply = {} } of REFUSED_HANDSHAKES) {
    it(`refuses ${name}: ${status}, and never parses what stands behind`, async () => {
      const client = await frames.site.connect();
      client.send(send + BEHIND);
      const response = await client.response();
      expect(response.status).to.equal(status);
      expect(response.interim).to.deep.equal([]);
      for (const [field, value] of Object.entries(reply)) expect(valueOf(response, field)).to.equal(value);
      expect(valueOf(response, 'connection')).to.match(/close/);
      expect(await client.ended()).to.equal('end');
      expect(uris).to.not.include('/behind');
      client.leave();
    });
  }

  for (const { name, send, key, reply = {} } of ACCEPTED_HANDSHAKES) {
    it(`takes ${name}`, async () => {
      const client = await frames.dial();
      client.send(Buffer.from(send, 'latin1'), text('hi'));
      await client.upgraded(key);
      for (const [field, value] of Object.entries(reply)) expect(client.field(field)).to.equal(value ?? undefined);
      client.send(close(1000));
      expect(await client.rest()).to.deep.equal(['text hi', 'close 1000']);
    });
  }

  it('takes a handshake cut at every octet, with a frame behind it', async () => {
    const bytes = Buffer.concat([Buffer.from(handshake(), 'latin1'), text('hello'), close(1000)]);
    const cuts = [...bytes.keys()].slice(1);
    for (let from = 0; from < cuts.length; from += 32) {
      await Promise.all(
        cuts.slice(from, from + 32).map(async (cut) => {
          const client = await frames.dial();
          await client.sendApart([bytes.subarray(0, cut), bytes.subarray(cut)]);
          await client.upgraded();
          expect(await client.rest(), `cut at ${cut}`).to.deep.equal(['text hello', 'close 1000']);
        }),
      );
    }
  });

  it('takes a handshake and its frames one octet at a time', async () => {
    const bytes = Buffer.concat([Buffer.from(handshake(), 'latin1'), text('hello'), close(1000)]);
    const client = await frames.dial();
    await client.sendApart([...bytes.keys()].map((at) => bytes.subarray(at, at + 1)));
    await client.upgraded();
    expect(await client.rest()).to.deep.equal(['text hello', 'close 1000']);
  });

  it('tells a plain GET to upgrade, with 426', async () => {
    const client = await frames.site.connect();
    const response = await client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n').response();
    expect(response.status).to.equal(426);
    expect(valueOf(response, 'upgrade')).to.equal('websocket');
    expect(valueOf(response, 'connection')).to.match(/upgrade/i); // RFC 9110 §7.8
    client.leave();
  });

  it('tells a plain HEAD nothing but the head', async () => {
    const client = await frames.site.connect();
    const response = await client.send('HEAD / HTTP/1.1\r\nHost: x\r\n\r\n').response('HEAD');
    expect(response.status).to.be.oneOf([405, 426]);
    client.leave();
  });

  it('keeps a thousand frames that come with the handshake, in order', async () => {
    const all = Array.from({ length: 1_000 }, (_, index) => `message ${index}`);
    const client = await frames.open({ behind: Buffer.concat([...all.map((message) => text(message)), close(1000)]) });
    expect(await client.rest()).to.deep.equal([...all.map((message) => `text ${message}`), 'close 1000']);
  });

  it('keeps frames that come while the handler still thinks', async () => {
    await FrameSite.with(
      (requests$) => requests$.pipe(delay(30), websocket(echo)),
      async (slow) => {
        const all = Array.from({ length: 500 }, (_, index) => `${index}`.repeat(300));
        const client = await slow.dial();
        client.send(Buffer.from(handshake(), 'latin1'), ...all.map((message) => text(message)), close(1000));
        await client.upgraded();
        const rest = await client.rest();
        expect(rest.length).to.equal(501);
        expect(rest.at(-1)).to.equal('close 1000');
      },
    );
  });

  it('is answered behind the replies of a pipeline', async () => {
    const endpoint = websocket(echo);
    await FrameSite.with(
      (requests$) =>
        requests$.pipe(mergeMap((request) => (request.uri === '/ws' ? of(request).pipe(endpoint) : of('plain').pipe(delay(10))))),
      async (mixed) => {
        const client = await mixed.site.connect();
        client.send(`GET / HTTP/1.1\r\nHost: x\r\n\r\n${handshake({}, 'GET /ws HTTP/1.1')}`);
        expect((await client.response()).body.toString()).to.equal('plain');
        client.leave();
      },
    );
  });

  describe('options', () => {
    const fieldOf = async (options: Options, name: string, fields: Readonly<Record<string, string>>): Promise<string | undefined> => {
      let found: string | undefined;
      await FrameSite.with(echoing(options), async (own) => {
        found = (await own.open({ fields })).field(name);
      });
      return found;
    };

    const statusOf = async (handler: Handler, fields: Readonly<Record<string, string>> = {}): Promise<string> => {
      let found = '';
      await FrameSite.with(handler, async (own) => {
        const client = await own.site.connect();
        const response = await client.send(handshake(fields) + BEHIND).response();
        found = `${response.status} ${response.body.toString()}`;
        expect(await client.ended(), 'what stands behind a refused handshake').to.equal('end');
      });
      return found;
    };

    const PROTOCOL = 'sec-websocket-protocol';
    for (const [name, protocols, offered, want] of [
      ['the first that the client wants and we speak', ['a', 'b'], 'b, a', 'b'],
      ['the only one in common', ['a', 'b'], 'x, y, b', 'b'],
      ['none in common', ['a'], 'x, y', undefined],
      ['none asked for', ['a'], undefined, undefined],
      ['names are told apart by case', ['A'], 'a', undefined],
      ['a function', (all: readonly string[]) => all.at(-1), 'x, y, z', 'z'],
      ['a function that wants none', () => undefined, 'x', undefined],
      ['a function without an offer', (all: readonly string[]) => all[0], undefined, undefined],
    ] as const) {
      it(`choose a subprotocol: ${name}`, async () => {
        const fields: Readonly<Record<string, string>> = offered === undefined ? {} : { 'Sec-WebSocket-Protocol': offered };
        expect(await fieldOf({ protocols: untyped(protocols) }, PROTOCOL, fields)).to.equal(want);
      });
    }

    it('choose a subprotocol out of several lines', async () => {
      await FrameSite.with(echoing({ protocols: ['c'] }), async (own) => {
        const request = handshake().replace(/\r\n$/, 'Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Protocol: c\r\n\r\n');
        expect((await own.open({ request })).field(PROTOCOL)).to.equal('c');
      });
    });

    it('give the function the request', async () => {
      const protocols = (offered: readonly string[], request: { readonly headers: Readonly<Record<string, string | undefined>> }) =>
        request.headers['x-wish'] === 'last' ? offered.at(-1) : offered[0];
      expect(await fieldOf({ protocols: untyped(protocols) }, PROTOCOL, { 'Sec-WebSocket-Protocol': 'x, y', 'X-Wish': 'last' })).to.equal(
        'y',
      );
    });

    it('answer 500 for a subprotocol that was not offered, and tell why', async () => {
      await FrameSite.with(echoing({ protocols: () => 'z' }), async (own) => {
        const client = await own.site.connect();
        expect((await client.send(handshake({ 'Sec-WebSocket-Protocol': 'a' })).response()).status).to.equal(500);
        expect(own.site.codes.length).to.equal(1);
      });
    });

    const LIST = ['https://good.example', 'https://also.example'];
    for (const [name, origin, given, want] of [
      ['one of the list', LIST, 'https://also.example', true],
      ['one that is not', LIST, 'https://evil.example', false],
      ['one that begins like one of them', LIST, 'https://good.example.evil.example', false],
      ['another scheme', LIST, 'http://good.example', false],
      ['another port', LIST, 'https://good.example:8080', false],
      ['null', LIST, 'null', false],
      ['none', LIST, undefined, false],
      ['an empty list', [], 'https://good.example', false],
      ['a function that likes it', (value: string | undefined) => value?.endsWith('good.example') === true, 'https://good.example', true],
      ['a function that does not', () => false, 'https://good.example', false],
      ['a function that takes none', (value: string | undefined) => value === undefined, undefined, true],
    ] as const) {
      it(`check the origin: ${name}`, async () => {
        const fields: Readonly<Record<string, string>> = given === undefined ? {} : { Origin: given };
        if (want) await fieldOf({ origin: untyped(origin) }, 'upgrade', fields);
        else expect(await statusOf(echoing({ origin: untyped(origin) }), fields)).to.match(/^403 /);
      });
    }

    it('add fields to the 101', async () => {
      expect(await fieldOf({ headers: { 'set-cookie': 'a=b', 'x-more': 'yes' } }, 'x-more', {})).to.equal('yes');
      expect(await fieldOf({ headers: { 'set-cookie': 'a=b', 'x-more': 'yes' } }, 'set-cookie', {})).to.equal('a=b');
    });

    it('do not say what the server says itself, §4.1: a client fails what stands there twice', async () => {
      const headers = {
        Upgrade: 'h2c',
        Connection: 'close',
        'Sec-WebSocket-Accept': 'x',
        'Sec-WebSocket-Protocol': 'chat',
        'Sec-WebSocket-Extensions': 'permessage-deflate',
        'Content-Length': '5',
      };
      const site = await FrameSite.start(echoing({ headers }));
      const client = await site.dial();
      client.send(Buffer.from(handshake(), 'latin1'));
      await client.upgraded();
      const own = client.head.match(/^(?:upgrade|connection|content-length|sec-websocket-(?!accept)\w+):.*$/gim);
      expect(own).to.deep.equal(['upgrade: websocket', 'connection: upgrade']);
      expect(client.head.match(/^sec-websocket-accept:/gim)).to.have.lengthOf(1);
      await site.stop();
    });

    for (const [name, handler, want] of [
      [
        'an ordinary reply of the operator',
        websocket(() => ({ status: 401, headers: { 'www-authenticate': 'Basic' }, body: 'who are you?' })),
        '401 who are you?',
      ],
      ['a reply without a status', websocket(() => ({ body: 'not today' })), '200 not today'],
      [
        'an HttpError that the operator throws',
        websocket(() => {
          throw new HttpError(418, 'teapot');
        }),
        '418 teapot',
      ],
      [
        'an HttpError in front of it',
        ((requests$) =>
          requests$.pipe(
            map((request) => {
              if (request.isWebSocket) throw new HttpError(429, 'later');
              return request;
            }),
            websocket(echo),
          )) as Handler,
        '429 later',
      ],
      [
        'an HttpError of init',
        asChannel({
          init: () => {
            throw new HttpError(403, 'no');
          },
        }),
        '403 no',
      ],
      [
        'an HttpError of the setup',
        asChannel(() => {
          throw new HttpError(402, 'pay');
        }),
        '402 pay',
      ],
    ] as const) {
      it(`refuse by ${name}`, async () => {
        expect(await statusOf(handler)).to.equal(want);
      });
    }

    it('refuse by any other error with 500 and an event', async () => {
      await FrameSite.with(
        websocket(() => {
          throw new Error('secret');
        }),
        async (own) => {
          const client = await own.site.connect();
          const response = await client.send(handshake()).response();
          expect(response.status).to.equal(500);
          expect(response.body.toString()).to.not.include('secret');
          expect(own.site.codes).to.deep.equal(['RHK_HANDLER_FAILED']);
          expect(await client.ended()).to.equal('end');
        },
      );
    });

    it('let onHandshakeError answer a refused handshake', async () => {
      const handler = asChannel({
        onHandshakeError: (request, refusal) => ({ ...refusal, body: `${request.uri}: ${String(refusal.status)}` }),
      });
      expect(await statusOf(handler, { 'Sec-WebSocket-Key': 'short' })).to.equal('400 /: 400');
    });

    it('refuse as usual when onHandshakeError says nothing', async () => {
      expect(await statusOf(asChannel({ onHandshakeError: () => undefined }), { 'Sec-WebSocket-Version': '8' })).to.match(/^426 /);
    });
  });
});
