import { expect } from 'chai';
import fc from 'fast-check';
import { HandlerError } from '#src/errors.js';
import { formatEvent, HEARTBEAT_COMMENT, type ServerSentEvent } from '#src/protocol/server-sent-event.js';
import { type DispatchedEvent, EventStreamReader } from '../support/event-stream-reader.js';

const read = (...texts: readonly string[]): EventStreamReader => new EventStreamReader().push(Buffer.from(texts.join('')));

/** What a client makes of an event that is said alone. */
const heard = (event: ServerSentEvent | string): readonly DispatchedEvent[] => read(formatEvent(event)).events;

const refused = (event: unknown, message: RegExp): void => {
  // what is refused cannot be said in types
  expect(() => formatEvent(event as ServerSentEvent), JSON.stringify(event))
    .to.throw(HandlerError, message)
    .with.property('code', 'RHK_BAD_EVENT');
};

/** Text with all that is special: line ends, colons, spaces, a byte order mark, what needs two, three and four octets. */
const text = fc.string({
  unit: fc.constantFrom('a', ' ', ':', '\n', '\r', '\r\n', '\0', 'é', '\uFEFF', '€', '😀', 'data: ', 'id'),
  maxLength: 12,
});
const without = (forbidden: RegExp): fc.Arbitrary<string> => text.filter((value) => !forbidden.test(value));

const someEvent: fc.Arbitrary<ServerSentEvent> = fc.record(
  {
    data: text,
    event: without(/[\r\n]/),
    id: without(/[\0\r\n]/),
    retry: fc.nat(),
    comment: text,
  },
  { requiredKeys: [] },
);

/** What is read back, by the rules alone: of what was said, in order. */
const expectedOf = (
  events: readonly ServerSentEvent[],
): { dispatched: DispatchedEvent[]; lastEventId: string; retry: number | undefined } => {
  const dispatched: DispatchedEvent[] = [];
  let lastEventId = '';
  let retry: number | undefined;
  for (const { data, event = '', id, retry: milliseconds } of events) {
    if (id !== undefined) lastEventId = id;
    retry = milliseconds ?? retry;
    if (data === undefined && event === '') continue;
    dispatched.push({ type: event === '' ? 'message' : event, data: (data ?? '').replace(/\r\n?/g, '\n'), lastEventId });
  }
  return { dispatched, lastEventId, retry };
};

describe('formatEvent', () => {
  it('says each field on a line of its own', () => {
    expect(formatEvent('hello')).to.equal('data: hello\n\n');
    expect(formatEvent({ data: 'a\nb', event: 'tick', id: '7', retry: 10, comment: 'c' })).to.equal(
      ': c\nretry: 10\nid: 7\nevent: tick\ndata: a\ndata: b\n\n',
    );
  });

  it('is read back as it was said, whatever it was', () => {
    fc.assert(
      fc.property(fc.array(someEvent, { maxLength: 5 }), (events) => {
        const reader = read(...events.map(formatEvent));
        const { dispatched, lastEventId, retry } = expectedOf(events);
        expect(reader.events).to.deep.equal(dispatched);
        expect(reader.lastEventId).to.equal(lastEventId);
        expect(reader.reconnectionTime).to.equal(retry);
      }),
    );
  });

  it('is read back the same wherever the bytes are cut', () => {
    const events: ServerSentEvent[] = [
      { data: 'é\r\n€\r😀', event: 'ü', id: 'ß' },
      { data: '' },
      { id: '', data: '\uFEFF' },
      { retry: 5, comment: 'x\ny' },
    ];
    const bytes = Buffer.from(events.map(formatEvent).join(HEARTBEAT_COMMENT));
    const { dispatched } = expectedOf(events);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const reader = new EventStreamReader().push(bytes.subarray(0, cut)).push(bytes.subarray(cut));
      expect(reader.events, `cut at ${cut}`).to.deep.equal(dispatched);
      expect(reader.reconnectionTime, `cut at ${cut}`).to.equal(5);
    }
  });

  it('never lets the text of one event become another, or a field', () => {
    fc.assert(
      fc.property(text, (data) => {
        const { events, lastEventId, reconnectionTime } = read(formatEvent({ data, comment: data }));
        expect(events).to.have.length(1);
        expect([lastEventId, reconnectionTime]).to.deep.equal(['', undefined]);
      }),
    );
  });

  it('takes LF, CR LF and CR in data for line ends, an empty line at the end too', () => {
    expect(formatEvent('a\r\nb\rc\nd')).to.equal('data: a\ndata: b\ndata: c\ndata: d\n\n');
    expect(heard('a\n')[0].data).to.equal('a\n');
    expect(heard('\r\r\n')[0].data).to.equal('\n\n');
  });

  it('dispatches empty data, and an event that has a type but no data', () => {
    expect(heard('')).to.deep.equal([{ type: 'message', data: '', lastEventId: '' }]);
    expect(heard({ event: 'done' })).to.deep.equal([{ type: 'done', data: '', lastEventId: '' }]);
  });

  it('moves the id without dispatching, and takes it back with an empty one', () => {
    expect(read(formatEvent({ id: '4' })).lastEventId).to.equal('4');
    expect(heard({ id: '4' })).to.deep.equal([]);
    expect(read(formatEvent({ id: '4', data: 'x' }), formatEvent({ id: '' })).lastEventId).to.equal('');
  });

  it('keeps a leading space, of which the client takes one away', () => {
    expect(heard(' a')[0].data).to.equal(' a');
    expect(heard({ event: ' b', id: ' c', data: '' })).to.deep.equal([{ type: ' b', data: '', lastEventId: ' c' }]);
  });

  it('refuses what no client could read back', () => {
    for (const id of ['a\0', 'a\nb', 'a\r']) refused({ id }, /^id of an event is "/);
    for (const event of ['a\nb', 'a\r']) refused({ event }, /^event of an event is "/);
    for (const retry of [-1, 1.5, NaN, Infinity, 1e21, '5', null]) refused({ retry }, /^retry of an event is /);
    for (const data of [7, {}, null, Buffer.from('x')]) refused({ data }, /^data of an event is a \w+, not text/);
    refused({ event: 'x', data: 7 }, /^data/);
    refused({ comment: 7 }, /^comment/);
    refused({ id: 7 }, /^id/);
    refused(7, /^an event is 7/);
    refused(null, /^an event is null/);
  });
});

describe('HEARTBEAT_COMMENT', () => {
  it('is a comment, wherever it stands between events', () => {
    const reader = read(formatEvent('a'), HEARTBEAT_COMMENT, formatEvent({ data: 'b', event: 'x' }));
    expect(reader.events.map(({ type, data }) => [type, data])).to.deep.equal([['message', 'a'], ['x', 'b']]); // prettier-ignore
    expect(reader.comments).to.deep.equal(['']);
  });
});
