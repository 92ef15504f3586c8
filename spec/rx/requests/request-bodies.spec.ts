import { expect } from 'chai';
import { map, Observable, of, type OperatorFunction, Subject } from 'rxjs';
import { asBytes, asForm, asJson, asText, type HttpRequest, OptionError } from 'rx-http-kit';
import { ProtocolError } from '#src/errors.js';
import { IncomingRequest } from '#src/rx/request.js';
import { single } from '#src/rx/single.js';
import { headFrom, RecordingBody, RecordingPort } from '../recording-port.js';

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');

/** A request whose body is `pieces`, already there. */
const requestOf = (contentType: string | null, ...pieces: readonly (string | Buffer)[]): HttpRequest => {
  const body = new RecordingBody();
  const lines = contentType === null ? [] : [`content-type: ${contentType}`];
  const request = new IncomingRequest(new RecordingPort(headFrom('POST / HTTP/1.0', ...lines, 'content-length: 9'), body));
  const { body$ } = request;
  const fed$ = new Observable<Buffer>((subscriber) => {
    subscriber.add(body$.subscribe(subscriber));
    for (const piece of pieces) body.send(piece);
    body.end();
  });
  Object.defineProperty(request, 'body$', { value: fed$ });
  return request;
};

/** What an operator makes of a request, as it comes: a value, or the code of its error. */
const outcome = <T>(operator: OperatorFunction<HttpRequest, T>, request: HttpRequest): T | string => {
  const seen: (T | string)[] = [];
  single(request)
    .pipe(operator)
    .subscribe({ next: (value) => seen.push(value), error: (error: ProtocolError) => seen.push(`${error.code} ${error.status}`) });
  expect(seen, 'one outcome, in the same turn').to.have.lengthOf(1);
  return seen[0];
};

describe('asBytes', () => {
  it('joins what comes in pieces', () => {
    expect(String(outcome(asBytes(), requestOf(null, 'ab', 'c', 'd')))).to.equal('abcd');
    expect(outcome(asBytes(), requestOf(null))).to.deep.equal(Buffer.alloc(0));
  });

  it('gives a body of one piece as it is', () => {
    const piece = Buffer.from('abc');
    expect(outcome(asBytes(), requestOf(null, piece))).to.equal(piece);
  });

  it('is empty where there is no body', () => {
    const request = new IncomingRequest(new RecordingPort());
    expect(outcome(asBytes(), request)).to.deep.equal(Buffer.alloc(0));
  });

  for (const [name, operator] of Object.entries({ asBytes, asText, asJson, asForm })) {
    it(`${name} fails as the body does, and lets go of it when unsubscribed`, () => {
      for (const requestsOf of [single<HttpRequest>, (request: HttpRequest) => of(request)]) {
        const body = new RecordingBody();
        const request = new IncomingRequest(new RecordingPort(headFrom('POST / HTTP/1.0', 'content-length: 9'), body));
        const codes: unknown[] = [];
        requestsOf(request)
          .pipe(operator())
          .subscribe({ error: (error: ProtocolError) => codes.push(error.code) });
        body.send('a');
        body.fail(new ProtocolError('RHK_BODY_TOO_LARGE'));
        expect(codes).to.deep.equal(['RHK_BODY_TOO_LARGE']);

        const other = new RecordingBody();
        const left = new IncomingRequest(new RecordingPort(headFrom('POST / HTTP/1.0', 'content-length: 9'), other));
        requestsOf(left).pipe(operator()).subscribe().unsubscribe();
        expect(other.log).to.deep.equal(['read', 'cancel']);
      }
    });

    it(`${name} keeps requests in order, and reads one at a time`, () => {
      const bodies = [new RecordingBody(), new RecordingBody()];
      const requests$ = new Subject<HttpRequest>();
      let count = 0;
      requests$.pipe(operator()).subscribe(() => count++);
      for (const body of bodies) {
        requests$.next(new IncomingRequest(new RecordingPort(headFrom('POST / HTTP/1.0', 'content-length: 1'), body)));
      }
      expect(bodies.map(({ log }) => log.length)).to.deep.equal([1, 0]);
      bodies[0].send('1');
      bodies[0].end();
      expect(bodies[1].log).to.deep.equal(['read']);
      expect(count).to.equal(1);
    });
  }
});

describe('asText', () => {
  const textOf = (contentType: string | null, ...pieces: readonly (string | Buffer)[]): string =>
    outcome(asText(), requestOf(contentType, ...pieces));

  it('reads UTF-8 where no charset is given', () => {
    expect(textOf(null, 'é€😀')).to.equal('é€😀');
    expect(textOf('text/plain', '')).to.equal('');
    expect(textOf('text/plain; charset=UTF8', 'é')).to.equal('é');
  });

  it('reads characters that are cut between pieces', () => {
    const bytes = Buffer.from('é€😀');
    for (let cut = 1; cut < bytes.length; cut++) expect(textOf(null, bytes.subarray(0, cut), bytes.subarray(cut))).to.equal('é€😀');
  });

  it('takes one byte order mark off', () => {
    expect(textOf(null, '\ufeffa')).to.equal('a');
    expect(textOf('text/plain; charset="utf-8"', '\ufeff\ufeffa')).to.equal('\ufeffa');
    expect(textOf('text/plain; charset=unicode-1-1-utf-8', '\ufeffa')).to.equal('a');
    expect(textOf('text/plain; charset=utf-16le', latin1('\xff\xfea\0'))).to.equal('a');
    expect(textOf(null, latin1('\xef\xbb')), 'half a mark is no text').to.equal('RHK_BAD_TEXT 400');
  });

  it('reads the charset that is given', () => {
    expect(textOf('text/plain; charset=iso-8859-1', latin1('caf\xe9'))).to.equal('café');
    expect(textOf('text/plain; charset=Shift_JIS', latin1('\x83\x41'))).to.equal('ア');
    expect(textOf('text/plain; charset=utf-16be', latin1('\x00a\x20\xac'))).to.equal('a€');
    expect(textOf('text/plain; charset=us-ascii', 'a')).to.equal('a');
  });

  it('refuses an unknown charset with 415', () => {
    for (const charset of ['x', 'utf-7', 'utf-8x', '"utf-8 "x', '""', 'replacement', 'binary']) {
      const text = textOf(`text/plain; charset=${charset}`, 'a');
      expect(text === 'a' ? 'read' : text, charset).to.equal(charset === '"utf-8 "x' ? 'read' : 'RHK_UNKNOWN_CHARSET 415');
    }
  });

  it('refuses bytes that are no text in their charset with 400', () => {
    for (const bytes of ['\xff', '\xc3', '\xc0\x80', '\xed\xa0\x80', 'a\xe2\x82', '\xf4\x90\x80\x80', '\x80']) {
      expect(textOf(null, latin1(bytes)), JSON.stringify(bytes)).to.equal('RHK_BAD_TEXT 400');
      expect(textOf('a/b; charset=unicode-1-1-utf-8', latin1(bytes)), JSON.stringify(bytes)).to.equal('RHK_BAD_TEXT 400');
    }
    expect(textOf('a/b; charset=utf-16le', latin1('a'))).to.equal('RHK_BAD_TEXT 400');
  });
});

describe('asJson', () => {
  const jsonOf = (...pieces: readonly (string | Buffer)[]): unknown => outcome(asJson(), requestOf('application/json', ...pieces));

  it('gives the value', () => {
    expect(jsonOf('{"a":[1,', 'null,"é"]}')).to.deep.equal({ a: [1, null, 'é'] });
    expect(jsonOf(' 5 ')).to.equal(5);
    expect(jsonOf('\ufeff"a"')).to.equal('a');
    expect(outcome(asJson(), requestOf('text/plain; charset=utf-16le', latin1('1\0')))).to.equal(1);
    expect(outcome(asJson(), requestOf(null, 'false'))).to.equal(false);
  });

  it('refuses what is no JSON with 400', () => {
    for (const text of ['', ' ', '{', "{'a':1}", '{"a":1,}', 'undefined', 'NaN', '01', '1 2', '"\n"', '\ufeff\ufeff1']) {
      expect(jsonOf(text), JSON.stringify(text)).to.equal('RHK_BAD_JSON 400');
    }
    expect(jsonOf(latin1('"\xff"'))).to.equal('RHK_BAD_TEXT 400');
  });

  it('keeps the cause to itself', () => {
    const messages: string[] = [];
    of(requestOf(null, '{secret'))
      .pipe(asJson())
      .subscribe({ error: (error: Error) => messages.push(error.message, (error.cause as Error).name) });
    expect(messages).to.deep.equal(['the body is not valid JSON', 'SyntaxError']);
  });

  it('makes nobody a prototype', () => {
    const value = jsonOf('{"__proto__":{"a":1},"constructor":2}') as Record<string, unknown>;
    expect(Object.getPrototypeOf(value)).to.equal(Object.prototype);
    expect((value as { a?: number }).a).to.equal(undefined);
    expect(Object.keys(value)).to.deep.equal(['__proto__', 'constructor']);
  });
});

describe('asForm', () => {
  const TYPE = 'application/x-www-form-urlencoded';
  const formOf = (text: string, contentType: string | null = TYPE): unknown => {
    const form = outcome(asForm(), requestOf(contentType, text));
    return typeof form === 'string' ? form : Object.entries(form);
  };

  it('gives names and values, decoded', () => {
    expect(formOf('a=b&c=d+e%20f&g&=h&%C3%A9=%E2%82%AC')).to.deep.equal([
      ['a', 'b'],
      ['c', 'd e f'],
      ['g', ''],
      ['', 'h'],
      ['é', '€'],
    ]);
    expect(formOf('')).to.deep.equal([]);
  });

  it('lists the values of a name that stands more than once', () => {
    expect(formOf('a=1&b=2&a=3&a=4')).to.deep.equal([
      ['a', ['1', '3', '4']],
      ['b', '2'],
    ]);
  });

  it('takes names that every object has as ordinary ones', () => {
    expect(formOf('__proto__=a&constructor=b&__proto__=c&toString=d&hasOwnProperty=e')).to.deep.equal([
      ['__proto__', ['a', 'c']],
      ['constructor', 'b'],
      ['toString', 'd'],
      ['hasOwnProperty', 'e'],
    ]);
    const form = outcome(asForm(), requestOf(TYPE, 'a=b')) as object;
    expect(Object.getPrototypeOf(form)).to.equal(null);
  });

  it('takes a form by its type, or none', () => {
    for (const type of [null, TYPE, `${TYPE}; charset=utf-8`, `${TYPE} ;a=b`, TYPE.toUpperCase()])
      expect(formOf('a=b', type)).to.deep.equal([['a', 'b']]);
    for (const type of ['text/plain', 'multipart/form-data; boundary=x', `${TYPE}x`, `x${TYPE}`, 'application/json', '']) {
      expect(formOf('a=b', type), type).to.equal('RHK_NOT_A_FORM 415');
    }
  });

  it('refuses more than maxParams, before any is made', () => {
    const outcomeOf = (pairs: number, operator = asForm()): unknown => {
      const form = outcome(operator, requestOf(TYPE, 'a=b&'.repeat(pairs - 1) + 'c'));
      return typeof form === 'string' ? form : Object.keys(form);
    };
    expect([outcomeOf(1_000), outcomeOf(1_001)]).to.deep.equal([['a', 'c'], 'undefined 413']);
    expect([outcomeOf(2, asForm({ maxParams: 2 })), outcomeOf(3, asForm({ maxParams: 2 }))]).to.deep.equal([['a', 'c'], 'undefined 413']);
    expect(() => asForm({ maxParams: -1 })).to.throw(OptionError, 'maxParams');
  });

  it('does not read a body that is no form', () => {
    const body = new RecordingBody();
    const request = new IncomingRequest(
      new RecordingPort(headFrom('POST / HTTP/1.0', 'content-type: text/plain', 'content-length: 1'), body),
    );
    of(request)
      .pipe(asForm())
      .subscribe({ error: () => {} });
    expect(body.log).to.deep.equal([]);
  });

  it('reads the charset as asText does', () => {
    expect(formOf('a=b', `${TYPE}; charset=x`)).to.equal('RHK_UNKNOWN_CHARSET 415');
  });
});

describe('operators on bodies', () => {
  it('compose with any other', () => {
    const operator: OperatorFunction<HttpRequest, number> = (requests$) =>
      requests$.pipe(
        asJson<{ n: number }>(),
        map(({ n }) => n + 1),
      );
    expect(outcome(operator, requestOf(null, '{"n":1}'))).to.equal(2);
  });
});
