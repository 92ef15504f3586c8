import { expect } from 'chai';
import { type Observable, of, Subject } from 'rxjs';
import { eachRequest } from '#src/rx/each-request.js';
import type { HttpRequest, Reply } from 'rx-http-kit';
import { marbles } from 'rx-http-kit/testing';

type Requests = Observable<HttpRequest>;

/** A letter stands for a request here. */
const requestsOf = (letters$: Observable<string>): Requests => letters$ as unknown as Requests; // nobody looks into them

const answeredBy = (answers: Readonly<Record<string, Observable<Reply>>>): ReturnType<typeof eachRequest> =>
  eachRequest((request, replies) => void answers[request as unknown as string].subscribe(replies));

describe('eachRequest', () => {
  it('answers requests side by side, and completes when all are answered', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const a$ = cold('         -1---2|');
      const b$ = cold('           -3|');
      const requests$ = hot('  -a-b-|');
      const replies = '        --1-3-2|';
      expectObservable(requestsOf(requests$).pipe(answeredBy({ a: a$, b: b$ }))).toBe(replies);
      expectSubscriptions(requests$.subscriptions).toBe('^----!');
      expectSubscriptions(a$.subscriptions).toBe('-^-----!');
      expectSubscriptions(b$.subscriptions).toBe('---^-!');
    });
  });

  it('completes with its requests when all were answered before', () => {
    marbles(({ cold, hot, expectObservable }) => {
      expectObservable(requestsOf(hot('-a---|')).pipe(answeredBy({ a: cold('-1|') }))).toBe('--1--|');
    });
  });

  it('fails with its requests, and lets the answers go', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const a$ = cold('-1---3');
      expectObservable(requestsOf(hot('-a--#')).pipe(answeredBy({ a: a$ }))).toBe('--1-#');
      expectSubscriptions(a$.subscriptions).toBe('-^--!');
    });
  });

  it('fails with an answer, and lets requests and the other answers go', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const a$ = cold('         -1---2');
      const b$ = cold('           -#');
      const requests$ = hot('  -a-b--a');
      expectObservable(requestsOf(requests$).pipe(answeredBy({ a: a$, b: b$ }))).toBe('--1-#');
      expectSubscriptions(requests$.subscriptions).toBe('^---!');
      expectSubscriptions(a$.subscriptions).toBe('-^--!');
      expectSubscriptions(b$.subscriptions).toBe('---^!');
    });
  });

  it('fails with what answering throws', () => {
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const requests$ = hot('-a-b');
      const handler = eachRequest(() => {
        throw new Error('a bug');
      });
      expectObservable(requestsOf(requests$).pipe(handler)).toBe('-#', {}, new Error('a bug'));
      expectSubscriptions(requests$.subscriptions).toBe('^!');
    });
  });

  it('completes also where a finalizer throws behind an answer', () => {
    const told: unknown[] = [];
    const answers = new Subject<Reply>();
    const handler = eachRequest((_, replies) => {
      answers.subscribe(replies);
      replies.add(() => {
        throw new Error('a finalizer');
      });
    });
    requestsOf(of('a'))
      .pipe(handler)
      .subscribe({ next: (reply) => told.push(reply), complete: () => told.push('|') });
    answers.next('1');
    expect(() => answers.complete()).to.throw('a finalizer'); // as in RxJS
    expect(told).to.deep.equal(['1', '|']);
  });

  it('lets all go when it is unsubscribed', () => {
    marbles(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const a$ = cold('         -1-2');
      const requests$ = hot('  -a---b');
      expectObservable(requestsOf(requests$).pipe(answeredBy({ a: a$ })), '^--!').toBe('--1');
      expectSubscriptions(requests$.subscriptions).toBe('^--!');
      expectSubscriptions(a$.subscriptions).toBe('-^-!');
    });
  });

  it('answers all at once what is there at once', () => {
    marbles(({ expectObservable }) => {
      expectObservable(requestsOf(of('a', 'b')).pipe(answeredBy({ a: of('1'), b: of('2') }))).toBe('(12|)');
    });
  });
});
