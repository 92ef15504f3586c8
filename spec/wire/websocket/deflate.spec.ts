/** permessage-deflate on real sockets, RFC 7692. */
import { constants, deflateRawSync } from 'node:zlib';
import { expect } from 'chai';
import { map, mergeMap, of } from 'rxjs';
import { asChannel, type Channel, type ChannelOutput, type Message, websocket } from 'rx-http-kit';
import { binary, close, FrameClient, frame, inflated, more, ping, text } from '../../support/frame-client.js';
import { FrameSite } from '../../support/frame-site.js';
import { turns, until } from '../../support/raw-client.js';
import { ServerApart } from '../../support/server-apart.js';

const OFFER = { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_no_context_takeover; server_no_context_takeover' };
const ANSWER = 'permessage-deflate; client_no_context_takeover; server_no_context_takeover';
const RSV1 = { rsv: 4 };
const MAX_WS = 1_048_576;

/** A message as RFC 7692 §7.2.1 compresses it. */
const deflated = (message: string | Buffer): Buffer => deflateRawSync(message, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);

const LONG = 'all work and no play '.repeat(100);

describe('WebSocket permessage-deflate', () => {
  let frames: FrameSite;

  before(async () => {
    const echo = websocket(
      map((message: Message) => message),
      { perMessageDeflate: true, maxWs: MAX_WS },
    );
    const keen = websocket(
      map((message: Message) => message),
      { perMessageDeflate: { threshold: 0, concurrencyLimit: 2 }, maxWs: MAX_WS },
    );
    frames = await FrameSite.start((requests$) =>
      requests$.pipe(mergeMap((request) => of(request).pipe(request.uri === '/keen' ? keen : echo))),
    );
  });

  after(async () => {
    frames.expectNoFailures();
    await frames.stop();
  });

  const said = async (client: FrameClient): Promise<string> => {
    const { isCompressed, payload } = await client.next();
    return (isCompressed ? inflated(payload) : payload).toString();
  };

  for (const [offer, want] of [
    ['permessage-deflate', 'permessage-deflate'],
    ['permessage-deflate; server_no_context_takeover', 'permessage-deflate; server_no_context_takeover'],
    ['permessage-deflate; client_no_context_takeover', 'permessage-deflate; client_no_context_takeover'],
    ['permessage-deflate; client_max_window_bits', 'permessage-deflate'],
    ['permessage-deflate; client_max_window_bits=15', /^permessage-deflate(; client_max_window_bits=15)?$/],
    ['permessage-deflate; client_max_window_bits=10', /^permessage-deflate(; client_max_window_bits=10)?$/],
    ['permessage-deflate; client_max_window_bits="10"', /^permessage-deflate(; client_max_window_bits=10)?$/],
    ['permessage-deflate; server_max_window_bits=15', 'permessage-deflate; server_max_window_bits=15'],
    ['permessage-deflate; server_max_window_bits=9', 'permessage-deflate; server_max_window_bits=9'],
    ['permessage-deflate; server_max_window_bits=8', undefined],
    ['permessage-deflate; server_max_window_bits=7', undefined],
    ['permessage-deflate; server_max_window_bits=16', undefined],
    ['permessage-deflate; server_max_window_bits=010', undefined],
    ['permessage-deflate; server_max_window_bits=1e1', undefined],
    ['permessage-deflate; server_max_window_bits', undefined],
    ['permessage-deflate; client_max_window_bits=7', undefined],
    ['permessage-deflate; client_max_window_bits=16', undefined],
    ['permessage-deflate; client_max_window_bits=0xa', undefined],
    ['permessage-deflate; server_no_context_takeover=1', undefined],
    ['permessage-deflate; client_no_context_takeover=true', undefined],
    ['permessage-deflate; unknown', undefined],
    ['permessage-deflate; unknown=1', undefined],
    ['permessage-deflate; server_no_context_takeover; server_no_context_takeover', undefined],
    ['permessage-deflate; server_max_window_bits=10; server_max_window_bits=10', undefined],
    ['permessage-deflate; unknown, permessage-deflate', 'permessage-deflate'],
    [
      'permessage-deflate; server_max_window_bits=7, permessage-deflate; server_no_context_takeover',
      'permessage-deflate; server_no_context_takeover',
    ],
    ['permessage-deflate; server_no_context_takeover, permessage-deflate', 'permessage-deflate; server_no_context_takeover'],
    ['x-webkit-deflate-frame, permessage-deflate', 'permessage-deflate'],
    ['permessage-bzip2; a=b', undefined],
    ['Permessage-Deflate', undefined],
  ] as const) {
    it(`RFC 7692 §7.1: ${offer} is ${want === undefined ? 'declined' : 'agreed on'}`, async () => {
      const client = await frames.open({ fields: { 'Sec-WebSocket-Extensions': offer } });
      const answer = client.field('sec-websocket-extensions');
      if (want instanceof RegExp) expect(answer).to.match(want);
      else expect(answer).to.equal(want);
      client.send(text('hello'), close(1000));
      expect(await client.rest()).to.deep.equal(['text hello', 'close 1000']);
    });
  }

  it('agrees out of several lines', async () => {
    const request = [
      'GET / HTTP/1.1',
      'Host: x',
      'Upgrade: websocket',
      'Connection: upgrade',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Extensions: foo',
      'Sec-WebSocket-Extensions: permessage-deflate',
      '',
      '',
    ].join('\r\n');
    expect((await frames.open({ request })).field('sec-websocket-extensions')).to.equal('permessage-deflate');
  });

  it('keeps to the window that the client can hold', async () => {
    for (const bits of [9, 10, 12, 15]) {
      const client = await frames.open({
        fields: { 'Sec-WebSocket-Extensions': `permessage-deflate; server_no_context_takeover; server_max_window_bits=${bits}` },
        path: '/keen',
      });
      const random = Array.from({ length: 3_000 }, (_, index) => ((index * 7_919) % 65_521).toString(36)).join('');
      client.send(binary(random + random));
      const { payload, isCompressed } = await client.next();
      expect(isCompressed).to.equal(true);
      expect(inflated(payload, bits).toString()).to.equal(random + random);
      client.abort();
    }
  });

  for (const [length, isCompressed] of [
    [0, false],
    [1, false],
    [1_023, false],
    [1_024, true],
    [5_000, true],
  ] as const) {
    it(`sends ${length} octets ${isCompressed ? 'compressed' : 'as they are'}: the threshold is 1,024`, async () => {
      const client = await frames.open({ fields: OFFER });
      const reply = await client.send(text('a'.repeat(length))).next();
      expect(reply.isCompressed).to.equal(isCompressed);
      expect((isCompressed ? inflated(reply.payload) : reply.payload).toString()).to.equal('a'.repeat(length));
    });
  }

  for (const message of ['', 'a', 'hello', LONG, 'ä€𐀀'.repeat(500)]) {
    it(`takes ${Buffer.byteLength(message)} octets compressed, in one frame and in pieces`, async () => {
      const client = await frames.open({ fields: OFFER });
      expect(client.field('sec-websocket-extensions')).to.equal(ANSWER);
      const bytes = deflated(message);
      client.send(text(bytes, RSV1));
      expect(await said(client)).to.equal(message);
      client.send(text(bytes.subarray(0, 1), { ...RSV1, fin: false }), ping('p'), more(bytes.subarray(1)));
      expect(await client.word()).to.equal('pong p');
      expect(await said(client)).to.equal(message);
      client.send(text(message));
      expect(await said(client)).to.equal(message);
      await client.sendApart([...text(bytes, RSV1)].slice(0, 400).map((octet) => Buffer.from([octet])));
      if (text(bytes, RSV1).length <= 400) expect(await said(client)).to.equal(message);
    });
  }

  it('takes a message whose last block is marked as such, and others behind it', async () => {
    const client = await frames.open({ fields: OFFER });
    for (let round = 0; round < 3; round++) {
      client.send(text(deflateRawSync(LONG), RSV1));
      expect(await said(client)).to.equal(LONG);
    }
  });

  it('keeps messages and pings in order, compressed or not', async () => {
    const client = await frames.open({ fields: OFFER });
    const all = Array.from({ length: 200 }, (_, index) => (index % 3 === 0 ? `${index} ${LONG}` : `${index}`));
    client.send(...all.map((message, index) => (index % 2 === 0 ? text(deflated(message), RSV1) : text(message))));
    for (const message of all) expect(await said(client)).to.equal(message);
  });

  it('serves many clients with two compressions at a time', async () => {
    const clients = await Promise.all(Array.from({ length: 30 }, () => frames.open({ fields: OFFER, path: '/keen' })));
    await Promise.all(
      clients.map(async (client, index) => {
        for (let round = 0; round < 5; round++) {
          client.send(text(deflated(`${index} ${round} ${LONG}`), RSV1));
          expect(await said(client)).to.equal(`${index} ${round} ${LONG}`);
        }
      }),
    );
    for (const client of clients) client.abort();
  });

  for (const [name, code, make] of [
    ['rsv1 on a continuation', 1002, () => [text('a', { ...RSV1, fin: false }), more('b', RSV1)]],
    ['rsv1 on a ping', 1002, () => [ping('', RSV1)]],
    ['rsv1 on a close', 1002, () => [close(1000, '', RSV1)]],
    ['rsv2', 1002, () => [text('a', { rsv: 2 })]],
    ['data that is none', 1007, () => [text(Buffer.alloc(50, 255), RSV1)]],
    [
      'data that breaks off with an error',
      1007,
      () => [text(Buffer.concat([deflated(LONG).subarray(0, 20), Buffer.alloc(20, 255)]), RSV1)],
    ],
    ['a reserved block type', 1007, () => [text(Buffer.from([0x06, 0, 0]), RSV1)]],
    ['bad UTF-8', 1007, () => [text(deflated(Buffer.from([0x61, 0xc0, 0xaf])), RSV1)]],
    ['a bomb of 64 MiB in one frame', 1009, () => [text(deflated(Buffer.alloc(67_108_864)), RSV1)]],
    [
      'a bomb in two frames',
      1009,
      () => {
        const whole = deflated(Buffer.alloc(2 * MAX_WS));
        return [binary(whole.subarray(0, 500), { ...RSV1, fin: false }), more(whole.subarray(500))];
      },
    ],
  ] as const) {
    it(`closes ${code} for ${name}`, async () => {
      const client = await frames.open({ fields: OFFER });
      client.send(...make());
      expect(await client.rest()).to.deep.equal([`close ${code}`]);
    });
  }

  it('closes 1002 for rsv1 that was not agreed on', async () => {
    const client = (await frames.open()).send(text(deflated('hello'), RSV1));
    expect(await client.rest()).to.deep.equal(['close 1002']);
  });

  it('takes a message of exactly maxWs after inflation, not one octet more', async () => {
    const client = await frames.open({ fields: OFFER });
    client.send(binary(deflated(Buffer.alloc(MAX_WS, 7)), RSV1));
    expect(inflated((await client.next()).payload).length).to.equal(MAX_WS);
    client.send(binary(deflated(Buffer.alloc(MAX_WS + 1, 7)), RSV1));
    expect(await client.rest()).to.deep.equal(['close 1009']);
  });

  it('holds little of fifty bombs at once', async () => {
    const bomb = text(deflated(Buffer.alloc(67_108_864)), RSV1);
    const server = await ServerApart.start(new URL('../subjects/inflating-server.js', import.meta.url), String(MAX_WS));
    const target = { port: server.port };
    const clients = await Promise.all(Array.from({ length: 50 }, () => FrameClient.open(target, { fields: OFFER })));
    try {
      const start = await server.ask('start');
      await Promise.all(clients.map(async (client) => expect(await client.send(bomb).rest(20_000)).to.deep.equal(['close 1009'])));
      expect((await server.ask('peak')) - start, 'resident octets').to.be.below(250 * 1_048_576); // of 3.2 GB
    } finally {
      for (const client of clients) client.abort();
      await server.stop();
    }
  }).timeout(60_000);

  it('loses nothing of what is inflated only when somebody wants it', async () => {
    const large = binary(deflated(Buffer.alloc(4_000_000)), RSV1);
    let channel: Channel<Message, ChannelOutput> | undefined;
    let got = 0;
    await FrameSite.with(
      asChannel((opened) => void (channel = opened), { perMessageDeflate: true }),
      async (own) => {
        const client = await own.open({ fields: OFFER });
        client.send(...Array.from({ length: 20 }, () => large), close(4000)); // 80 kB of 80 MB
        await turns(1_000);
        expect(got).to.equal(0);
        channel?.subscribe((message) => (got += message.length));
        await until('all came', () => got === 80_000_000);
        expect(await client.rest()).to.deep.equal(['close 4000']);
      },
    );
  });

  it('sends the close behind a message that is still being compressed', async () => {
    const big = LONG.repeat(300);
    await FrameSite.with(
      asChannel(
        (channel) =>
          channel.onReceive(() => {
            channel.send(big);
            channel.send('small');
            channel.close(4000, 'done');
          }),
        { perMessageDeflate: true },
      ),
      async (own) => {
        const client = (await own.open({ fields: OFFER })).send(text('go'));
        expect(await said(client)).to.equal(big);
        expect(await client.words(2)).to.deep.equal(['text small', 'close 4000 done']);
        client.send(close(4000));
        expect(await client.ended()).to.equal('end');
      },
    );
  });

  it('loses nothing when both sides close while a message is being compressed', async () => {
    const big = LONG.repeat(2_000);
    await FrameSite.with(
      asChannel(
        (channel) =>
          channel.onReceive(() => {
            channel.send(big);
            channel.close(4000);
          }),
        { perMessageDeflate: true },
      ),
      async (own) => {
        const client = (await own.open({ fields: OFFER })).send(text('go'), close(1000));
        expect(await said(client)).to.equal(big);
        expect(await client.rest()).to.deep.equal(['close 4000']);
      },
    );
  });

  it('answers messages that are compressed before the close that stands behind them', async () => {
    const client = (await frames.open({ fields: OFFER })).send(text(deflated(LONG), RSV1), text(deflated('b'), RSV1), close(1000, 'bye'));
    expect(await said(client)).to.equal(LONG);
    expect(await client.rest()).to.deep.equal(['text b', 'close 1000 bye']);
  });

  it('closes 1002 behind a message that is still being compressed', async () => {
    const client = (await frames.open({ fields: OFFER })).send(text(deflated(LONG), RSV1), frame(5, 'x'));
    expect(await said(client)).to.equal(LONG);
    expect(await client.rest()).to.deep.equal(['close 1002']);
  });

  it('survives clients that leave while messages are inflated and compressed', async () => {
    const big = text(deflated(LONG.repeat(400)), RSV1);
    const open = frames.site.open;
    for (let round = 0; round < 10; round++) {
      const clients = await Promise.all(Array.from({ length: 10 }, () => frames.open({ fields: OFFER })));
      for (const client of clients) client.send(big, big, big);
      await turns(round);
      for (const client of clients) client.abort();
      await until('they have gone', () => frames.site.open <= open);
    }
    const client = (await frames.open({ fields: OFFER })).send(text('alive'));
    expect(await client.word()).to.equal('text alive');
  });

  it('bounds what waits to be compressed for a client that does not read', async () => {
    const seen = { refused: false, sent: 0 };
    const message = Array.from({ length: 3_000 }, (_, index) => ((index * 7_919) % 65_521).toString(36)).join('');
    await FrameSite.with(
      asChannel(
        (channel) =>
          channel.onReceive(() => {
            while (seen.sent < 100_000 && channel.send(message)) seen.sent++;
            seen.refused = !channel.isOpen;
          }),
        { perMessageDeflate: true, queueSize: 100 },
      ),
      async (own) => {
        const client = (await own.open({ fields: OFFER })).pause().send(text('go'));
        await until('the channel has closed', () => seen.refused);
        expect(seen.sent).to.be.below(1_000);
        expect(own.site.codes).to.deep.equal(['RHK_SLOW_CLIENT']);
        client.resume();
      },
    );
  });
});
