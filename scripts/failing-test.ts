/** A marble test that is wrong, for the page that shows what it says. */
import { map } from 'rxjs';
import { asJson } from 'rx-http-kit';
import { marbles, post } from 'rx-http-kit/testing';

export const failingTest = (): void => {
  // #region failing
  marbles(({ network, expectReplies }) => {
    const sent = '    -a--b';
    const expected = '-a---b';
    const server = network.server((requests$) =>
      requests$.pipe(
        asJson<{ n: number }>(),
        map(({ n }) => `${n * 2}`),
      ),
    );
    const client = server.client({ sends: sent, values: { a: post('/', '{"n":1}'), b: post('/', 'two') } });
    expectReplies(client).toBe(expected, { a: '200 2', b: '200 4' });
  });
  // #endregion
};
