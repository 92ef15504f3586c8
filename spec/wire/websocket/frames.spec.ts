/** Frames of all shapes on real sockets, RFC 6455 §5–§8: sent at once, octet by octet, and cut in two everywhere. */
import { expect } from 'chai';
import { map } from 'rxjs';
import { type Message, websocket } from 'rx-http-kit';
import { binary, close, type FrameClient, frame, more, ping, text } from '../../support/frame-client.js';
import { FrameSite } from '../../support/frame-site.js';
import { seeded } from '../../support/seeded.js';
import { CLOSE_CASES, FRAME_CASES, type FrameCase, isLegalCloseCode, MAX_WS, UTF8_CASES } from '../cases/websocket-frames.js';

/** Cases up to this many octets are sent one by one as well. */
const MAX_ONE_BY_ONE = 80;

describe('WebSocket frames', () => {
  let frames: FrameSite;

  before(async () => {
    frames = await FrameSite.start(
      websocket(
        map((message: Message) => message),
        { maxWs: MAX_WS },
      ),
    );
  });

  after(async () => {
    frames.expectNoFailures();
    await frames.stop();
  });

  const check = async (client: FrameClient, { want, then }: FrameCase): Promise<void> => {
    if (then === 'open') {
      expect(await client.pulse()).to.deep.equal(want);
      client.send(close(1000));
      expect(await client.rest()).to.deep.equal(['close 1000']);
    } else {
      expect(await client.rest()).to.deep.equal(want);
    }
    client.abort();
  };

  const run = async (one: FrameCase): Promise<void> => {
    const events = frames.site.events.length;
    await check((await frames.open()).send(one.send), one);
    expect(frames.site.codes.slice(events)).to.deep.equal(
      one.want.some((word) => /^close (1002|1007|1009)/.test(word)) ? ['RHK_BAD_FRAME'] : [],
    );
    if (one.send.length > MAX_ONE_BY_ONE) return;
    const client = await frames.open();
    await client.sendApart([...one.send.keys()].map((at) => one.send.subarray(at, at + 1)));
    await check(client, one);
  };

  for (const one of [...FRAME_CASES, ...UTF8_CASES, ...CLOSE_CASES]) {
    // a fragmented message that a close breaks off is the one that ends without the client's word
    const isClosed = one.want.at(-1)?.startsWith('close') === true ? { ...one, then: 'closed' as const } : one;
    it(one.name, () => run(isClosed));
  }

  it('§7.4: answers every legal close code from 0 to 5000 with the same, and every other with 1002', async function () {
    this.timeout(60_000); // five thousand handshakes
    const codes = [...Array(5_001).keys(), 65_535, 32_768];
    for (let from = 0; from < codes.length; from += 100) {
      await Promise.all(
        codes.slice(from, from + 100).map(async (code) => {
          const client = (await frames.open()).send(close(code));
          expect(await client.rest(), `close code ${code}`).to.deep.equal([`close ${isLegalCloseCode(code) ? code : 1002}`]);
          client.abort();
        }),
      );
    }
  });

  const conversation = Buffer.concat([
    text('one'),
    binary(Buffer.alloc(130, 7)),
    ping('p'),
    text('ä€', { fin: false }),
    ping(''),
    more('𐀀', { fin: false }),
    more(''),
    text('x'.repeat(126), { lengthOctets: 8 }),
    close(1000, 'end'),
  ]);
  const answers = ['text one', `binary ${'07'.repeat(130)}`, 'pong p', 'pong ', 'text ä€𐀀', `text ${'x'.repeat(126)}`, 'close 1000 end'];

  it('understands a conversation cut at every octet', async () => {
    for (let from = 1; from < conversation.length; from += 50) {
      const cuts = [...Array(Math.min(50, conversation.length - from)).keys()].map((index) => from + index);
      await Promise.all(
        cuts.map(async (cut) => {
          const client = await frames.open();
          await client.sendApart([conversation.subarray(0, cut), conversation.subarray(cut)]);
          expect(await client.rest(), `cut at ${cut}`).to.deep.equal(answers);
          client.abort();
        }),
      );
    }
  });

  for (const size of [1, 2, 3, 5, 7, 11, 64, 200]) {
    it(`understands a conversation in pieces of ${size}`, async () => {
      const client = await frames.open();
      const count = Math.ceil(conversation.length / size);
      await client.sendApart([...Array(count).keys()].map((index) => conversation.subarray(index * size, (index + 1) * size)));
      expect(await client.rest()).to.deep.equal(answers);
    });
  }

  it('announces 1009 before the payload has come', async () => {
    const client = (await frames.open()).send(text('', { announces: BigInt(MAX_WS + 1), lengthOctets: 8 }));
    expect(await client.rest()).to.deep.equal(['close 1009']);
  });

  it('refuses a length whose first bit is set', async () => {
    for (const announces of [0x8000_0000_0000_0000n, 0xffff_ffff_ffff_ffffn, 0x8000_0000_0000_0005n]) {
      const client = (await frames.open()).send(text('hello', { announces, lengthOctets: 8 }));
      expect((await client.rest()).join()).to.match(/^close 100[29]$/); // §5.2; too long and malformed at once
    }
  });

  it('holds a million empty fragments against the client', async () => {
    const client = await frames.open();
    const empty = more('', { fin: false });
    client.send(text('', { fin: false }), Buffer.concat(Array.from({ length: 20_000 }, () => empty)));
    expect((await client.rest()).join()).to.match(/^close 10(08|09)$/);
  });

  it('keeps a thousand messages in order, however they are cut', async () => {
    const all = Array.from({ length: 1_000 }, (_, index) => `${index}:`.padEnd(index % 300, 'x'));
    const bytes = Buffer.concat(all.map((message) => text(message)));
    const client = await frames.open();
    await client.sendApart(
      [...Array(40).keys()].map((index) => bytes.subarray((index * bytes.length) / 40, ((index + 1) * bytes.length) / 40)),
    );
    const got = await client.pulse();
    expect(got.length).to.equal(1_000);
    expect(
      got.map((word) => Number(/^text (\d+)/.exec(word)?.[1])).filter((number, index) => number === index || all[index].length > 200),
    ).to.have.length(1_000);
  });

  it('lets one client break the protocol while the others talk on', async () => {
    const good = await Promise.all(Array.from({ length: 10 }, () => frames.open()));
    for (let round = 0; round < 10; round++) {
      const bad = (await frames.open()).send(frame(5, 'x', { rsv: 3 }));
      await Promise.all(
        good.map(async (client) => expect(await client.send(text(`round ${round}`)).word()).to.equal(`text round ${round}`)),
      );
      expect(await bad.rest()).to.deep.equal(['close 1002']);
    }
    for (const client of good) client.abort();
  });

  it('takes any octets without a fault of its own: the connection goes on, or closes with a code', async () => {
    for (let seed = 1; seed <= 300; seed++) {
      const below = seeded(seed);
      const bytes = Buffer.concat(Array.from({ length: 1 + below(6) }, () => randomFrame(below)));
      const client = (await frames.open()).send(bytes, frame(3)); // whatever came before, this ends it, or is payload
      client.finish();
      const words = await client.rest();
      const closing = words.findIndex((word) => word.startsWith('close'));
      expect(closing, `seed ${seed}: ${words.join()}`).to.be.oneOf([-1, words.length - 1]);
      client.abort();
    }
    frames.expectNoFailures();
    expect(await (await frames.open()).send(text('alive')).word()).to.equal('text alive');
  });
});

/** Frames that are mostly legal, so that what is wrong comes late. */
const randomFrame = (below: (most: number) => number): Buffer => {
  const opcodes = [0, 1, 1, 2, 2, 8, 9, 9, 10, below(16)];
  const payload = Buffer.from(Array.from({ length: [0, 1, 2, 3, 125, 126, 300][below(7)] }, () => (below(20) === 0 ? below(256) : 0x61)));
  const made = frame(opcodes[below(opcodes.length)], payload, {
    fin: below(4) > 0,
    rsv: below(20) === 0 ? below(8) : 0,
    ...(below(25) === 0 ? { mask: null } : {}),
    ...(payload.length < 126 && below(10) === 0 ? { lengthOctets: 8 as const } : {}),
  });
  return below(10) === 0 ? made.subarray(0, below(made.length)) : made;
};
