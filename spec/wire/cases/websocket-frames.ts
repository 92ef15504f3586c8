/** Frames of all shapes, RFC 6455 §5–§8, against an echo server that takes messages up to 65,536 octets. */
import { binary, close, frame, more, Opcode, ping, pong, text, wordOf } from '../../support/frame-client.js';

export const MAX_WS = 65_536;

export interface FrameCase {
  readonly name: string;
  readonly send: Buffer;
  /** Frames of the server in words, in order. */
  readonly want: readonly string[];
  /** The server closes behind the last of them, or goes on. */
  readonly then: 'open' | 'closed';
}

type Make = (name: string, send: readonly Buffer[], ...want: readonly string[]) => FrameCase;

/** Answered so, and the connection is open still. */
const answered =
  (rule: string): Make =>
  (name, send, ...want) => ({ name: `${rule}: ${name}`, send: Buffer.concat(send), want, then: 'open' });

/** The server closes with `code`; `want` comes before that. A frame that stands behind must not be answered. */
const failed =
  (code: number, rule: string): Make =>
  (name, send, ...want) => ({
    name: `${rule}: ${name}`,
    send: Buffer.concat([...send, text('behind')]),
    want: [...want, `close ${code}`],
    then: 'closed',
  });

const of = (length: number): string => 'abcdefghij'.repeat(Math.ceil(length / 10)).slice(0, length);
const echoed = (payload: string | Uint8Array): string => wordOf('text', payload);
const bytes = (...octets: readonly number[]): Buffer => Buffer.from(octets);
const range = (from: number, to: number): readonly number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

const reserved = failed(1002, '§5.2 reserved bits');
const opcode = failed(1002, '§5.2 opcode');
const unmasked = failed(1002, '§5.1 mask');
const control = failed(1002, '§5.5 control');
const order = failed(1002, '§5.4 fragments');
const tooLong = failed(1009, '§7.4.1 length');
const fragments = answered('§5.4 fragments');
const lengths = answered('§5.2 length');
const masks = answered('§5.3 mask');
const pings = answered('§5.5.2 ping');
const pongs = answered('§5.5.3 pong');
const none = { mask: null };

const KINDS: readonly (readonly [name: string, opcode: number])[] = [
  ['text', Opcode.TEXT],
  ['binary', Opcode.BINARY],
  ['close', Opcode.CLOSE],
  ['ping', Opcode.PING],
  ['pong', Opcode.PONG],
];

export const FRAME_CASES: readonly FrameCase[] = [
  ...KINDS.flatMap(([name, code]) =>
    range(1, 7).map((rsv) => reserved(`${rsv} on ${name}`, [frame(code, code === Opcode.CLOSE ? bytes(3, 232) : 'x', { rsv })])),
  ),
  ...range(1, 7).map((rsv) => reserved(`${rsv} on a continuation`, [text('a', { fin: false }), more('b', { rsv })])),
  ...range(1, 7).map((rsv) => reserved(`${rsv} behind a message`, [text('a'), text('b', { rsv })], 'text a')),

  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((code) => [
    opcode(`${code}`, [frame(code, 'x')]),
    opcode(`${code}, empty`, [frame(code)]),
    opcode(`${code}, not final`, [frame(code, 'x', { fin: false })]),
    opcode(`${code}, behind a message`, [text('a'), frame(code)], 'text a'),
    opcode(`${code}, inside a message`, [text('a', { fin: false }), frame(code, 'x')]),
  ]),

  ...KINDS.flatMap(([name, code]) => [
    unmasked(`${name}, empty`, [frame(code, '', none)]),
    unmasked(`${name}`, [frame(code, code === Opcode.CLOSE ? bytes(3, 232) : 'xyz', none)]),
    unmasked(`${name}, behind a message`, [text('a'), frame(code, '', none)], 'text a'),
  ]),
  unmasked('a continuation', [text('a', { fin: false }), more('b', none)]),
  unmasked('a long one', [binary(of(300), none)]),

  ...KINDS.slice(2).flatMap(([name, code]) => [
    control(`${name} not final`, [frame(code, '', { fin: false })]),
    control(`${name} not final, with a payload`, [frame(code, bytes(3, 232), { fin: false })]),
    control(`${name} of 126 octets`, [frame(code, of(126))]),
    control(`${name} of 127 octets`, [frame(code, of(127))]),
    control(`${name} of 65,536 octets`, [frame(code, of(65_536))]),
    control(`${name} with a 16-bit length of 5`, [frame(code, of(5), { lengthOctets: 2 })]),
    control(`${name} with a 64-bit length of 5`, [frame(code, of(5), { lengthOctets: 8 })]),
    control(`${name} not final inside a message`, [text('a', { fin: false }), frame(code, '', { fin: false })]),
  ]),

  order('a continuation of nothing', [more('x')]),
  order('a continuation of nothing, not final', [more('x', { fin: false })]),
  order('an empty continuation of nothing', [more('')]),
  order('a continuation behind a whole message', [text('a'), more('b')], 'text a'),
  order('a continuation behind a fragmented message', [text('a', { fin: false }), more('b'), more('c')], 'text ab'),
  order('a text inside a text', [text('a', { fin: false }), text('b')]),
  order('a text inside a text, not final', [text('a', { fin: false }), text('b', { fin: false })]),
  order('a binary inside a text', [text('a', { fin: false }), binary('b')]),
  order('a text inside a binary', [binary('a', { fin: false }), text('b')]),
  order('a binary inside a binary', [binary('a', { fin: false }), binary('b')]),
  order('a text behind two fragments', [text('a', { fin: false }), more('b', { fin: false }), text('c')]),
  order('a text behind a fragment and a ping', [text('a', { fin: false }), ping('p'), text('b')], 'pong p'),
  order('a continuation behind a ping', [ping('p'), more('x')], 'pong p'),

  fragments('two', [text('hel', { fin: false }), more('lo')], 'text hello'),
  fragments('two of binary', [binary(bytes(0, 1), { fin: false }), more(bytes(254, 255))], 'binary 0001feff'),
  fragments(
    'one octet each',
    [text('h', { fin: false }), ...[...'ello worl'].map((one) => more(one, { fin: false })), more('d')],
    'text hello world',
  ),
  fragments('all empty', [text('', { fin: false }), more('', { fin: false }), more('')], 'text '),
  fragments('empty but the first', [text('a', { fin: false }), more('', { fin: false }), more('')], 'text a'),
  fragments('empty but the middle', [text('', { fin: false }), more('b', { fin: false }), more('')], 'text b'),
  fragments('empty but the last', [text('', { fin: false }), more('', { fin: false }), more('c')], 'text c'),
  fragments('a ping between', [text('a', { fin: false }), ping('p'), more('b')], 'pong p', 'text ab'),
  fragments('an empty ping between', [text('a', { fin: false }), ping(), more('b')], 'pong ', 'text ab'),
  fragments(
    'pings around each',
    [ping('1'), text('a', { fin: false }), ping('2'), more('b', { fin: false }), ping('3'), more('c'), ping('4')],
    'pong 1',
    'pong 2',
    'pong 3',
    'text abc',
    'pong 4',
  ),
  fragments('a pong between', [text('a', { fin: false }), pong('p'), more('b')], 'text ab'),
  fragments('125 octets of ping between', [binary('a', { fin: false }), ping(of(125)), more('b')], `pong ${of(125)}`, 'binary 6162'),
  fragments(
    'a thousand',
    [text('0', { fin: false }), ...range(1, 998).map(() => more('x', { fin: false })), more('1')],
    echoed(`0${'x'.repeat(998)}1`),
  ),
  fragments(
    'messages of two kinds in turn',
    [text('a', { fin: false }), more('b'), binary('c', { fin: false }), more('d'), text('e')],
    'text ab',
    'binary 6364',
    'text e',
  ),
  fragments('a close between', [text('a', { fin: false }), close(1000)], 'close 1000'),

  ...[
    0, 1, 2, 3, 4, 5, 7, 8, 124, 125, 126, 127, 128, 129, 255, 256, 257, 1_000, 4_096, 16_383, 16_384, 16_385, 32_767, 65_535, 65_536,
  ].flatMap((length) => [
    lengths(`text of ${length}`, [text(of(length))], echoed(of(length))),
    lengths(`binary of ${length}`, [binary(of(length))], wordOf('binary', of(length))),
  ]),
  ...[0, 1, 5, 125].map((length) =>
    lengths(`${length} in 16 bits, not the shortest`, [text(of(length), { lengthOctets: 2 })], echoed(of(length))),
  ),
  ...[0, 1, 5, 125, 126, 300, 65_535].map((length) =>
    lengths(`${length} in 64 bits, not the shortest`, [text(of(length), { lengthOctets: 8 })], echoed(of(length))),
  ),
  lengths('text that is not ASCII, of 125 octets', [text(`${'ä'.repeat(62)}x`)], `text ${'ä'.repeat(62)}x`),
  lengths('text that is not ASCII, of 126 octets', [text('ä'.repeat(63))], `text ${'ä'.repeat(63)}`),
  lengths('text that is Latin-1, of 65,536 octets', [text('ÿ'.repeat(32_768))], echoed('ÿ'.repeat(32_768))),
  lengths(
    'many in one packet',
    range(1, 300).map((number) => text(`message ${number}`)),
    ...range(1, 300).map((number) => `text message ${number}`),
  ),
  lengths(
    'binary and text in turn',
    range(1, 100).map((number) => (number % 2 === 0 ? text(`${number}`) : binary(bytes(number)))),
    ...range(1, 100).map((number) => (number % 2 === 0 ? `text ${number}` : `binary ${bytes(number).toString('hex')}`)),
  ),

  ...[
    65_537n,
    100_000n,
    4_194_305n,
    0x7fff_ffffn,
    0x8000_0000n,
    0xffff_ffffn,
    0x1_0000_0000n,
    0x1f_ffff_ffff_ffffn,
    0x20_0000_0000_0000n,
    0x7fff_ffff_ffff_ffffn,
  ].flatMap((announces) => [
    tooLong(`${announces} announced, of which 3 came`, [text('abc', { announces, lengthOctets: 8 })]),
    tooLong(`${announces} announced, binary, no octet came`, [binary('', { announces, lengthOctets: 8 })]),
  ]),
  tooLong('announced by a second fragment', [text(of(65_536), { fin: false }), more('', { announces: 1n, lengthOctets: 0 })]),
  tooLong('a second fragment passes it', [text(of(40_000), { fin: false }), more(of(25_537))]),
  tooLong('a third fragment passes it', [
    text(of(40_000), { fin: false }),
    more(of(20_000), { fin: false }),
    more('', { announces: 0xffffn, lengthOctets: 2 }),
  ]),
  tooLong('behind a message', [text('a'), text('', { announces: 65_537n, lengthOctets: 8 })], 'text a'),
  fragments('that make up the longest message', [text(of(40_000), { fin: false }), more(of(25_536))], echoed(of(65_536))),
  fragments('a long message behind a long one', [text(of(65_536)), text(of(65_535))], echoed(of(65_536)), echoed(of(65_535))),

  masks('of zeros', [text('hello', { mask: Buffer.alloc(4) })], 'text hello'),
  masks('of 255', [text('hello', { mask: Buffer.alloc(4, 255) })], 'text hello'),
  ...range(0, 3).map((at) =>
    masks(`of one octet, at ${at}`, [text('hello world', { mask: Buffer.from([0, 0, 0, 0].fill(0xa5, at, at + 1)) })], 'text hello world'),
  ),
  masks(
    'another for each frame',
    range(1, 20).map((number) => text(`m${number}`, { mask: Buffer.from([number, 255 - number, number * 3, 7]) })),
    ...range(1, 20).map((number) => `text m${number}`),
  ),

  ...range(0, 125).map((length) => pings(`of ${length} octets`, [ping(of(length))], `pong ${of(length)}`)),
  pings('of octets that are no text', [ping(bytes(0, 255, 254, 128, 10, 13))], `pong ${bytes(0, 255, 254, 128, 10, 13).toString()}`),
  pings(
    'ten at once',
    range(1, 10).map((number) => ping(`${number}`)),
    ...range(1, 10).map((number) => `pong ${number}`),
  ),
  pings('between messages, in order', [text('a'), ping('1'), text('b'), ping('2')], 'text a', 'pong 1', 'text b', 'pong 2'),
  pongs('unsolicited', [pong('x'), text('a')], 'text a'),
  pongs('unsolicited, empty', [pong(), text('a')], 'text a'),
  pongs('of 125 octets', [pong(of(125)), text('a')], 'text a'),
  pongs('a hundred', [...range(1, 100).map(() => pong('x')), text('a')], 'text a'),
];

const utf8 = answered('§8.1 text');
const broken = failed(1007, '§8.1 text');
const hex = (digits: string): Buffer => Buffer.from(digits.replaceAll(' ', ''), 'hex');

const VALID: readonly (readonly [name: string, octets: string])[] = [
  ['kosme', 'ce ba e1 bd b9 cf 83 ce bc ce b5'],
  ['U+0000', '00'],
  ['U+007F', '7f'],
  ['U+0080', 'c2 80'],
  ['U+07FF', 'df bf'],
  ['U+0800', 'e0 a0 80'],
  ['U+0FFF', 'e0 bf bf'],
  ['U+1000', 'e1 80 80'],
  ['U+D7FF', 'ed 9f bf'],
  ['U+E000', 'ee 80 80'],
  ['U+FFFD', 'ef bf bd'],
  ['U+FFFE', 'ef bf be'],
  ['U+FFFF', 'ef bf bf'],
  ['U+FEFF, a byte order mark', 'ef bb bf 61'],
  ['U+10000', 'f0 90 80 80'],
  ['U+1FFFF', 'f0 9f bf bf'],
  ['U+FFFFF', 'f3 bf bf bf'],
  ['U+10FFFF', 'f4 8f bf bf'],
  ['all lengths', '24 c2 a2 e2 82 ac f0 a4 ad a2'],
  ['CR LF and a zero', '0d 0a 00 61'],
];

const INVALID: readonly (readonly [name: string, octets: string])[] = [
  ['a continuation alone', '80'],
  ['the last continuation alone', 'bf'],
  ['two continuations', '80 bf'],
  ['seven continuations', '80 bf 80 bf 80 bf 80'],
  ['a continuation behind a letter', '61 80'],
  ['the first of two and a space', 'c2 20'],
  ['the first of two alone', 'c2'],
  ['the first of three alone', 'e1'],
  ['two of three', 'e1 80'],
  ['two of three and a letter', 'e1 80 61'],
  ['the first of four alone', 'f1'],
  ['two of four', 'f1 80'],
  ['three of four', 'f1 80 80'],
  ['three of four and a letter', 'f1 80 80 61'],
  ['FE', 'fe'],
  ['FF', 'ff'],
  ['FE FE FF FF', 'fe fe ff ff'],
  ['overlong U+002F in two', 'c0 af'],
  ['overlong U+002F in three', 'e0 80 af'],
  ['overlong U+002F in four', 'f0 80 80 af'],
  ['overlong U+002F in five', 'f8 80 80 80 af'],
  ['overlong U+002F in six', 'fc 80 80 80 80 af'],
  ['overlong U+007F', 'c1 bf'],
  ['overlong U+07FF', 'e0 9f bf'],
  ['overlong U+FFFF', 'f0 8f bf bf'],
  ['overlong U+0000', 'c0 80'],
  ['overlong U+0000 in three', 'e0 80 80'],
  ['overlong U+0000 in four', 'f0 80 80 80'],
  ['surrogate D800', 'ed a0 80'],
  ['surrogate DB7F', 'ed ad bf'],
  ['surrogate DBFF', 'ed af bf'],
  ['surrogate DC00', 'ed b0 80'],
  ['surrogate DFFF', 'ed bf bf'],
  ['a pair of surrogates', 'ed a0 80 ed b0 80'],
  ['another pair of surrogates', 'ed af bf ed bf bf'],
  ['U+110000', 'f4 90 80 80'],
  ['U+13FFFF', 'f4 bf bf bf'],
  ['F5', 'f5 80 80 80'],
  ['five octets', 'f8 88 80 80 80'],
  ['six octets', 'fc 84 80 80 80 80'],
  ['kosme with a surrogate and more', 'ce ba e1 bd b9 cf 83 ce bc ce b5 ed a0 80 65 64 69 74 65 64'],
  ['kosme with U+110000 and more', 'ce ba e1 bd b9 cf 83 ce bc ce b5 f4 90 80 80 65 64 69 74 65 64'],
];

/** Every way to cut a message into two frames. */
const inTwo = (octets: Buffer): readonly (readonly [at: number, frames: readonly Buffer[]])[] =>
  range(0, octets.length).map((at) => [at, [text(octets.subarray(0, at), { fin: false }), more(octets.subarray(at))]]);

const inOnes = (octets: Buffer): readonly Buffer[] => [
  text('', { fin: false }),
  ...[...octets].map((octet) => more(bytes(octet), { fin: false })),
  more(''),
];

export const UTF8_CASES: readonly FrameCase[] = [
  ...VALID.flatMap(([name, octets]) => [
    utf8(name, [text(hex(octets))], `text ${hex(octets).toString()}`),
    utf8(`${name}, an octet in each frame`, inOnes(hex(octets)), `text ${hex(octets).toString()}`),
  ]),
  ...inTwo(hex('ce ba e1 bd b9 f0 90 80 80 ce b5')).map(([at, send]) =>
    utf8(`cut behind octet ${at}`, send, `text ${hex('ce ba e1 bd b9 f0 90 80 80 ce b5').toString()}`),
  ),
  ...INVALID.flatMap(([name, octets]) => [
    broken(name, [text(hex(octets))]),
    broken(`${name}, an octet in each frame`, inOnes(hex(octets))),
    broken(`${name}, behind a message`, [text('fine'), text(hex(octets))], 'text fine'),
    answered('§5.6 binary')(`${name} is no text`, [binary(hex(octets))], `binary ${hex(octets).toString('hex')}`),
  ]),
  ...inTwo(hex('ce ba ed a0 80 61')).map(([at, send]) => broken(`a surrogate, cut behind octet ${at}`, send)),
  broken('behind 40,000 good octets', [text(Buffer.concat([Buffer.alloc(40_000, 'a'), hex('c0 af')]))]),
  broken('in front of 40,000 good octets', [text(Buffer.concat([hex('c0 af'), Buffer.alloc(40_000, 'a')]))]),
];

const closes = (name: string, send: readonly Buffer[], ...want: readonly string[]): FrameCase => ({
  name: `§5.5.1 close: ${name}`,
  send: Buffer.concat(send),
  want,
  then: 'closed',
});
const closeFails = (code: number): Make => failed(code, '§7.4 close');

export const CLOSE_CASES: readonly FrameCase[] = [
  closes('empty', [close()], 'close'),
  closes('1000', [close(1000)], 'close 1000'),
  closes('with a reason', [close(1000, 'bye')], 'close 1000 bye'),
  closes('with 123 octets of reason', [close(1000, of(123))], `close 1000 ${of(123)}`),
  closes('with 123 octets that are not ASCII', [close(1000, `${'ä'.repeat(61)}x`)], `close 1000 ${'ä'.repeat(61)}x`),
  closes('with an empty reason', [close(4999, '')], 'close 4999'),
  closes('twice', [close(1000), close(1001)], 'close 1000'),
  closes('a message behind it', [close(1000), text('late')], 'close 1000'),
  closes('a ping behind it', [close(1000), ping('late')], 'close 1000'),
  closes('a broken frame behind it', [close(1000), frame(3, 'x', { rsv: 7, mask: null })], 'close 1000'),
  closes('nonsense behind it', [close(1000), Buffer.alloc(5_000, 255)], 'close 1000'),
  closes('messages in front of it are answered first', [text('a'), text('b'), close(3000, 'done')], 'text a', 'text b', 'close 3000 done'),
  closes('a ping in front of it is answered first', [ping('p'), close(1000)], 'pong p', 'close 1000'),
  closes('inside a message', [text('a', { fin: false }), close(1001)], 'close 1001'),
  closeFails(1002)('one octet', [frame(Opcode.CLOSE, 'x')]),
  closeFails(1002)('124 octets of reason', [close(1000, of(124))]),
  ...INVALID.map(([name, octets]) => closeFails(1007)(`${name} in the reason`, [close(1000, hex(octets))])),
  ...VALID.map(([name, octets]) => closes(`${name} in the reason`, [close(1000, hex(octets))], `close 1000 ${hex(octets).toString()}`)),
];

/** RFC 6455 §7.4.2 and the IANA registry. */
export const isLegalCloseCode = (code: number): boolean =>
  (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
