import { expect } from 'chai';
import { concat, EMPTY, finalize, NEVER, Observable, of, Subject, throwError } from 'rxjs';
import { type Handler, HttpError, type Reply } from 'rx-http-kit';
import { answer } from '#src/rx/answering/answer.js';
import { IncomingRequest } from '#src/rx/request.js';
import { WaitingRoom } from '#src/rx/admission/waiting-room.js';
import { RecordingPort } from '../recording-port.js';

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** Answers one request with `reply$`; `answered` and its like are in the port's log as well. */
const answered = (handler: Handler | Observable<Reply>, port: RecordingPort = new RecordingPort()) => {
  const request = new IncomingRequest(port);
  const asHandler: Handler = typeof handler === 'function' ? handler : () => handler;
  const subscription = answer(request, asHandler, new WaitingRoom(10)).subscribe({
    next: () => port.log.push('next'),
    error: (error: unknown) => port.log.push(`error ${String(error)}`),
    complete: () => port.log.push('complete'),
  });
  return { port, request, subscription };
};

const logOf = (handler: Handler | Observable<Reply>): string[] => answered(handler).port.log;

describe('answer', () => {
  it('is lazy', () => {
    let ran = false;
    const port = new RecordingPort();
    answer(
      new IncomingRequest(port),
      () => {
        ran = true;
        return EMPTY;
      },
      new WaitingRoom(1),
    );
    expect(ran).to.equal(false);
    expect(port.log).to.deep.equal([]);
  });

  it('gives the handler one request, and its end', () => {
    const seen: string[] = [];
    answered((requests$) => {
      requests$.subscribe({ next: ({ uri }) => seen.push(uri), complete: () => seen.push('|') });
      return EMPTY;
    });
    expect(seen).to.deep.equal(['/', '|']);
  });

  it('sends what the reply says', () => {
    expect(logOf(of('a'))).to.deep.equal(['begin 200', 'write a', 'end', 'complete']);
    expect(logOf(of({ status: 201, headers: { a: 'b' }, body: 'c' }))).to.deep.equal(['begin 201 a: b;', 'write c', 'end', 'complete']);
    expect(logOf(of(null))).to.deep.equal(['begin 200', 'end', 'complete']);
    expect(logOf(of({ status: 204 }))).to.deep.equal(['begin 204', 'end', 'complete']);
  });

  it('takes status and headers of the first item, and only bodies of later ones', () => {
    const items: Reply[] = [{ status: 201, body: 'a' }, { status: 500, headers: { x: 'y' }, body: 'b' }, 'c', null, { status: 400 }];
    expect(logOf(of(...items))).to.deep.equal(['begin 201', 'write a', 'write b', 'write c', 'end', 'complete']);
  });

  it('sends bodies one behind the other, sources of any kind among them', async () => {
    const later$ = new Subject<string>();
    const { port } = answered(of<Reply[]>('a', later$, ['c', 'd'], (async function* () { yield 'e'; })(), 'f')); // prettier-ignore
    expect(port.log).to.deep.equal(['begin 200', 'write a']);
    later$.next('b');
    later$.complete();
    await settle();
    const written = port.log.filter((line) => line.startsWith('write')).join();
    expect(written).to.equal('write a,write b,write c,write d,write e,write f');
    expect(port.log.slice(-2)).to.deep.equal(['end', 'complete']);
  });

  it('sends a thousand bodies that waited, without a thousand frames of the stack', () => {
    const first$ = new Subject<string>();
    const waiting = Array.from({ length: 1_000 }, (_, index) => [`${index}`]);
    const { port } = answered(of<Reply[]>(first$, ...waiting));
    first$.complete();
    expect(port.log.filter((line) => line.startsWith('write'))).to.have.lengthOf(1_000);
    expect(port.log.slice(-2)).to.deep.equal(['end', 'complete']);
  });

  it('cuts a reply with too many bodies waiting behind one', () => {
    const { port } = answered(concat(of(NEVER), of(...Array.from({ length: 2_000 }, () => 'a'))));
    expect(port.log.filter((line) => line.includes('RHK_SLOW_CLIENT'))).to.have.lengthOf(1);
    expect(port.log.at(-1)).to.equal('complete');
  });

  it('answers errors once, with what the client may know', () => {
    const internal = ['report RHK_HANDLER_FAILED', 'begin 500', 'write internal server error', 'end', 'complete'];
    const thrower: Handler = () => {
      throw new Error('secret');
    };
    expect(logOf(throwError(() => new Error('secret')))).to.deep.equal(internal);
    expect(logOf(thrower)).to.deep.equal(internal);
    expect(logOf(throwError(() => new HttpError(418, 'tea', { headers: { a: 'b' } })))).to.deep.equal([
      'begin 418 a: b;',
      'write tea',
      'end',
      'complete',
    ]);
    expect(logOf(EMPTY)).to.deep.equal(['begin 404', 'write not found', 'end', 'complete']);
    expect(logOf(throwError(() => new HttpError(400, 'x', { headers: { 'a b': 'c' } })))).to.deep.equal([
      'report RHK_BAD_HEADER',
      'begin 500',
      'end',
      'complete',
    ]);
  });

  it('refuses what cannot be sent, before anything was', () => {
    const codes = (reply: unknown): string => logOf(of(reply as Reply))[0]; // what no typed handler emits
    expect(codes(5)).to.equal('report RHK_BAD_REPLY');
    expect(codes({ status: 99 })).to.equal('report RHK_BAD_STATUS');
    expect(codes({ status: '200' })).to.equal('report RHK_BAD_STATUS');
    expect(codes({ headers: { a: '\r\n' } })).to.equal('report RHK_BAD_HEADER');
    expect(codes({ body: 5 })).to.equal('report RHK_BAD_REPLY');
  });

  it('replaces a reply that has begun and not left, and cuts one that has', () => {
    const failing$ = concat(
      of('a'),
      throwError(() => new Error('x')),
    );
    expect(logOf(failing$).filter((line) => !line.startsWith('report'))).to.deep.equal([
      'begin 200',
      'write a',
      'begin 500',
      'write internal server error',
      'end',
      'complete',
    ]);
    const port = new RecordingPort();
    const reply$ = new Subject<Reply>();
    answered(reply$, port);
    reply$.next('a');
    port.isHeadSent = true;
    reply$.error(new Error('x'));
    expect(port.log).to.deep.equal(['begin 200', 'write a', 'cut RHK_HANDLER_FAILED', 'complete']);
  });

  it('shows what was thrown only to those who watch, and survives what cannot be shown', () => {
    const cause = {
      toString: () => {
        throw new Error('no');
      },
    };
    for (const thrown of [cause, Object.create(null) as object, Symbol('a'), null, undefined, 5]) {
      const port = new RecordingPort();
      const reported: unknown[] = [];
      port.report = (error) => void reported.push(error);
      answered(
        throwError(() => thrown),
        port,
      );
      expect(reported).to.have.lengthOf(1);
      expect(reported[0]).to.include({ code: 'RHK_HANDLER_FAILED', cause: thrown });
      expect(port.log).to.include('write internal server error');
    }
  });

  it('lets go of the handler before it ends the reply', () => {
    const port = new RecordingPort();
    const logged = (reply$: Observable<Reply>): Observable<Reply> => reply$.pipe(finalize(() => port.log.push('let go')));
    const reply$ = new Subject<Reply>();
    answered(logged(reply$), port);
    reply$.next('a');
    reply$.complete();
    expect(port.log).to.deep.equal(['begin 200', 'write a', 'let go', 'end', 'complete']);
  });

  it('lets go of everything once, when the client has gone', async () => {
    const port = new RecordingPort();
    let letGo = 0;
    const body$ = (NEVER as Observable<string>).pipe(finalize(() => letGo++));
    const { request } = answered(concat(of(body$), NEVER).pipe(finalize(() => letGo++)), port);
    expect(request.signal.aborted).to.equal(false);
    port.settle('gone');
    port.settle('gone');
    expect(letGo).to.equal(2);
    expect(request.signal.aborted).to.equal(true);
    expect(port.log).to.deep.equal(['begin 200', 'complete']);
    await settle();
  });

  it('does not call a client gone that has all it asked for', () => {
    const port = new RecordingPort();
    let letGo = 0;
    const { request } = answered(concat(of('a'), NEVER).pipe(finalize(() => letGo++)), port);
    port.settle('answered');
    expect(letGo).to.equal(1);
    expect(request.signal.aborted).to.equal(false);
    expect(port.log.at(-1)).to.equal('complete');
  });

  it('breaks off once when unsubscribed', () => {
    let letGo = 0;
    const { port, request, subscription } = answered(concat(of('a'), NEVER).pipe(finalize(() => letGo++)));
    subscription.unsubscribe();
    subscription.unsubscribe();
    expect(port.log).to.deep.equal(['begin 200', 'write a', 'cut']);
    expect(letGo).to.equal(1);
    expect(request.signal.aborted).to.equal(true);
  });

  it('does nothing for an exchange that is settled', () => {
    const port = new RecordingPort();
    port.isSettled = true;
    let ran = false;
    answered(() => {
      ran = true;
      return NEVER;
    }, port);
    expect(ran).to.equal(false);
    expect(port.log).to.deep.equal(['complete']);
  });

  it('answers nothing behind the end of a reply, and reports an error there', () => {
    const { port } = answered(
      new Observable<Reply>((subscriber) => {
        subscriber.next(5 as unknown as Reply);
        subscriber.next('late');
        subscriber.error(new Error('later'));
        subscriber.complete();
      }),
    );
    const answered500 = ['report RHK_BAD_REPLY', 'begin 500', 'write internal server error', 'end', 'complete'];
    expect(port.log).to.deep.equal([...answered500, 'report RHK_HANDLER_FAILED']);
  });

  it('reports a finalizer that throws, and completes all the same', () => {
    const reply$ = new Subject<Reply>();
    const broken$ = reply$.pipe(
      finalize(() => {
        throw new Error('in finalize');
      }),
    );
    const { log } = answered(broken$).port;
    reply$.next('a');
    expect(() => reply$.complete(), 'the producer must not hear of it').to.not.throw();
    expect(log.filter((line) => line.startsWith('report'))).to.deep.equal(['report RHK_HANDLER_FAILED']);
    expect(log.slice(-2)).to.deep.equal(['end', 'complete']);
  });
});
