import { expect } from 'chai';
import { VirtualClock } from '#src/testing/virtual-clock.js';
import { MemoryStream, type MemoryStreamOptions } from '#src/testing/memory-stream.js';
import { Engine } from '#src/transport/engine.js';
import { MemoryAcceptor } from '#src/testing/memory-acceptor.js';
import { PART_LIMIT } from '#src/transport/outbox.js';
import { SocketWriter } from '#src/transport/socket-writer.js';
import { LIMITS } from './wire-engine.js';

const STALL_MS = 3_000;

/** A writer on a stream in memory; what it tells its connection is counted. */
const writing = (options?: MemoryStreamOptions) => {
  const clock = new VirtualClock();
  const acceptor = new MemoryAcceptor(clock);
  let stream: MemoryStream | undefined;
  const ignore = (): void => {};
  const host = new Engine(acceptor, clock, LIMITS, {
    onListening: ignore,
    onConnection: ignore,
    onBindError: ignore,
    onFault: ignore,
    onClosed: ignore,
  });
  host.open();
  clock.settle();
  stream = acceptor.connect(options);
  clock.settle();
  const told = { turns: 0, drains: 0 };
  const writer: SocketWriter = new SocketWriter(stream, host, {
    onTurnEnd: () => {
      told.turns++;
      writer.give();
    },
    onDrain: () => {
      told.drains++;
      writer.give();
    },
  });
  return { clock, stream, client: stream.client, writer, told };
};

/** Seconds until the writer says that its client has stalled, `null` where it does not within ten times the limit. */
const secondsToStall = (writer: SocketWriter, eachSecond: () => void): number | null => {
  for (let second = 1; second <= 10 * (STALL_MS / 1_000); second++) {
    eachSecond();
    if (writer.isStalled(writer.onTick(), STALL_MS)) return second;
  }
  return null;
};

describe('SocketWriter', () => {
  it('asks for the end of a turn once, however often it is touched, and again in the next', () => {
    const { writer, told, clock } = writing();
    for (let round = 1; round <= 3; round++) {
      for (let i = 0; i < 5; i++) writer.touch();
      clock.settle();
      expect(told.turns).to.equal(round);
    }
  });

  it('gives one part to a socket that takes nothing, and listens to its drain once', () => {
    const { writer, stream, client, told, clock } = writing({ credit: 0 });
    for (let i = 0; i < 4; i++) writer.outbox.addBytes(Buffer.alloc(PART_LIMIT));
    for (let i = 0; i < 10; i++) writer.give();
    expect(stream.writableLength).to.equal(PART_LIMIT);
    expect(writer.waiting).to.equal(4 * PART_LIMIT);
    expect([writer.mustWait, writer.isFull]).to.deep.equal([true, true]);
    expect(stream.listenerCount('drain')).to.be.at.most(1);
    client.take();
    clock.settle();
    expect(told.drains).to.be.at.least(1);
    expect([writer.waiting, writer.mustWait, writer.isFull]).to.deep.equal([0, false, false]);
  });

  it('gives nothing to a stream that is destroyed', () => {
    const { writer, stream } = writing();
    writer.outbox.addText('late');
    stream.destroy();
    writer.give();
    expect(writer.outbox.size).to.equal(4);
  });

  it('calls a client stalled that takes nothing for all the time, no other', () => {
    const stalling = writing({ credit: 0 });
    stalling.writer.outbox.addBytes(Buffer.alloc(100_000));
    stalling.writer.give();
    expect(secondsToStall(stalling.writer, () => {})).to.be.within(STALL_MS / 1_000, STALL_MS / 1_000 + 2);

    const idle = writing({ credit: 0 });
    expect(secondsToStall(idle.writer, () => {})).to.equal(null);

    const slow = writing({ credit: 0 });
    slow.writer.outbox.addBytes(Buffer.alloc(PART_LIMIT));
    slow.writer.give();
    const takeOne = (): void => {
      slow.client.take(1);
      slow.clock.settle();
    };
    expect(secondsToStall(slow.writer, takeOne)).to.equal(null);
  });
});
