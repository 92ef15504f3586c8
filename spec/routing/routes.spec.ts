import { any, context, del, get, head, options, patch, post, put, routes } from '#src/routing/index.js';
import { extend, type Handler, type HttpRequest, type HttpResponse, HttpError, OptionError, ProtocolError } from '#src/index.js';
import { single } from '#src/rx/single.js';
import { inject, request } from '#src/testing/index.js';
import { expect } from 'chai';
import {
  EMPTY,
  filter,
  finalize,
  map,
  mergeMap,
  NEVER,
  type Observable,
  of,
  type OperatorFunction,
  Subject,
  throwError,
  toArray,
} from 'rxjs';

const says = (text: string): Handler => map(() => text);
const nothing: Handler = mergeMap(() => EMPTY);

/** What the handler answers, or the error's status and `allow`; undefined for nothing. As a server asks, and as any stream does. */
const answerTo = (handler: Handler, uri: string, method = 'GET'): unknown => {
  const asked = (requests$: Observable<HttpRequest>): { readonly answer: unknown; readonly isComplete: boolean } => {
    let answer: unknown;
    let isComplete = false;
    handler(requests$).subscribe({
      next: (reply) => (answer = reply),
      error: (error: HttpError | ProtocolError) =>
        (answer = error instanceof HttpError ? [error.status, error.headers?.['allow']] : [error.status, error.code]),
      complete: () => (isComplete = true),
    });
    return { answer, isComplete };
  };
  const { answer, isComplete } = asked(single(request({ uri, method })));
  expect(asked(of(request({ uri, method }))), 'as one of a stream').to.deep.equal({ answer, isComplete });
  return answer;
};
const notFound: HttpResponse = { status: 404, body: 'no such page' };

describe('routes', () => {
  it('asks the first in order whose method and path are the request’s', () => {
    const app = routes(get('/a/:x', says('first')), get('/a/b', says('second')), post('/a/b', says('post')));
    expect(answerTo(app, '/a/b')).to.equal('first');
    expect(answerTo(app, '/a/b', 'POST')).to.equal('post');
    expect(answerTo(routes(get('/a/b', says('literal')), get('/a/:x', says('param'))), '/a/b')).to.equal('literal');
    expect(answerTo(routes(get('/*', says('rest')), get('/a', says('literal'))), '/a')).to.equal('rest');
  });

  it('passes on what a handler did not want, and lets go of it first', () => {
    const log: string[] = [];
    const declines: Handler = (requests$) => nothing(requests$).pipe(finalize(() => log.push('let go')));
    const answers: Handler = map(() => {
      log.push('asked');
      return 'second';
    });
    expect(answerTo(routes(get('/a', declines), declines, get('/:x', answers)), '/a')).to.equal('second');
    const eachWay = ['let go', 'let go', 'asked'];
    expect(log).to.deep.equal([...eachWay, ...eachWay]);
  });

  it('passes on after a wait, and unsubscribes from the one that is asked', () => {
    const gate = new Subject<never>();
    const app = routes(
      get(
        '/a',
        mergeMap(() => gate),
      ),
      get(
        '/a',
        mergeMap(() => NEVER.pipe(finalize(() => log.push('second let go')))),
      ),
    );
    const log: string[] = [];
    const subscription = app(of(request('/a'))).subscribe({ complete: () => log.push('complete') });
    expect(gate.observed).to.equal(true);
    gate.complete();
    expect(gate.observed).to.equal(false);
    expect(log).to.deep.equal([]);
    subscription.unsubscribe();
    expect(log).to.deep.equal(['second let go']);
  });

  it('passes on the error of a handler, and asks no other', () => {
    let asked = false;
    const app = routes(
      get(
        '/a',
        mergeMap(() => throwError(() => new HttpError(418))),
      ),
      get(
        '/a',
        map(() => ((asked = true), 'b')),
      ),
    );
    expect(answerTo(app, '/a')).to.deep.equal([418, undefined]);
    expect(asked).to.equal(false);
  });

  it('passes on every item of a reply, and none of the next handler', () => {
    const seen: unknown[] = [];
    routes(
      get(
        '/a',
        mergeMap(() => of('1', '2')),
      ),
      get('/a', says('3')),
    )(of(request('/a'))).subscribe((item) => seen.push(item));
    expect(seen).to.deep.equal(['1', '2']);
  });

  it('survives ten thousand handlers that decline at once', () => {
    expect(answerTo(routes(...Array.from({ length: 10_000 }, () => nothing), get('/', says('last'))), '/')).to.equal('last');
  });

  it('is empty where nothing answers', () => {
    expect(answerTo(routes(get('/a', says('a'))), '/b')).to.equal(undefined);
    expect(answerTo(routes(), '/')).to.equal(undefined);
    expect(answerTo(routes(get('/a', nothing)), '/a')).to.equal(undefined);
  });

  it('answers the requests of a stream, each by its route', () => {
    const seen: unknown[] = [];
    routes(
      get('/a', says('a')),
      get('/b', says('b')),
    )(of(request('/b'), request('/a')))
      .pipe(toArray())
      .subscribe((all) => seen.push(...all));
    expect(seen).to.deep.equal(['b', 'a']);
  });

  it('knows the verbs', () => {
    const verbs = { GET: get, POST: post, PUT: put, DELETE: del, PATCH: patch, OPTIONS: options, HEAD: head };
    for (const [method, verb] of Object.entries(verbs)) {
      expect(answerTo(routes(verb('/a', says(method))), '/a', method), method).to.equal(method);
      expect(answerTo(routes(any('/a', says('any'))), '/a', method), method).to.equal('any');
    }
  });

  it('refuses what is no handler, and paths that are none, when it is made', () => {
    expect(() => routes('text' as unknown as Handler)).to.throw(OptionError); // untyped callers
    expect(() => get('/a', 'text' as unknown as Handler)).to.throw(OptionError); // untyped callers
    expect(() => get('a', says('a'))).to.throw(OptionError, 'it must begin with a slash');
  });

  describe('where only the method differs', () => {
    const app = routes(get('/a', says('a')), put('/:x', says('put')), post('/b', says('b')), notFound);

    it('answers 405 with allow', () => {
      expect(answerTo(app, '/a', 'DELETE')).to.deep.equal([405, 'GET, HEAD, PUT, OPTIONS']);
      expect(answerTo(app, '/b')).to.deep.equal([405, 'PUT, POST, OPTIONS']);
      expect(answerTo(app, '/b/c', 'DELETE')).to.equal(notFound);
    });

    it('answers OPTIONS with 204 and allow, unless a route does', () => {
      expect(answerTo(app, '/a', 'OPTIONS')).to.deep.equal({ status: 204, headers: { allow: 'GET, HEAD, PUT, OPTIONS' } });
      expect(answerTo(routes(get('/a', says('a')), options('/a', says('mine'))), '/a', 'OPTIONS')).to.equal('mine');
      expect(answerTo(routes(get('/a', says('a')), options('/a', says('mine'))), '/a', 'PUT')).to.deep.equal([405, 'GET, HEAD, OPTIONS']);
    });

    it('answers OPTIONS * with all methods', async () => {
      expect(answerTo(app, '*', 'OPTIONS')).to.deep.equal({ status: 204, headers: { allow: 'GET, HEAD, PUT, POST, OPTIONS' } });
      const { status, headers } = await inject(app, { method: 'OPTIONS', uri: '*' }).collect();
      expect([status, headers['allow']]).to.deep.equal([204, 'GET, HEAD, PUT, POST, OPTIONS']);
    });

    it('is 404 where a handler of this method declined', () => {
      const declining = routes(get('/a', nothing), post('/a', says('post')), notFound);
      expect(answerTo(declining, '/a')).to.equal(notFound);
      expect(answerTo(declining, '/a', 'PUT')).to.deep.equal([405, 'GET, HEAD, POST, OPTIONS']);
    });

    it('looks behind middleware and into contexts before it says so', () => {
      const wrapped: Handler = (requests$) => routes(post('/a', says('post')), put('/c', says('put')))(requests$);
      const app = routes(get('/a', says('get')), wrapped, context('/x', wrapped), del('/a', says('del')));
      expect(answerTo(app, '/a', 'POST')).to.equal('post');
      expect(answerTo(app, '/a', 'DELETE')).to.equal('del');
      expect(answerTo(app, '/a', 'PATCH')).to.deep.equal([405, 'GET, HEAD, POST, DELETE, OPTIONS']);
      expect(answerTo(app, '/c')).to.deep.equal([405, 'PUT, OPTIONS']);
      expect(answerTo(app, '/x/c')).to.deep.equal([405, 'PUT, OPTIONS']);
      expect(answerTo(app, '/x/d')).to.equal(undefined);
    });

    it('says so inside a route, which stands for itself', () => {
      const app = routes(any('/v1/*', routes(get('/v1/a', says('a')))), notFound);
      expect(answerTo(app, '/v1/a')).to.equal('a');
      expect(answerTo(app, '/v1/a', 'POST')).to.deep.equal([405, 'GET, HEAD, OPTIONS']);
    });

    it('tells a client', async () => {
      const { status, headers, text, events } = await inject(app, { uri: '/a', method: 'DELETE' }).collect();
      expect([status, headers['allow'], text, events]).to.deep.equal([405, 'GET, HEAD, PUT, OPTIONS', 'method not allowed', []]);
    });
  });

  describe('HEAD', () => {
    it('is answered by get, without a body on the wire', async () => {
      const app = routes(get('/a', says('four')), head('/a', says('never asked')));
      expect(answerTo(app, '/a', 'HEAD')).to.equal('four');
      const { status, headers, body } = await inject(app, { method: 'HEAD', uri: '/a' }).collect();
      expect([status, headers['content-length'], body.length]).to.deep.equal([200, '4', 0]);
    });

    it('is answered by head where it stands first', () => {
      expect(answerTo(routes(head('/a', says('head')), get('/a', says('get'))), '/a', 'HEAD')).to.equal('head');
    });
  });

  describe('a response among the handlers', () => {
    it('answers all that has come that far', () => {
      expect(answerTo(routes(get('/a', says('a')), notFound, get('/b', says('never'))), '/b')).to.equal(notFound);
    });

    it('answers behind its prefix only', () => {
      const app = routes(context('/api', get('/a', says('a')), notFound), get('/b', says('b')));
      expect(answerTo(app, '/api/x')).to.equal(notFound);
      expect(answerTo(app, '/api')).to.equal(notFound);
      expect(answerTo(app, '/b')).to.equal('b');
      expect(answerTo(app, '/apix')).to.equal(undefined);
    });
  });
});

describe('request.params', () => {
  const params = map((request: HttpRequest & { params: object }) => JSON.stringify(request.params));
  const paramsOf = (path: string, uri: string): unknown => {
    const answer = answerTo(routes(get(path, params as Handler)), uri); // any path: the params are what the text says
    return typeof answer === 'string' ? JSON.parse(answer) : answer;
  };

  const cases: readonly (readonly [path: string, uri: string, params: unknown])[] = [
    ['/', '/', {}],
    ['/users/:id', '/users/7', { id: '7' }],
    ['/users/:id', '/users/7?id=8', { id: '7' }],
    ['/users/:id', '/users/', undefined],
    ['/users/:id', '/users', undefined],
    ['/users/:id', '/users/7/', undefined],
    ['/users/:id', '/Users/7', undefined],
    ['/users/:id', '//users/7', undefined],
    ['/users/:id', '/users//7', undefined],
    ['/users/', '/users/', {}],
    ['/users/', '/users', undefined],
    ['/:a/:b', '/x/y', { a: 'x', b: 'y' }],
    ['/:a/x/:b', '/x/x/x', { a: 'x', b: 'x' }],
    ['/files/*', '/files/a/b.txt', { '*': 'a/b.txt' }],
    ['/files/*', '/files/', { '*': '' }],
    ['/files/*', '/files', undefined],
    ['/files/*', '/files/a/', { '*': 'a/' }],
    ['/files/*', '/files/a//b', { '*': 'a//b' }],
    ['/files/*', '/files//etc/passwd', undefined],
    ['/files/*', '/files/%2Fetc/passwd', undefined],
    ['/users/:id/*', '/users/7/a/b', { id: '7', '*': 'a/b' }],
    ['/*', '/', { '*': '' }],
    ['/users/:id', '/users/a%20b', { id: 'a b' }],
    ['/users/:id', '/users/a+b', { id: 'a+b' }],
    ['/users/:id', '/users/a%2Fb', { id: 'a/b' }],
    ['/users/:id', '/users/%2541', { id: '%41' }],
    ['/users/:id', '/users/caf%C3%A9', { id: 'café' }],
    ['/users/:id', '/users/%F0%9F%98%80', { id: '😀' }],
    ['/users/:id', "/users/a@b:c;d=e,f!$&'()", { id: "a@b:c;d=e,f!$&'()" }],
    ['/users/:id', '/users/...', { id: '...' }],
    ['/users/:id', '/users/.hidden', { id: '.hidden' }],
    ['/café/:x', '/caf%C3%A9/1', { x: '1' }],
    ['/caf%C3%A9/:x', '/caf%c3%a9/1', { x: '1' }],
    ['/a%3Ab', '/a:b', {}],
    ['/a%3Ab', '/a%3ab', {}],
    ['/a%2Fb', '/a/b', undefined],
    ['/a%2Fb', '/a%2fb', {}],
    ['/a/b', '/a%2fb', undefined],
    ['/admin', '/%61dmin', {}],
    ['/c++', '/c++', {}],
    ['/c++', '/c%2B%2B', {}],
    ["/it's", "/it's", {}],
    ['/it%28s%29', '/it(s)', {}],
    ['/.well-known/x', '/.well-known/x', {}],
    ['/constructor', '/constructor', {}],
    ['/__proto__', '/__proto__', {}],
    ['/a', '/constructor', undefined],
    ['/a', '/__proto__', undefined],
    // malformed: 400, whatever route it might have been
    ['/users/:id', '/users/%', [400, 'RHK_BAD_PATH']],
    ['/users/:id', '/users/%zz', [400, 'RHK_BAD_PATH']],
    ['/users/:id', '/users/%FF', [400, 'RHK_BAD_PATH']],
    ['/users/:id', '/users/%C3', [400, 'RHK_BAD_PATH']],
    ['/users/:id', '/users/%ED%A0%80', [400, 'RHK_BAD_PATH']],
    ['/users/:id', '/users/%C0%AF', [400, 'RHK_BAD_PATH']],
    ['/users/:id', '/users/a%00b', [400, 'RHK_BAD_PATH']],
    ['/users/:id', '/other/%', [400, 'RHK_BAD_PATH']],
    // dot segments: 400, however they are spelt
    ['/files/*', '/files/../etc/passwd', [400, 'RHK_BAD_PATH']],
    ['/files/*', '/files/./a', [400, 'RHK_BAD_PATH']],
    ['/files/*', '/files/..', [400, 'RHK_BAD_PATH']],
    ['/files/*', '/files/%2e%2e/etc/passwd', [400, 'RHK_BAD_PATH']],
    ['/files/*', '/files/%2E./etc/passwd', [400, 'RHK_BAD_PATH']],
    ['/files/*', '/files/..%2Fetc%2Fpasswd', [400, 'RHK_BAD_PATH']],
    ['/files/*', '/files/a%2F..%2F..%2Fetc', [400, 'RHK_BAD_PATH']],
    ['/files/*', '/files/..%5Cetc', [400, 'RHK_BAD_PATH']],
    ['/files/*', '/files/a\\..\\etc', [400, 'RHK_BAD_PATH']],
    ['/files/*', '/files/%252e%252e/etc', { '*': '%2e%2e/etc' }],
  ];
  for (const [path, uri, expected] of cases) {
    it(`of ${path} for ${uri} ${expected === undefined ? 'are none' : `are ${JSON.stringify(expected)}`}`, () => {
      expect(paramsOf(path, uri)).to.deep.equal(expected);
    });
  }

  it('have no prototype, so that no name is there before it is bound', () => {
    let seen: object | undefined;
    answerTo(
      routes(
        get(
          '/:__proto__/:constructor',
          map(({ params }) => ((seen = params), 'ok')),
        ),
      ),
      '/a/b',
    );
    for (const name of ['toString', 'hasOwnProperty', 'valueOf']) expect(name in (seen as object), name).to.equal(false); // set above
    expect(Object.entries(seen as object)).to.deep.equal([
      ['__proto__', 'a'],
      ['constructor', 'b'],
    ]); // set above
  });
});

describe('request.query', () => {
  const queryOf = (uri: string): unknown => {
    const answer = answerTo(
      routes(
        get(
          '/',
          map(({ query }) => JSON.stringify(query)),
        ),
      ),
      uri,
    );
    return typeof answer === 'string' ? JSON.parse(answer) : answer;
  };
  const cases: readonly (readonly [uri: string, query: unknown])[] = [
    ['/', {}],
    ['/?', {}],
    ['/?a', { a: '' }],
    ['/?a=', { a: '' }],
    ['/?=b', { '': 'b' }],
    ['/?a=1&b=2', { a: '1', b: '2' }],
    ['/?a=1&a=2&a=3', { a: ['1', '2', '3'] }],
    ['/?&&a=1&&', { a: '1' }],
    ['/?a=b=c', { a: 'b=c' }],
    ['/?a=b+c%20d', { a: 'b c d' }],
    ['/?a=%2B%26%3D', { a: '+&=' }],
    ['/?a+b=1', { 'a b': '1' }],
    ['/?a[]=1', { 'a[]': '1' }],
    ['/?a=%2541', { a: '%41' }],
    ['/?a=%F0%9F%98%80', { a: '😀' }],
    ['/?a=?', { a: '?' }],
    ['/?a=%', [400, 'RHK_BAD_QUERY']],
    ['/?%zz=1', [400, 'RHK_BAD_QUERY']],
    ['/?a=%FF', [400, 'RHK_BAD_QUERY']],
    [`/?${'a&'.repeat(1_000)}`, { a: Array.from({ length: 1_000 }, () => '') }],
    [`/?${'a&'.repeat(1_001)}`, [400, 'RHK_BAD_QUERY']],
  ];
  for (const [uri, expected] of cases) {
    it(`of ${uri.slice(0, 40)} is ${JSON.stringify(expected).slice(0, 40)}`, () => {
      expect(queryOf(uri)).to.deep.equal(expected);
    });
  }

  it('has no prototype', () => {
    let seen: Record<string, unknown> | undefined;
    answerTo(
      routes(
        get(
          '/',
          map(({ query }) => ((seen = query), 'ok')),
        ),
      ),
      '/?__proto__=1&constructor=2',
    );
    expect(Object.getPrototypeOf(seen)).to.equal(null);
    expect(Object.entries(seen as object)).to.deep.equal([
      ['__proto__', '1'],
      ['constructor', '2'],
    ]); // set above
  });

  it('fails only who reads it', () => {
    expect(answerTo(routes(get('/', says('unread'))), '/?a=%')).to.equal('unread');
  });
});

describe('context', () => {
  const where = map(({ params, pathInfo, uri }: HttpRequest & { params: object; pathInfo: string }) =>
    JSON.stringify([pathInfo, uri, params]),
  );
  const at = (handler: Handler, uri: string): unknown => {
    const answer = answerTo(handler, uri);
    return typeof answer === 'string' ? JSON.parse(answer) : answer;
  };

  it('takes its prefix off the path and adds its params', () => {
    const app = routes(context('/users/:id', context('/posts', get('/:post', where)), get('/about', where)));
    expect(at(app, '/users/7/posts/8')).to.deep.equal(['/8', '/users/7/posts/8', { id: '7', post: '8' }]);
    expect(at(app, '/users/7/about')).to.deep.equal(['/about', '/users/7/about', { id: '7' }]);
    expect(at(app, '/users/7')).to.equal(undefined);
    expect(at(app, '/about')).to.equal(undefined);
  });

  it('takes nothing behind the prefix for a slash', () => {
    const app = routes(context('/api', get('/', where)), context('/files', get('/*', where)));
    expect(at(app, '/api')).to.deep.equal(['/', '/api', {}]);
    expect(at(app, '/api/')).to.deep.equal(['/', '/api/', {}]);
    expect(at(app, '/api//')).to.equal(undefined);
    expect(at(app, '/files')).to.deep.equal(['/', '/files', { '*': '' }]);
    expect(at(app, '/files/a')).to.deep.equal(['/a', '/files/a', { '*': 'a' }]);
    expect(at(context('/a', context('/b', get('/', where))), '/a/b')).to.deep.equal(['/', '/a/b', {}]);
  });

  it('gives what stands behind it to handlers that are no routes, and to routes behind middleware', () => {
    const wrap =
      (handler: Handler): Handler =>
      (requests$) =>
        handler(requests$.pipe(map((request) => extend(request, { user: 'ann' }))));
    const user = map((request: HttpRequest) =>
      JSON.stringify([request, Reflect.get(request, 'user'), Reflect.get(request, 'params')].slice(1)),
    );
    const app = routes(context('/users/:id', wrap(routes(context('/posts', wrap(get('/:post', user as Handler))), get('/x', where)))));
    expect(at(app, '/users/7/posts/8')).to.deep.equal(['ann', { id: '7', post: '8' }]);
    expect(at(app, '/users/7/x')).to.deep.equal(['/x', '/users/7/x', { id: '7' }]);
    expect(at(context('/a', where as Handler), '/a/%2Fb?c')).to.deep.equal(['/%2Fb', '/a/%2Fb', {}]);
    expect(at(context('/a', where as Handler), '/b')).to.equal(undefined);
  });

  it('refuses prefixes that are none', () => {
    const refused = (prefix: string, why: string) => expect(() => context(prefix, nothing), prefix).to.throw(OptionError, why);
    refused('api', 'it must begin with a slash');
    refused('/', 'a prefix ends without a slash');
    refused('/api/', 'a prefix ends without a slash');
    refused('/api/*', '* cannot stand in a prefix');
    refused('/:a/:a', 'it binds :a twice');
    expect(() => context('/:id', get('/:id', nothing))).to.throw(OptionError, '"/:id/:id": it binds :id twice');
  });
});

describe('the path of a route', () => {
  const refused: readonly (readonly [path: string, why: string])[] = [
    ['', 'it must begin with a slash'],
    ['a', 'it must begin with a slash'],
    ['*', 'it must begin with a slash'],
    ['//', 'it has an empty segment'],
    ['/a//b', 'it has an empty segment'],
    ['/*/a', '* must be its last segment'],
    ['/a*', '"*" has no meaning inside a segment; the character itself is %2A'],
    ['/a:b', '":" has no meaning inside a segment; the character itself is %3A'],
    ['/:', '":" is no param'],
    ['/:1', '":1" is no param'],
    ['/:a.:b', '":a.:b" is no param'],
    ['/:id?', '":id?" is no param'],
    ['/:id(\\d+)', 'is no param'],
    ['/a?', 'the character itself is %3F'],
    ['/a#b', 'the character itself is %23'],
    ['/(a)', 'the character itself is %28'],
    ['/{a}', 'the character itself is %7B'],
    ['/a b', 'the character itself is %20'],
    ['/%', 'a percent sign is %25'],
    ['/%zz', 'a percent sign is %25'],
    ['/..', 'no request has the segment ".."'],
    ['/a/./b', 'no request has the segment "."'],
    ['/%2e%2e', 'no request has the segment "%2e%2e"'],
    ['/:a/:a', 'it binds :a twice'],
  ];
  for (const [path, why] of refused) {
    it(`is not ${JSON.stringify(path)}`, () => {
      expect(() => get(path, nothing)).to.throw(OptionError, why);
    });
  }

  it('is a string', () => {
    expect(() => get(/a/ as unknown as string, nothing)).to.throw(OptionError, 'is a object, must be a string'); // untyped callers
  });
});

describe('a request that middleware has made', () => {
  it('keeps what it was given', () => {
    const named =
      (handler: Handler): Handler =>
      (requests$: Observable<HttpRequest>) =>
        handler(requests$.pipe(map((request) => extend(request, { user: 'ann', remoteAddr: '192.0.2.9' }))));
    const app = named(
      routes(
        get(
          '/:x',
          map((request) =>
            JSON.stringify([Reflect.get(request, 'user'), request.remoteAddr, request.params.x, request.query, request.pathInfo]),
          ),
        ),
      ),
    );
    expect(JSON.parse(String(answerTo(app, '/1?q=2')))).to.deep.equal(['ann', '192.0.2.9', '1', { q: '2' }, '/1']);
  });

  it('is told apart by a type that its routes ask for', () => {
    const greet: OperatorFunction<HttpRequest & { user: string }, string> = map(({ user }) => `hello ${user}`);
    const inner = routes(get('/', filter((request) => request.method === 'POST') as Handler), greet);
    const app: Handler = (requests$) => inner(requests$.pipe(map((request) => extend(request, { user: 'ann' }))));
    expect(answerTo(app, '/')).to.equal('hello ann');
  });
});
