import { expect } from 'chai';
import { HttpError } from 'rx-http-kit';
import { MarbleError } from 'rx-http-kit/testing';
import { assertFrames } from '#src/testing/assert-frames.js';
import { framesOf as frames, spanOf as span } from '../support/parse-marbles.js';

const differenceOf = (actual: unknown, expected: unknown): MarbleError => {
  try {
    assertFrames(actual, expected);
  } catch (error) {
    if (error instanceof MarbleError) return error;
    throw error;
  }
  throw new Error('no difference');
};

describe('assertFrames', () => {
  it('compares deeply, objects without a prototype as ordinary ones', () => {
    const bare = Object.assign(Object.create(null) as object, { list: [1, { two: Buffer.from('2') }] });
    assertFrames(frames('-a|', { a: bare }), frames('-a|', { a: { list: [1, { two: Buffer.from('2') }] } }));
    differenceOf(frames('-a|', { a: bare }), frames('-a|', { a: { list: [1, { two: Buffer.from('3') }] } }));
    differenceOf(frames('-a|', { a: 0 }), frames('-a|', { a: -0 }));
    differenceOf(frames('-a|', { a: { b: undefined } }), frames('-a|', { a: {} }));
    differenceOf(frames('-a|', { a: new Map([[1, 2]]) }), frames('-a|', { a: new Map([[1, 3]]) }));
  });

  it('compares errors by class, message and code, and not by stack', () => {
    const error = (message: string, code?: string): Error => Object.assign(new TypeError(message), code === undefined ? {} : { code });
    assertFrames(frames('-#', {}, error('no', 'A')), frames('-#', {}, error('no', 'A')));
    assertFrames(frames('-#', {}, new HttpError(418)), frames('-#', {}, new HttpError(418)));
    differenceOf(frames('-#', {}, error('no', 'A')), frames('-#', {}, error('no', 'B')));
    differenceOf(frames('-#', {}, error('no')), frames('-#', {}, error('yes')));
    differenceOf(frames('-#', {}, error('no')), frames('-#', {}, new Error('no')));
    differenceOf(frames('-a', { a: { cause: error('no') } }), frames('-a', { a: { cause: error('yes') } }));
  });

  it('does not lose itself in a ring', () => {
    const ring: Record<string, unknown> = { name: 'ring' };
    ring.self = ring;
    assertFrames(frames('a', { a: ring }), frames('a', { a: ring }));
    differenceOf(frames('a', { a: ring }), frames('a', { a: { name: 'ring' } }));
  });

  it('says what came too late, what is missing and what is different, in diagrams and lines', () => {
    const actual = frames('---a-c|', { a: 'one', c: 'three' });
    const expected = frames('---a--b|', { a: 'one', b: 'two' });
    const error = differenceOf(actual, expected);
    expect(error.message).to.equal(
      [
        'frames differ',
        '',
        '  expected  ---a--b|',
        '  actual    ---a-c|',
        '',
        '  a = "one"',
        '  b = "two"',
        '  c = "three"',
        '',
        '  3 ms a',
        '- 6 ms b',
        '- 7 ms |',
        '+ 5 ms c',
        '+ 6 ms |',
      ].join('\n'),
    );
    expect([error.name, error.code, error.actual, error.expected]).to.deep.equal([
      'AssertionError',
      'ERR_ASSERTION',
      '3 ms a\n5 ms c\n6 ms |',
      '3 ms a\n6 ms b\n7 ms |',
    ]);
  });

  it('says that nothing came, and with what a stream failed', () => {
    expect(differenceOf(frames('-'), frames('-(a|)', { a: 1 })).message).to.equal(
      ['frames differ', '', '  expected  -(a|)', '  actual    -', '', '  a = 1', '', '- 1 ms a', '- 1 ms |'].join('\n'),
    );
    expect(differenceOf(frames('--#', {}, new RangeError('too far')), frames('--|')).message).to.equal(
      ['frames differ', '', '  expected  --|', '  actual    --#', '', '', '- 2 ms |', '+ 2 ms # RangeError: too far'].join('\n'),
    );
  });

  it('says which subscriptions differ, none too', () => {
    const error = differenceOf([span('-^--!'), span('---^ 2s !')], [span('-^---!')]);
    expect(error.message).to.equal(
      ['subscriptions differ', '', '  expected  -^---!', '  actual    -^--!', '  actual    ---^ 2s !'].join('\n'),
    );
    expect([error.actual, error.expected]).to.deep.equal(['-^--!\n---^ 2s !', '-^---!']);
    expect(differenceOf([], [span('^!')]).message).to.equal(['subscriptions differ', '', '  expected  ^!', '  actual    none'].join('\n'));
  });
});
