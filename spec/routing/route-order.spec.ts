import { any, context, get, post, put, routes } from '#src/routing/index.js';
import type { Handler, HttpError, HttpRequest } from '#src/index.js';
import { single } from '#src/rx/single.js';
import { request } from '#src/testing/index.js';
import { expect } from 'chai';
import fc from 'fast-check';
import { EMPTY, map, mergeMap, type Observable, of } from 'rxjs';

/** A tree of routes as data: what is built of it, and what a reader would say of it, must agree. */
type Tree =
  | { readonly kind: 'route'; readonly method: 'get' | 'post' | 'put' | 'any'; readonly path: string; readonly answers: boolean }
  | { readonly kind: 'plain'; readonly answers: boolean }
  | { readonly kind: 'response' }
  | { readonly kind: 'context'; readonly prefix: string; readonly children: readonly Tree[] }
  | { readonly kind: 'routes' | 'wrapped'; readonly children: readonly Tree[] };

const VERBS = { get, post, put, any };
const METHODS = { get: ['GET', 'HEAD'], post: ['POST'], put: ['PUT'], any: null };

/** Every node is known by its place in the whole. */
const build = (tree: Tree, place: string): Handler => {
  const says = (answers: boolean): Handler => (answers ? map(() => place) : mergeMap(() => EMPTY));
  const children = (nodes: readonly Tree[]) =>
    nodes.map((child, i) => (child.kind === 'response' ? { status: 404, body: `${place}.${i}` } : build(child, `${place}.${i}`)));
  switch (tree.kind) {
    case 'route':
      return VERBS[tree.method](tree.path, says(tree.answers));
    case 'plain':
      return says(tree.answers);
    case 'context':
      return context(tree.prefix, ...children(tree.children));
    case 'routes':
      return routes(...children(tree.children));
    case 'wrapped': {
      const inner = routes(...children(tree.children));
      return (requests$) => inner(requests$);
    }
    case 'response':
      throw new Error('a response is no handler');
  }
};

interface Trail {
  readonly allowed: Set<string>;
  hasOwn: boolean;
}

/** The model: one route after the other, segment by segment. `undefined` for nothing. */
const answerOf = (tree: Tree, place: string, method: string, path: readonly string[], trail: Trail): string | undefined => {
  switch (tree.kind) {
    case 'route': {
      if (!means(tree.path, path)) return undefined;
      const methods = METHODS[tree.method];
      if (methods !== null && !methods.includes(method)) {
        for (const one of methods) trail.allowed.add(one);
        return undefined;
      }
      trail.hasOwn = true;
      return tree.answers ? place : undefined;
    }
    case 'plain':
      return tree.answers ? place : undefined;
    case 'response':
      return refusal(method, trail) ?? place;
    case 'context': {
      const prefix = tree.prefix.slice(1).split('/');
      if (path.length < prefix.length || !prefix.every((segment, i) => meansSegment(segment, path[i]))) return undefined;
      const rest = path.slice(prefix.length);
      return firstOf(tree.children, place, method, rest.length === 0 ? [''] : rest, trail);
    }
    default:
      return firstOf(tree.children, place, method, path, trail);
  }
};

const firstOf = (children: readonly Tree[], place: string, method: string, path: readonly string[], trail: Trail): string | undefined => {
  for (const [i, child] of children.entries()) {
    const answer = answerOf(child, `${place}.${i}`, method, path, trail);
    if (answer !== undefined) return answer;
  }
  return undefined;
};

const means = (route: string, path: readonly string[]): boolean => {
  const segments = route.slice(1).split('/');
  const hasRest = segments[segments.length - 1] === '*';
  if (hasRest) segments.pop();
  if (hasRest ? path.length <= segments.length : path.length !== segments.length) return false;
  if (!segments.every((segment, i) => meansSegment(segment, path[i]))) return false;
  return !hasRest || !path.slice(segments.length).join('/').startsWith('/');
};

const meansSegment = (segment: string, text: string): boolean =>
  segment.startsWith(':') ? text !== '' : decodeURIComponent(segment) === text;

const refusal = (method: string, { allowed, hasOwn }: Trail): string | undefined => {
  if (hasOwn || allowed.size === 0) return undefined;
  return `${method === 'OPTIONS' ? 204 : 405} ${[...allowed, 'OPTIONS'].join(', ')}`;
};

const literal = fc.constantFrom('a', 'b', 'c', 'caf%C3%A9', 'é', '%2F', 'a%20b', '-');
const prefixed = (name: string) => fc.oneof({ weight: 3, arbitrary: literal }, fc.constant(`:${name}`));
/** Names differ by place, so that no path binds one twice. */
const pathOf = (depth: number, ends: readonly string[]) =>
  fc
    .tuple(
      fc.integer({ min: 0, max: 3 }).chain((length) => fc.tuple(...Array.from({ length }, (_, i) => prefixed(`d${depth}p${i}`)))),
      fc.constantFrom(...ends),
    )
    .map(([segments, end]) => {
      const path = segments.map((segment) => `/${segment}`).join('');
      return path === '' && end === '' ? '/' : path + end;
    });
const treeOf = (depth: number): fc.Arbitrary<Tree> => {
  const route = fc.record({
    kind: fc.constant('route' as const),
    method: fc.constantFrom('get', 'post', 'put', 'any'),
    path: pathOf(depth, ['', '', '/', '/*']),
    answers: fc.boolean(),
  });
  const plain = fc.record({ kind: fc.constant('plain' as const), answers: fc.constant(false) });
  const response = fc.record({ kind: fc.constant('response' as const) });
  const leaf: fc.Arbitrary<Tree> = fc.oneof({ weight: 12, arbitrary: route }, plain, response);
  if (depth === 0) return leaf;
  const children = fc.array(treeOf(depth - 1), { maxLength: 4 });
  return fc.oneof(
    { weight: 4, arbitrary: leaf },
    fc.record({ kind: fc.constantFrom('routes' as const, 'wrapped' as const), children }),
    fc.record({ kind: fc.constant('context' as const), prefix: pathOf(depth, ['']).filter((path) => path !== '/'), children }),
  );
};
const segment = fc.constantFrom('a', 'b', 'c', 'caf%c3%a9', 'caf%C3%A9', '%C3%A9', '%2f', '%2F', 'a%20b', '%2D', '-', '%61', '', 'a(b)');
const uriOf = fc.array(segment, { minLength: 1, maxLength: 6 }).map((segments) => `/${segments.join('/')}`);

const answerTo = (handler: Handler, requests$: Observable<HttpRequest>): string | undefined => {
  let answer: string | undefined;
  handler(requests$).subscribe({
    next: (reply) => {
      const { status, headers, body } = Object(reply) as { status?: number; headers?: { allow: string }; body?: string };
      answer = typeof reply === 'string' ? reply : status === 204 ? `204 ${headers?.allow}` : body;
    },
    error: (error: HttpError) => (answer = `${error.status} ${String(error.headers?.['allow'])}`),
  });
  return answer;
};

describe('the order of routes', () => {
  it('is that of a reader who tries one after the other', () => {
    const given = fc.record({
      children: fc.array(treeOf(2), { maxLength: 8 }),
      requests: fc.array(fc.tuple(uriOf, fc.constantFrom('GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS')), { minLength: 1, maxLength: 8 }),
    });
    let answered = 0;
    fc.assert(
      fc.property(given, ({ children, requests }) => {
        const tree: Tree = { kind: 'routes', children };
        const handler = build(tree, 'r');
        for (const [uri, method] of requests) {
          const trail: Trail = { allowed: new Set(), hasOwn: false };
          const path = uri.slice(1).split('/').map(decodeURIComponent);
          const expected = answerOf(tree, 'r', method, path, trail) ?? refusal(method, trail);
          if (expected !== undefined) answered++;
          expect(answerTo(handler, of(request({ uri, method }))), `${method} ${uri}`).to.equal(expected);
          expect(answerTo(handler, single(request({ uri, method }))), `${method} ${uri}, as a server asks`).to.equal(expected);
        }
      }),
      { numRuns: 1_000 },
    );
    expect(answered, 'the law was about something').to.be.greaterThan(1_000);
  });
});
