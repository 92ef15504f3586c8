import { expect } from 'chai';
import { EMPTY, NEVER, of, Subject, throwError } from 'rxjs';
import type { Handler, Reply } from 'rx-http-kit';
import { HandlerRun } from '#src/rx/answering/answer.js';
import { IncomingRequest } from '#src/rx/request.js';
import { WaitingRoom } from '#src/rx/admission/waiting-room.js';
import { RecordingPort } from '../recording-port.js';

describe('WaitingRoom', () => {
  it('has as many places as its limit', () => {
    const room = new WaitingRoom(2);
    expect([room.enter(), room.enter(), room.enter()]).to.deep.equal([true, true, false]);
    expect(room.size).to.equal(2);
    room.leave();
    expect([room.enter(), room.enter()]).to.deep.equal([true, false]);
  });

  it('may have no end', () => {
    const room = new WaitingRoom(Infinity);
    for (let index = 0; index < 1_000; index++) expect(room.enter()).to.equal(true);
  });
});

describe('queueSize', () => {
  const run = (room: WaitingRoom, handler: Handler): { port: RecordingPort; run: HandlerRun } => {
    const port = new RecordingPort();
    const handlerRun = new HandlerRun(new IncomingRequest(port), room, { onRunEnd: () => port.log.push('run end') });
    handlerRun.start(handler);
    return { port, run: handlerRun };
  };

  it('refuses a request that finds the room full, without running its handler', () => {
    const room = new WaitingRoom(1);
    run(room, () => NEVER);
    let ran = false;
    const { port } = run(room, () => {
      ran = true;
      return NEVER;
    });
    expect(ran).to.equal(false);
    expect(port.log).to.deep.equal([
      'report RHK_ADMISSION_FULL',
      'begin 503 retry-after: 1;',
      'write the server is busy',
      'end',
      'run end',
    ]);
    expect(room.size, 'the refused one never had a place').to.equal(1);
  });

  it('gives a place back, once, however a request leaves', () => {
    const replies$ = (): Subject<Reply> => new Subject<Reply>();
    const ways: Readonly<Record<string, (room: WaitingRoom) => void>> = {
      'with its first item': (room) => {
        const reply$ = replies$();
        run(room, () => reply$);
        reply$.next('a');
        reply$.next('b');
        reply$.complete();
      },
      'with all items at once': (room) => void run(room, () => of('a', 'b')),
      'without an item': (room) => void run(room, () => EMPTY),
      'with an error': (room) => void run(room, () => throwError(() => new Error('x'))),
      'with garbage': (room) => void run(room, () => of(5 as unknown as Reply)),
      'with an error thrown': (room) =>
        void run(room, () => {
          throw new Error('x');
        }),
      'with its client': (room) => {
        const { port } = run(room, () => NEVER);
        port.settle('gone');
      },
      'with an error behind its first item': (room) => {
        const reply$ = replies$();
        const { port } = run(room, () => reply$);
        reply$.next('a');
        port.isHeadSent = true;
        reply$.error(new Error('x'));
      },
      'when it is abandoned': (room) => {
        const { run: running } = run(room, () => NEVER);
        running.abandon();
        running.abandon();
      },
    };
    for (const [name, way] of Object.entries(ways)) {
      const room = new WaitingRoom(5);
      way(room);
      expect(room.size, name).to.equal(0);
    }
  });

  it('counts over all requests that share the room, until the first item only', () => {
    const room = new WaitingRoom(2);
    const first$ = new Subject<Reply>();
    run(room, () => first$);
    run(room, () => NEVER);
    expect(room.size).to.equal(2);
    first$.next('streams on');
    expect(room.size).to.equal(1);
    expect(run(room, () => NEVER).port.log).to.deep.equal([]);
  });
});
