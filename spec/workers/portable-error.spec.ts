import { expect } from 'chai';
import { HandlerError, HttpError, HttpKitError, OverloadError, ProtocolError } from 'rx-http-kit';
import { errorFrom, portableError } from '#src/workers/portable-error.js';

/** There and back, through what threads send each other. */
const crossed = (thrown: unknown): unknown => errorFrom(structuredClone(portableError(thrown)));

describe('portableError', () => {
  it('keeps class, code, status and words of our own errors', () => {
    for (const error of [
      new HandlerError('RHK_BAD_REPLY', 'five'),
      new ProtocolError('RHK_BODY_TOO_LARGE', 'much'),
      new OverloadError('RHK_ADMISSION_FULL', 'many', { retryAfter: 7 }),
      new HttpKitError('RHK_BODY_USED'),
    ]) {
      const again = crossed(error) as HttpKitError;
      expect(again).to.be.instanceOf(error.constructor);
      expect([again.name, again.code, again.status, again.message]).to.deep.equal([error.name, error.code, error.status, error.message]);
    }
    expect(crossed(new OverloadError('RHK_ADMISSION_FULL', 'many', { retryAfter: 7 }))).to.have.property('retryAfter', 7);
  });

  it('keeps status and headers that a handler chose', () => {
    const again = crossed(new HttpError(418, 'teapot', { headers: { 'x-a': 1, 'x-b': ['1', '2'] } })) as HttpError;
    expect(again).to.be.instanceOf(HttpError);
    expect([again.status, again.message, again.headers]).to.deep.equal([418, 'teapot', { 'x-a': '1', 'x-b': ['1', '2'] }]);
  });

  it('keeps name, message, code and stack of any other, and of its causes', () => {
    class DatabaseError extends TypeError {
      override readonly name = 'DatabaseError';
      readonly code = 'E42';
    }
    const error = new DatabaseError('no table', { cause: new RangeError('deep', { cause: 'a text' }) });
    const again = crossed(error) as DatabaseError & { readonly cause: Error };
    expect([again.name, again.message, again.code, again.stack]).to.deep.equal(['DatabaseError', 'no table', 'E42', error.stack]);
    expect([again.cause.name, again.cause.message, again.cause.cause]).to.deep.equal(['RangeError', 'deep', 'a text']);
  });

  it('lets anything cross that can be thrown', () => {
    expect(crossed('a text')).to.equal('a text');
    expect(crossed(undefined)).to.equal('undefined');
    expect(crossed({ toString: 5 })).to.equal('something that cannot be shown');
    const circle = new Error('circle');
    circle.cause = circle;
    expect(crossed(circle)).to.have.property('message', 'circle');
    const strange = new Error('strange');
    Object.assign(strange, { name: () => 5, stack: Symbol('stack'), code: () => 5 });
    expect(crossed(strange)).to.have.property('message', 'strange');
  });
  it('lets errors cross that cannot be read, and those of ours that were bent', () => {
    const fails = {
      get: () => {
        throw new Error('not to be read');
      },
    };
    for (const name of ['name', 'message', 'stack', 'cause', 'code']) {
      const error = Object.defineProperty(new Error('of an application'), name, fails);
      expect(crossed(error), name).to.be.instanceOf(Error).with.property('message');
    }
    const { proxy, revoke } = Proxy.revocable(new Error('revoked'), {});
    revoke();
    expect(crossed(proxy)).to.be.instanceOf(Error);
    expect(crossed(new Error('outer', { cause: proxy }))).to.have.property('message', 'outer');
    for (const status of [200, NaN, () => 404]) {
      const error = Object.defineProperty(new HttpError(404, 'gone'), 'status', { value: status });
      expect(crossed(error), String(status)).to.include({ name: 'HttpError', message: 'gone' }).and.not.instanceOf(HttpError);
    }
    const unknown = Object.defineProperty(new HandlerError('RHK_BAD_REPLY', 'five'), 'code', { value: 'RHK_OF_ANOTHER_VERSION' });
    expect(crossed(unknown)).to.include({ code: 'RHK_OF_ANOTHER_VERSION', message: 'five' });
    const late = Object.defineProperty(new OverloadError('RHK_ADMISSION_FULL'), 'retryAfter', { value: () => 5 });
    expect(crossed(late)).to.be.instanceOf(OverloadError);
  });
});
