import { expect } from 'chai';
import { map } from 'rxjs';
import { type Handler, OptionError } from 'rx-http-kit';
import { inject, marbles, recordTo, request, type RequestParts } from 'rx-http-kit/testing';

const hello: Handler = map(() => 'hello');

describe('options of rx-http-kit/testing', () => {
  for (const wrong of [NaN, 0, -1, 0.5, '5' as unknown as number]) {
    it(`are refused where they are ${JSON.stringify(wrong)} or ${String(wrong)}`, () => {
      // With NaN nothing would ever happen in a test, and all that is expected of nothing would pass.
      expect(() => marbles(() => {}, { horizonMs: wrong })).to.throw(OptionError, 'horizonMs');
      expect(() => marbles(({ network }) => void network.server(hello, { writeBuffer: wrong }))).to.throw(OptionError, 'writeBuffer');
      expect(() => recordTo('never-written', { maxBytes: wrong })).to.throw(OptionError, 'maxBytes');
      if (wrong !== 0) expect(() => inject(hello, '/').collect({ timeoutMs: wrong })).to.throw(OptionError, 'timeoutMs');
    });
  }

  it('are refused by a name that nobody knows: a diagram that is not read cannot be wrong', () => {
    const untyped = (options: object): object => options; // as a test in JavaScript gives them
    for (const name of ['read', 'send', 'vanish', 'remoteAddress']) {
      expect(() => marbles(({ network }) => void network.server(hello).client(untyped({ [name]: '-' })))).to.throw(OptionError, name);
    }
    expect(() => marbles(() => {}, untyped({ horizon: 1 }))).to.throw(OptionError, 'horizon');
    expect(() => recordTo('never-written', untyped({ maxByte: 1 }))).to.throw(OptionError, 'maxByte');
    expect(() => inject(hello, '/').collect(untyped({ timeout: 1 }))).to.throw(OptionError, 'timeout');
    expect(() => marbles(undefined as unknown as () => void)).to.throw(OptionError, 'body'); // what untyped callers say
  });

  it('are refused where a request is none', () => {
    expect(() => request(null as unknown as RequestParts)).to.throw(OptionError, 'options'); // what untyped callers say
    expect(() => inject(hello, null as unknown as RequestParts)).to.throw(OptionError, 'options');
    expect(() => inject(hello, '/').collect({ timeoutMs: Infinity })).to.throw(OptionError, 'timeoutMs');
  });
});
