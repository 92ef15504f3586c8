import { expect } from 'chai';
import { type ErrorCode, ERRORS, HandlerError, OverloadError, ProtocolError } from '#src/errors.js';
import { eventFrom, lineFrom, printUnwatched, type ServerEvent, ServerEvents } from '#src/server/server-event.js';
import { headFrom } from '../rx/recording-port.js';

const peer = { remoteAddr: '192.0.2.1', remotePort: 1, localAddr: '198.51.100.1', localPort: 2 };
const head = headFrom('POST /a?b HTTP/1.1', 'host: x');
const eventOf = (error: unknown): ServerEvent => eventFrom({ error, peer, head });

/** What `action` prints on the console, line by line. */
const printed = (action: () => void): string[] => {
  const lines: string[] = [];
  const { error } = console;
  console.error = (...values: unknown[]) => void lines.push(values.map(String).join(' '));
  try {
    action();
  } finally {
    console.error = error;
  }
  return lines;
};

describe('eventFrom', () => {
  it('tells whose fault it was', () => {
    expect(eventOf(new ProtocolError('RHK_BAD_HOST')).type).to.equal('client');
    expect(eventOf(new OverloadError('RHK_ADMISSION_FULL')).type).to.equal('overload');
    expect(eventOf(new HandlerError('RHK_HANDLER_FAILED')).type).to.equal('failure');
    expect(eventOf(new Error('x')).type).to.equal('failure');
  });

  it('calls what a peer can do at will a client, whatever the code', () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      // Object.keys is typed string[]
      expect(eventOf(new ProtocolError(code)).type, code).to.equal('client');
    }
  });

  it('names the request and the peer where there are some', () => {
    const error = new Error('x');
    expect(eventOf(error)).to.deep.equal({ type: 'failure', error, method: 'POST', uri: '/a', remoteAddr: '192.0.2.1' });
    expect(eventFrom({ error, peer: undefined, head: undefined })).to.deep.equal({
      type: 'failure',
      error,
      method: undefined,
      uri: undefined,
      remoteAddr: undefined,
    });
  });

  it('makes an error of whatever was thrown', () => {
    const unshowable = {
      toString: () => {
        throw new Error('no');
      },
    };
    for (const thrown of ['text', 5, null, undefined, Symbol('a'), {}, Object.create(null) as object, unshowable]) {
      const { type, error } = eventOf(thrown);
      expect(type).to.equal('failure');
      expect(error).to.be.instanceOf(Error);
      expect(error.cause).to.equal(thrown);
      expect(error.message).to.match(/^not an error was thrown: /);
    }
  });
});

describe('lineFrom', () => {
  it('is one line: what, where, and the first place of its cause', () => {
    const line = lineFrom(eventOf(new HandlerError('RHK_HANDLER_FAILED', 'handler failed: a\nb', { cause: new Error('a\nb') })));
    expect(line).to.match(/^rx-http-kit: handler failed: a b \(POST \/a\) ./);
    expect(line).to.not.include('\n');
    expect(lineFrom(eventFrom({ error: new Error('x'), peer, head: undefined }))).to.equal('rx-http-kit: x');
  });
});

describe('printUnwatched', () => {
  it('prints failures only', () => {
    expect(printed(() => printUnwatched(eventOf(new Error('x'))))).to.deep.equal(['rx-http-kit: x (POST /a)']);
    expect(printed(() => printUnwatched(eventOf(new ProtocolError('RHK_BAD_HOST'))))).to.deep.equal([]);
    expect(printed(() => printUnwatched(eventOf(new OverloadError('RHK_ADMISSION_FULL'))))).to.deep.equal([]);
  });
});

describe('ServerEvents', () => {
  it('are printed while nobody watches, and only then', () => {
    const events = new ServerEvents();
    const seen: ServerEvent[] = [];
    const event = eventOf(new Error('x'));
    expect(printed(() => events.emit(event))).to.have.lengthOf(1);
    const subscription = events.events$.subscribe((item) => seen.push(item));
    expect(printed(() => events.emit(event))).to.deep.equal([]);
    expect(seen).to.deep.equal([event]);
    subscription.unsubscribe();
    expect(printed(() => events.emit(event))).to.have.lengthOf(1);
    expect(seen).to.have.lengthOf(1);
  });

  it('complete, and cannot be ended by who watches', () => {
    const events = new ServerEvents();
    let isComplete = false;
    events.events$.subscribe({ complete: () => (isComplete = true) });
    expect(events.events$).to.not.have.property('next');
    events.complete();
    expect(isComplete).to.equal(true);
  });
});
