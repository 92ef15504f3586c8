import { expect } from 'chai';
import { HttpError } from 'rx-http-kit';
import { errorFrom, plainFrom } from '#src/processes/plain-error.js';

describe('plainFrom and errorFrom', () => {
  it('keep name, message, stack, code and causes', () => {
    const cause = Object.assign(new RangeError('low'), { code: 'E_LOW' });
    const error = new HttpError(404, 'gone', { cause });
    const copy = errorFrom(structuredClone(plainFrom(error)));
    expect(copy).to.be.instanceOf(Error).and.include({ name: 'HttpError', message: 'gone', stack: error.stack });
    expect(copy.cause).to.be.instanceOf(Error).and.include({ name: 'RangeError', message: 'low', code: 'E_LOW', stack: cause.stack });
  });

  it('take whatever is thrown', () => {
    for (const thrown of ['text', undefined, null, Symbol('a'), Object.create(null), { message: 'like an error' }]) {
      expect(errorFrom(plainFrom(thrown))).to.be.instanceOf(Error);
    }
  });

  it('follow a ring of causes for a while', () => {
    const error = new Error('a');
    error.cause = error;
    let depth = 0;
    for (let each: unknown = errorFrom(plainFrom(error)); each instanceof Error; each = each.cause) depth++;
    expect(depth).to.equal(9);
  });

  it('take errors that cannot be read, or whose stack is anything', () => {
    const fails = {
      get: () => {
        throw new Error('not to be read');
      },
    };
    const strange = Object.defineProperty(new Error('strange'), 'stack', { value: () => {} });
    const { proxy, revoke } = Proxy.revocable(new Error('revoked'), {});
    revoke();
    for (const thrown of [Object.defineProperty(new Error('a'), 'message', fails), strange, proxy, new Error('outer', { cause: proxy })]) {
      expect(errorFrom(structuredClone(plainFrom(thrown)))).to.be.instanceOf(Error);
    }
    expect(errorFrom(plainFrom(strange)).message).to.equal('strange');
  });
});
