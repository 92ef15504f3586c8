import { mergeMap } from 'rxjs';
import { get, marbles } from 'rx-http-kit/testing';

describe('the test of README.md', () => {
  // As it stands there; `spec/readme.spec.ts` compares the two.
  // #region readme
  it('streams prices as they come, and lets go of them with its client', () => {
    marbles(({ cold, network, expectReply, expectSubscriptions }) => {
      const prices$ = cold('--a-b--c');
      const sent = '       -r----#'; // asks, and is reset
      const subscribed = ' -^----!';
      const expected = '   ---a-b';
      const client = network.server(mergeMap(() => prices$)).client({ sends: sent, values: { r: get('/') } });
      expectReply(client).toBe(expected);
      expectSubscriptions(prices$.subscriptions).toBe(subscribed);
    });
  });
  // #endregion
});
