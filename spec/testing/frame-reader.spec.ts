import { expect } from 'chai';
import { FrameReader, type ReceivedFrame, wordsOf } from '#src/testing/frame-reader.js';

const FIN = 0x80;
const Opcode = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const;

/** A frame as a server sends it. */
const frame = (first: number, payload: Uint8Array | string = ''): Buffer => {
  const data = Buffer.from(payload as string); // one overload for each
  const { length } = data;
  if (length < 126) return Buffer.concat([Buffer.from([first, length]), data]);
  if (length < 65_536) return Buffer.concat([Buffer.from([first, 126, length >> 8, length & 255]), data]);
  const head = Buffer.alloc(10);
  head[0] = first;
  head[1] = 127;
  head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, data]);
};

const read = (...pieces: readonly Buffer[]): ReceivedFrame[] => {
  const frames: ReceivedFrame[] = [];
  const reader = new FrameReader((received) => frames.push(received));
  for (const piece of pieces) reader.push(piece);
  return frames;
};

const inWords = (...pieces: readonly Buffer[]): string[] => read(...pieces).map(wordsOf);

describe('FrameReader', () => {
  it('reads every kind of frame, wherever the bytes are cut', () => {
    const bytes = Buffer.concat([
      frame(FIN | Opcode.TEXT, 'héllo'),
      frame(FIN | Opcode.TEXT),
      frame(FIN | Opcode.BINARY, Buffer.from([0, 255])),
      frame(FIN | Opcode.PING, 'p'),
      frame(FIN | Opcode.PONG),
      frame(FIN | Opcode.CLOSE, Buffer.from('\x03\xe8bye', 'latin1')),
      frame(FIN | Opcode.CLOSE),
    ]);
    const words = ['héllo', '', 'binary 00ff', 'ping p', 'pong', 'close 1000 bye', 'close'];
    for (let cut = 0; cut < bytes.length; cut++) {
      expect(inWords(bytes.subarray(0, cut), bytes.subarray(cut)), `cut at ${cut}`).to.deep.equal(words);
    }
    expect(inWords(...[...bytes].map((octet) => Buffer.from([octet]))), 'byte by byte').to.deep.equal(words);
  });

  for (const length of [0, 1, 125, 126, 127, 65_535, 65_536]) {
    it(`reads a message of ${length} octets, wherever its header is cut`, () => {
      const payload = Buffer.alloc(length, 'x');
      const bytes = Buffer.concat([frame(FIN | Opcode.BINARY, payload), frame(FIN | Opcode.TEXT, 'next')]);
      const cuts = Array.from({ length: 14 }, (_, i) => i).concat(bytes.length - 7, bytes.length - 6, bytes.length - 5);
      for (const cut of cuts.filter((at) => at >= 0 && at < bytes.length)) {
        const [first, second, ...rest] = read(bytes.subarray(0, cut), bytes.subarray(cut));
        expect([first.kind, first.payload.equals(payload), wordsOf(second), rest], `cut at ${cut}`).to.deep.equal([
          'binary',
          true,
          'next',
          [],
        ]);
      }
    });
  }

  it('joins a message in pieces, and lets control frames through between them', () => {
    const bytes = Buffer.concat([
      frame(Opcode.TEXT, 'on'),
      frame(FIN | Opcode.PING, '1'),
      frame(Opcode.CONTINUATION, 'e, '),
      frame(FIN | Opcode.CONTINUATION, 'two'),
      frame(Opcode.BINARY, Buffer.from([1])),
      frame(FIN | Opcode.CONTINUATION, Buffer.from([2])),
      frame(FIN | Opcode.TEXT, 'three'),
    ]);
    for (let cut = 0; cut < bytes.length; cut++) {
      expect(inWords(bytes.subarray(0, cut), bytes.subarray(cut)), `cut at ${cut}`).to.deep.equal([
        'ping 1',
        'one, two',
        'binary 0102',
        'three',
      ]);
    }
  });

  it('takes a character that two frames share', () => {
    const [high, low] = Buffer.from('é');
    expect(inWords(frame(Opcode.TEXT, Buffer.from([high])), frame(FIN | Opcode.CONTINUATION, Buffer.from([low])))).to.deep.equal(['é']);
  });

  it('waits for what is missing', () => {
    expect(inWords(frame(FIN | Opcode.TEXT, 'hello').subarray(0, -1))).to.deep.equal([]);
    expect(inWords(frame(Opcode.TEXT, 'hello'))).to.deep.equal([]);
  });

  const wrong: readonly (readonly [fact: string, message: string, ...bytes: readonly Buffer[]])[] = [
    ['a reserved bit', 'the server sent a frame with a reserved bit, RFC 6455 §5.2', frame(FIN | 0x40 | Opcode.TEXT, 'x')],
    ['a masked frame', 'the server sent a masked frame, RFC 6455 §5.1', Buffer.from([FIN | Opcode.TEXT, 0x81, 1, 2, 3, 4, 5])],
    ['a data opcode that is reserved', 'the server sent a frame with opcode 3, RFC 6455 §5.2', frame(FIN | 3, 'x')],
    ['a control opcode that is reserved', 'the server sent a frame with opcode 11, RFC 6455 §5.2', frame(FIN | 11)],
    ['a control frame in pieces', 'the server sent a control frame in pieces, RFC 6455 §5.5', frame(Opcode.PING, 'x')],
    ['a long control frame', 'the server sent 126 octets in a control frame, RFC 6455 §5.5', frame(FIN | Opcode.PONG, 'x'.repeat(126))],
    ['a continuation of nothing', 'the server sent a continuation of no message, RFC 6455 §5.4', frame(FIN | Opcode.CONTINUATION, 'x')],
    [
      'a continuation of a message that has ended',
      'the server sent a continuation of no message, RFC 6455 §5.4',
      frame(FIN | Opcode.TEXT, 'x'),
      frame(FIN | Opcode.CONTINUATION, 'y'),
    ],
    [
      'a message inside another',
      'the server sent a message inside another, RFC 6455 §5.4',
      frame(Opcode.TEXT, 'x'),
      frame(FIN | Opcode.TEXT, 'y'),
    ],
    [
      'a length in more octets than it needs',
      'the server sent the length 5 in 2 octets, RFC 6455 §5.2',
      Buffer.from([FIN | Opcode.TEXT, 126, 0, 5]),
    ],
    [
      'a length in far more octets than it needs',
      'the server sent the length 65535 in 8 octets, RFC 6455 §5.2',
      Buffer.from([FIN | Opcode.BINARY, 127, 0, 0, 0, 0, 0, 0, 255, 255]),
    ],
    ['text that is no UTF-8', 'the server sent a text that is no UTF-8, RFC 6455 §8.1', frame(FIN | Opcode.TEXT, Buffer.from([0xff]))],
    ['a close reason that is no UTF-8', 'the server sent a close that is no UTF-8', frame(FIN | Opcode.CLOSE, Buffer.from([3, 232, 0xff]))],
    ['half a close code', 'the server sent half a close code, RFC 6455 §5.5.1', frame(FIN | Opcode.CLOSE, Buffer.from([3]))],
  ];
  for (const [fact, message, ...bytes] of wrong) {
    it(`refuses ${fact}`, () => {
      expect(() => read(...bytes)).to.throw(Error, message);
    });
  }
});
