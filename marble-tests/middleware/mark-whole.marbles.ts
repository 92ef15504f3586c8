import { map, of } from 'rxjs';
import type { HttpResponse, Middleware, Reply } from 'rx-http-kit';
import { compress, etag } from 'rx-http-kit/middleware';
import { marbles, request } from 'rx-http-kit/testing';

const middleware: Readonly<Record<string, () => Middleware>> = { etag, compress };

/** A bare body, or the body of a response. */
const bodyOf = (reply: Reply): unknown => (typeof reply === 'string' ? reply : (reply as HttpResponse).body);

describe('markWhole', () => {
  for (const [name, make] of Object.entries(middleware)) {
    it(`holds no item of a stream back, as ${name} uses it`, () => {
      marbles(({ cold, expectObservable, expectSubscriptions }) => {
        const items$ = cold('a--b--(cd)--|');
        const taken = '      ^-----------!';
        const expected = '   a--b--(cd)--|';
        expectObservable(
          of(request('/')).pipe(
            make()(() => items$),
            map(bodyOf),
          ),
        ).toBe(expected);
        expectSubscriptions(items$.subscriptions).toBe(taken);
      });
    });

    it(`lets go of a held item when nobody listens, as ${name} uses it`, () => {
      marbles(({ cold, expectObservable, expectSubscriptions }) => {
        const items$ = cold('---a-----|');
        const taken = '      ^----!';
        const expected = '   ---a--';
        expectObservable(
          of(request('/')).pipe(
            make()(() => items$),
            map(bodyOf),
          ),
          taken,
        ).toBe(expected);
        expectSubscriptions(items$.subscriptions).toBe(taken);
      });
    });

    it(`gives a whole reply, an empty one and an error in their frame, as ${name} uses it`, () => {
      marbles(({ cold, expectObservable }) => {
        for (const diagram of ['---(a|)', '---|', '---#', '-a-#']) {
          expectObservable(
            of(request('/')).pipe(
              make()(() => cold(diagram)),
              map(bodyOf),
            ),
          ).toBe(diagram);
        }
      });
    });
  }
});
