import { expect } from 'chai';
import { type ErrorCode, ERRORS, HandlerError, HttpError, HttpKitError, OptionError, OverloadError, ProtocolError } from '#src/errors.js';

const entries = Object.entries(ERRORS);

describe('ERRORS', () => {
  it('has a code, a status, a source and a sentence for each', () => {
    for (const [code, { status, fault, section, sentence }] of entries) {
      expect(code).to.match(/^RHK_[A-Z]+(?:_[A-Z]+)*$/);
      expect(status === 0 || (Number.isInteger(status) && status >= 400 && status <= 599), `${code} ${status}`).to.equal(true);
      expect(['peer', 'server', 'handler', 'caller'], code).to.include(fault);
      expect(section, code).to.not.equal('');
      expect(sentence, code).to.match(/^(?:[a-z]|HTTP).*[^.\s]$/);
    }
  });

  it('blames the peer for 4xx and its like, ourselves for 500 and 503', () => {
    for (const [code, { status, fault }] of entries) {
      if (status === 500) expect(fault, code).to.equal('handler');
      if (status === 503) expect(fault, code).to.equal('server');
      if (fault === 'peer' && status !== 0) expect([400, 408, 410, 413, 414, 415, 417, 431, 501, 505], code).to.include(status);
    }
  });

  it('cannot be changed', () => {
    expect(Object.isFrozen(ERRORS)).to.equal(true);
  });
});

describe('HttpKitError', () => {
  it('takes status and message from the table', () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      // Object.keys is typed string[]
      const error = new HttpKitError(code);
      expect(error).to.include({ code, status: ERRORS[code].status, message: ERRORS[code].sentence });
      expect(error.cause).to.equal(undefined);
    }
  });

  it('keeps a message and a cause of its own', () => {
    const cause = new Error('why');
    expect(new HttpKitError('RHK_BAD_JSON', 'x', { cause })).to.include({ message: 'x', cause, status: 400 });
    expect(new HttpKitError('RHK_BAD_JSON', undefined, { cause })).to.include({ message: 'the body is not valid JSON', cause });
  });

  it('is told apart by class, and named after it', () => {
    for (const make of [ProtocolError, OverloadError, HandlerError]) {
      const error = new make('RHK_BAD_CHUNK');
      expect(error).to.be.instanceOf(HttpKitError).and.instanceOf(Error);
      expect(error.name).to.equal(make.name);
      expect(String(error)).to.equal(`${make.name}: malformed chunk`);
    }
    expect(new ProtocolError('RHK_BAD_CHUNK')).to.not.be.instanceOf(HandlerError);
  });
});

describe('HttpError', () => {
  it('carries status, message and headers', () => {
    const cause = new Error('why');
    const headers = { allow: 'GET' };
    expect(new HttpError(405, 'no', { headers, cause })).to.include({ status: 405, message: 'no', headers, cause, name: 'HttpError' });
    expect(new HttpError(400)).to.include({ status: 400, message: 'error', headers: undefined });
    expect(new HttpError(599)).to.include({ status: 599 });
  });

  it('takes statuses of errors only', () => {
    for (const status of [0, 200, 304, 399, 600, 404.5, NaN, Infinity, -404, '404' as unknown as number]) {
      // untyped callers
      expect(() => new HttpError(status), String(status)).to.throw(RangeError, String(status));
    }
  });
});

describe('OptionError', () => {
  it('names the option', () => {
    const error = new OptionError('port', 'is 70000');
    expect(error).to.be.instanceOf(TypeError);
    expect(error).to.include({ option: 'port', code: 'RHK_BAD_OPTION', message: 'option port: is 70000', name: 'OptionError' });
  });
});
