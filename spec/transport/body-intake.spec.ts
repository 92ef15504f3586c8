import { expect } from 'chai';
import { ProtocolError } from '#src/errors.js';
import { ChunkedDecoder, LengthDecoder } from '#src/protocol/body-decoder.js';
import { BodyIntake, MAX_SKIPPED_BYTES } from '#src/transport/body-intake.js';
import { Reader } from './wire-engine.js';

const LIMITS = { maxLine: 8_192, maxHeaders: 100, maxHeadBytes: 65_536 };

/** An intake whose carrier writes down what it is told. */
const intakeOf = (length: number | 'chunked', maxBody: number = Infinity, awaitsContinue: boolean = false) => {
  const told: string[] = [];
  const decoder = length === 'chunked' ? new ChunkedDecoder(LIMITS) : new LengthDecoder(length);
  const intake = new BodyIntake(
    { onBodyWanted: () => told.push('wanted'), onBodyEnd: () => told.push('end') },
    decoder,
    maxBody,
    awaitsContinue,
  );
  return { intake, told, reader: new Reader() };
};

describe('BodyIntake', () => {
  it('takes no byte before somebody reads', () => {
    const { intake, told, reader } = intakeOf(5);
    expect(intake.feed(Buffer.from('hello'), 0)).to.equal(0);
    intake.read(reader);
    expect(told).to.deep.equal(['wanted']);
    expect(intake.feed(Buffer.from('xxhello-next'), 2)).to.equal(7);
    expect([reader.text, reader.end]).to.deep.equal(['hello', '|']);
    expect(told).to.deep.equal(['wanted', 'end']);
    expect([intake.isOver, intake.hasReader, intake.received]).to.deep.equal([true, false, 5]);
  });

  it('stops between two pieces when the reader pauses', () => {
    const { intake, told, reader } = intakeOf('chunked');
    const pausing = new Reader();
    pausing.onData = (bytes) => {
      reader.onData(bytes);
      intake.pause();
    };
    pausing.onEnd = () => reader.onEnd();
    intake.read(pausing);
    const bytes = Buffer.from('1\r\na\r\n1\r\nb\r\n0\r\n\r\n');
    let at = intake.feed(bytes, 0);
    expect([at, reader.text, intake.wantsBytes]).to.deep.equal([4, 'a', false]);
    expect(intake.feed(bytes, at)).to.equal(at);
    intake.resume();
    at = intake.feed(bytes, at);
    expect([at, reader.text]).to.deep.equal([10, 'ab']);
    intake.resume();
    expect(intake.feed(bytes, at)).to.equal(bytes.length);
    expect(reader.end).to.equal('|');
    expect(told).to.deep.equal(['wanted', 'wanted', 'wanted', 'end']);
  });

  it('fails past maxBody, by the octets announced', () => {
    const { intake, reader } = intakeOf('chunked', 4);
    intake.read(reader);
    intake.feed(Buffer.from('4\r\nabcd\r\n'), 0);
    expect(reader.end).to.equal('');
    intake.feed(Buffer.from('1\r\n'), 0);
    expect([reader.text, reader.end]).to.deep.equal(['abcd', 'RHK_BODY_TOO_LARGE']);
    expect([intake.hasFailed, intake.endsConnection]).to.deep.equal([true, true]);
    expect(intake.feed(Buffer.from('e'), 0), 'nothing is taken any more').to.equal(0);
  });

  it('fails once, and a late reader at once', () => {
    const { intake, told, reader } = intakeOf(5);
    intake.fail(new ProtocolError('RHK_BODY_INCOMPLETE'));
    intake.fail(new ProtocolError('RHK_CLIENT_GONE'));
    intake.read(reader);
    expect(reader.end).to.equal('RHK_BODY_INCOMPLETE');
    expect(told).to.deep.equal(['end']);
  });

  it('does not fail when it has ended', () => {
    const { intake, reader } = intakeOf(1);
    intake.read(reader);
    intake.feed(Buffer.from('a'), 0);
    intake.fail(new ProtocolError('RHK_CLIENT_GONE'));
    expect(reader.end).to.equal('|');
  });

  it('tells its carrier when the reader leaves, and gives it nothing more', () => {
    const { intake, told, reader } = intakeOf(5);
    intake.read(reader);
    intake.feed(Buffer.from('ab'), 0);
    intake.cancel();
    intake.cancel();
    expect(told).to.deep.equal(['wanted', 'end']);
    expect([intake.wantsBytes, intake.hasReader, intake.isOver]).to.deep.equal([false, false, false]);
    expect(intake.feed(Buffer.from('cde'), 0)).to.equal(0);
    expect([reader.text, reader.end]).to.deep.equal(['ab', '']);
  });

  it('may be left within a piece', () => {
    const { intake, reader } = intakeOf('chunked');
    const leaving = new Reader();
    leaving.onData = (bytes) => {
      reader.onData(bytes);
      intake.cancel();
    };
    intake.read(leaving);
    expect(intake.feed(Buffer.from('1\r\na\r\n1\r\nb\r\n'), 0)).to.equal(4);
    expect([reader.text, leaving.end]).to.deep.equal(['a', '']);
  });

  describe('skip', () => {
    it('drops a rest up to its limit, by what is known of it', () => {
      const small = intakeOf(MAX_SKIPPED_BYTES).intake;
      expect([small.endsConnection, small.skip()]).to.deep.equal([false, true]);
      expect(small.feed(Buffer.alloc(MAX_SKIPPED_BYTES), 0)).to.equal(MAX_SKIPPED_BYTES);
      expect([small.isOver, small.hasFailed]).to.deep.equal([true, false]);
      const large = intakeOf(MAX_SKIPPED_BYTES + 1).intake;
      expect([large.endsConnection, large.skip()]).to.deep.equal([true, false]);
    });

    it('does not wait for what a client sends only when told to', () => {
      const { intake } = intakeOf(5, Infinity, true);
      expect([intake.endsConnection, intake.skip()]).to.deep.equal([true, false]);
      intake.awaitsContinue = false;
      expect([intake.endsConnection, intake.skip()]).to.deep.equal([false, true]);
    });

    it('counts the rest, not what was read', () => {
      const { intake, reader } = intakeOf(MAX_SKIPPED_BYTES + 1);
      intake.read(reader);
      intake.feed(Buffer.from('a'), 0);
      intake.cancel();
      expect([intake.endsConnection, intake.skip()]).to.deep.equal([false, true]);
    });

    it('gives up on a chunked rest that is too long', () => {
      const { intake, told } = intakeOf('chunked');
      expect(intake.skip()).to.equal(true);
      const chunk = Buffer.from(`8000\r\n${'x'.repeat(0x8000)}\r\n`);
      intake.feed(chunk, 0);
      intake.feed(chunk, 0);
      expect(intake.hasFailed).to.equal(false);
      intake.feed(Buffer.from('1\r\nx'), 0);
      expect([intake.hasFailed, told]).to.deep.equal([true, ['end']]);
    });
  });

  describe('the minimum rate', () => {
    /** Seconds that an intake lasts when each brings so many octets. */
    const lasts = (octets: number, minimum: number): number => {
      const { intake, reader } = intakeOf(1_000_000);
      intake.read(reader);
      for (let second = 1; second <= 1_000; second++) {
        intake.feed(Buffer.alloc(octets), 0);
        intake.onSecond(minimum);
        if (intake.hasFailed) {
          expect(reader.end).to.equal('RHK_BODY_TIMEOUT');
          return second;
        }
      }
      return Infinity;
    };

    it('is an average, after a grace of 5 s', () => {
      expect(lasts(0, 240)).to.equal(6);
      expect(lasts(1, 240)).to.equal(6);
      expect(lasts(120, 240)).to.equal(11);
      expect(lasts(239, 240)).to.be.above(500);
      expect(lasts(240, 240)).to.equal(Infinity);
      expect(lasts(0, 0), 'none').to.equal(Infinity);
    });

    it('does not count seconds in which nobody wanted any', () => {
      const { intake, reader } = intakeOf(10);
      for (let second = 0; second < 100; second++) intake.onSecond(240);
      intake.read(reader);
      intake.pause();
      for (let second = 0; second < 100; second++) intake.onSecond(240);
      expect(intake.hasFailed).to.equal(false);
      intake.resume();
      for (let second = 0; second < 6; second++) intake.onSecond(240);
      expect(intake.hasFailed).to.equal(true);
    });

    it('holds for a rest that is skipped', () => {
      const { intake } = intakeOf(10);
      intake.skip();
      for (let second = 0; second < 6; second++) intake.onSecond(240);
      expect(intake.hasFailed).to.equal(true);
    });
  });
});
