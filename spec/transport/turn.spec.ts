import { expect } from 'chai';
import { Turn } from '#src/transport/turn.js';
import { VirtualClock } from '#src/testing/virtual-clock.js';

describe('Turn', () => {
  const counting = (): { turn: Turn; clock: VirtualClock; asked: () => number } => {
    const clock = new VirtualClock();
    let asked = 0;
    const endOfTurn = clock.endOfTurn.bind(clock);
    clock.endOfTurn = (action) => {
      asked++;
      endOfTurn(action);
    };
    return { turn: new Turn(clock), clock, asked: () => asked };
  };

  it('runs tasks when the turn is over, in their order', () => {
    const { turn, clock } = counting();
    const log: string[] = [];
    for (const name of ['a', 'b']) turn.add({ onTurnEnd: () => log.push(name) });
    expect(log).to.deep.equal([]);
    clock.settle();
    expect(log).to.deep.equal(['a', 'b']);
    clock.advance(100);
    expect(log, 'and once').to.have.lengthOf(2);
  });

  it('asks once, however many have something to send', () => {
    const { turn, clock, asked } = counting();
    for (let index = 0; index < 100; index++) turn.add({ onTurnEnd: () => {} });
    expect(asked()).to.equal(1);
    clock.settle();
    turn.add({ onTurnEnd: () => {} });
    expect(asked()).to.equal(2);
  });

  it('runs what a task adds at the end of the next turn', () => {
    const { turn, clock, asked } = counting();
    const log: number[] = [];
    turn.add({ onTurnEnd: () => turn.add({ onTurnEnd: () => log.push(asked()) }) });
    clock.settle();
    expect(log).to.deep.equal([2]);
  });
});
