import { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { EMPTY, of, Subject } from 'rxjs';
import { file } from 'rx-http-kit';
import { HandlerError } from '#src/errors.js';
import { bodyOf, isResponse, type Reply } from '#src/rx/response.js';

class Custom {
  readonly status = 201;
  readonly body = 'x';
}

/** What is a body by itself. */
const BODIES: Readonly<Record<string, Reply>> = {
  'a string': 'a',
  'an empty string': '',
  'a Buffer': Buffer.from('a'),
  'a Uint8Array': new Uint8Array([97]),
  'an array': ['a', 'b'],
  'an empty array': [],
  'a Set': new Set(['a']),
  'a generator': (function* () {
    yield 'a';
  })(),
  'an iterable without prototype': Object.assign(Object.create(null) as object, {
    *[Symbol.iterator]() {
      yield 'a';
    },
  }),
  'a literal iterable': {
    *[Symbol.iterator]() {
      yield 'a';
    },
  },
  'a literal async iterable': {
    async *[Symbol.asyncIterator]() {
      yield 'a';
    },
  },
  'an async generator': (async function* () {
    yield 'a';
  })(),
  'an Observable': of('a'),
  'an empty Observable': EMPTY,
  'a Subject': new Subject<string>(),
  'a Readable': Readable.from(['a']),
  'a ReadableStream': new ReadableStream<string>(),
  'a file': file('/tmp/none'),
  null: null,
};

const RESPONSES: Readonly<Record<string, Reply>> = {
  'an empty response': {},
  'an empty response without prototype': Object.create(null) as Reply,
  'a status': { status: 204 },
  headers: { headers: {} },
  'a body': { body: 'a' },
  'a body and strange keys': { body: 'a', whatever: 1 } as Reply,
  'an object of a class': new Custom(),
  'a response of fetch': new Response('x') as unknown as Reply, // as other frameworks make them
};

const GARBAGE: Readonly<Record<string, unknown>> = {
  'a number': 5,
  'a bigint': 5n,
  true: true,
  'a symbol': Symbol('a'),
  'a function': () => 'a',
  'a Promise': Promise.resolve('a'),
  'an object of other keys': { statusCode: 200 },
  'a Date': new Date(0),
  'a RegExp': /a/,
  'an Error': new Error('a'),
  'a WeakMap': new WeakMap(),
  'a DataView': new DataView(new ArrayBuffer(1)),
  'an ArrayBuffer': new ArrayBuffer(1),
};

describe('isResponse', () => {
  for (const [name, reply] of Object.entries(RESPONSES)) it(`is true for ${name}`, () => void expect(isResponse(reply)).to.equal(true));
  for (const [name, reply] of Object.entries(BODIES)) it(`is false for ${name}`, () => void expect(isResponse(reply)).to.equal(false));
  for (const [name, reply] of Object.entries(GARBAGE)) it(`is false for ${name}`, () => void expect(isResponse(reply)).to.equal(false));
});

describe('bodyOf', () => {
  const refused = (reply: unknown, message: string): void => {
    expect(() => bodyOf(reply as Reply)) // what no typed handler emits
      .to.throw(HandlerError, message)
      .with.property('code', 'RHK_BAD_REPLY');
  };

  for (const [name, body] of Object.entries(BODIES)) {
    it(`takes ${name}, bare and in a response`, () => {
      expect(bodyOf(body)).to.equal(body);
      expect(bodyOf({ status: 200, body: body as string })).to.equal(body); // any of them
    });
  }

  for (const [name, value] of Object.entries(GARBAGE)) {
    it(`refuses ${name}, bare and in a response`, () => {
      refused(value, 'not a response or a body');
      refused({ body: value }, 'a response whose body is');
    });
  }

  it('takes null, and a response without a body, for no body', () => {
    expect(bodyOf(null)).to.equal(null);
    expect(bodyOf({})).to.equal(null);
    expect(bodyOf({ status: 200, body: undefined })).to.equal(null);
  });

  it('refuses what a function gives that forgets to return', () => {
    refused(undefined, 'nothing was returned');
  });

  it('does not take a response for the body of another', () => {
    refused({ body: { status: 200 } }, 'a response whose body is');
  });

  it('tells what it got, and nothing of what was in it', () => {
    refused({ statusCode: 200, secret: 'value' }, 'an object with keys [statusCode, secret]');
    expect(() => bodyOf({ secret: 'value' } as Reply)).to.not.throw('value');
  });
});

describe('file', () => {
  it('takes a path or a URL', () => {
    expect(file('/a b')).to.have.property('path', '/a b');
    expect(file(pathToFileURL('/a b'))).to.have.property('path', '/a b');
    expect(() => file(new URL('http://x/a'))).to.throw(TypeError);
  });
});
