import { expect } from 'chai';
import { OptionError } from 'rx-http-kit';
import { diagramOf, Legend, lineOf, readingsFrom, shown, spanText } from '#src/testing/marble-diagram.js';
import { framesOf, spanOf } from '../support/parse-marbles.js';

describe('readingsFrom', () => {
  const readings = (diagram: string): (readonly [number, number | null])[] =>
    readingsFrom(diagram).map(({ frame, octets }) => [frame, octets]);

  it('reads frames, octets, all and none', () => {
    expect(readings('')).to.deep.equal([]);
    expect(readings('---')).to.deep.equal([]);
    expect(readings('*')).to.deep.equal([[0, Infinity]]);
    expect(readings('--4-0*')).to.deep.equal([
      [2, 4],
      [4, null],
      [5, Infinity],
    ]);
  });

  it('counts a size where it begins, and its columns as frames', () => {
    expect(readings('--4k---*')).to.deep.equal([
      [2, 4_096],
      [7, Infinity],
    ]);
    expect(readings('-1100-2M-3')).to.deep.equal([
      [1, 1_100],
      [6, 2_097_152],
      [9, 3],
    ]);
    expect(readings('-0k*')).to.deep.equal([
      [1, null],
      [3, Infinity],
    ]);
  });

  it('lets time pass between spaces, as RxJS does', () => {
    expect(readings('5s *')).to.deep.equal([[5_000, Infinity]]);
    expect(readings('-4 1.5s 2k 1m * 20ms 0')).to.deep.equal([
      [1, 4],
      [1_502, 2_048],
      [61_504, Infinity],
      [61_525, null],
    ]);
    expect(readings('  -  *'), 'spaces are nothing').to.deep.equal([[1, Infinity]]);
    const [last] = framesOf('-a 1.5s b 1m c 20ms d').slice(-1);
    expect(readings('-4 1.5s * 1m * 20ms *').at(-1)?.[0], 'the frame of RxJS').to.equal(last.frame);
  });

  for (const [diagram, column, character] of [
    ['-a-', 2, 'a'],
    ['--4m', 4, 'm'],
    ['4kk', 3, 'k'],
    ['*|', 2, '|'],
    ['-(4)', 2, '('],
    ['5 s *', 3, 's'],
  ] as const) {
    it(`refuses ${diagram}, naming the column`, () => {
      const text = `option reads: has "${character}" in column ${column}, must be -, octets (4k), * or a time between spaces`;
      expect(() => readingsFrom(diagram)).to.throw(OptionError, text);
    });
  }
});

describe('diagramOf', () => {
  it('draws what RxJS reads, in letters of its own', () => {
    for (const diagram of [
      '-',
      'a',
      '--a-b|',
      'a(bc)---d|',
      '--#',
      '(a|)',
      '-a 1s b',
      '-a 25ms b',
      'a------------------------b',
      'a 1001ms (b|)',
    ]) {
      expect(diagramOf(framesOf(diagram), new Legend()), diagram).to.equal(diagram);
    }
  });

  it('gives the same value the same letter, also in a second diagram', () => {
    const legend = new Legend();
    expect(diagramOf(framesOf('xyx'), legend)).to.equal('aba');
    expect(diagramOf(framesOf('-zy|'), legend)).to.equal('-cb|');
    expect(legend.lines).to.deep.equal(['a = "x"', 'b = "y"', 'c = "z"']);
  });

  it('runs out of letters without a word', () => {
    const legend = new Legend();
    const letters = Array.from({ length: 53 }, (_, i) => legend.letterOf(String(i)));
    expect(letters.slice(-2)).to.deep.equal(['Z', '?']);
  });
});

describe('spanText', () => {
  it('draws what RxJS reads', () => {
    for (const diagram of ['^', '--^', '^-!', '--^----!', '^ 5s !', '1s ^-!', '(^!)', '--(^!)', '-'])
      expect(spanText(spanOf(diagram)), diagram).to.equal(diagram);
  });
});

describe('lineOf', () => {
  it('tells the frame, and of an error all', () => {
    const legend = new Legend();
    const lines = [
      { frame: 3, notification: { kind: 'N', value: { a: 1 } } },
      { frame: 12, notification: { kind: 'E', error: new TypeError('no') } },
      { frame: 12, notification: { kind: 'C' } },
    ] as const;
    expect(lines.map((line) => lineOf(line, legend))).to.deep.equal(['3 ms a', '12 ms # TypeError: no', '12 ms |']);
    expect(legend.lines).to.deep.equal(['a = {"a":1}']);
  });
});

describe('shown', () => {
  it('tells any value in a line', () => {
    const ring: Record<string, unknown> = {};
    ring.self = ring;
    const values: readonly unknown[] = ['a\nb', 1, undefined, null, Buffer.from('hi'), new RangeError('far'), ring, 10n, () => 1];
    expect(values.map(shown)).to.deep.equal([
      '"a\\nb"',
      '1',
      'undefined',
      'null',
      'bytes 6869',
      'RangeError: far',
      '<ref *1> { self: [Circular *1] }',
      '10n',
      '[Function (anonymous)]',
    ]);
  });

  it('tells the ends of what is long, and how long it is', () => {
    expect(shown('x'.repeat(298))).to.equal(`"${'x'.repeat(298)}"`);
    expect(shown(`a${'x'.repeat(1_000)}b`)).to.equal(`"a${'x'.repeat(118)} … ${'x'.repeat(118)}b" (1004 characters)`);
  });
});
