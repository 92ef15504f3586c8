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

  it('are refused where a request is none', () => {
    expect(() => request(null as unknown as RequestParts)).to.throw(OptionError, 'options'); // what untyped callers say
    expect(() => inject(hello, null as unknown as RequestParts)).to.throw(OptionError, 'options');
    expect(() => inject(hello, '/').collect({ timeoutMs: Infinity })).to.throw(OptionError, 'timeoutMs');
  });
});
