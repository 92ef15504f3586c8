import { expect } from 'chai';
import { type ErrorCode, ERRORS, HandlerError, HttpError, OptionError, OverloadError, ProtocolError } from '#src/errors.js';
import { faultResponse } from '#src/protocol/fault-response.js';
import { ResponseFields, statusLine } from '#src/protocol/response-head.js';

const SECRET = 'secret of the inside';

describe('faultResponse', () => {
  it('says status and message of an HttpError, with its headers', () => {
    const headers = { allow: 'GET' };
    expect(faultResponse(new HttpError(405, 'not allowed', { headers, cause: SECRET }))).to.deep.equal({
      status: 405,
      headers,
      body: 'not allowed',
    });
    expect(faultResponse(new HttpError(418))).to.deep.equal({ status: 418, headers: undefined, body: 'error' });
  });

  it('says the sentence of the table, never the message, of our own errors', () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      // Object.keys is typed string[]
      for (const make of [ProtocolError, HandlerError, OverloadError]) {
        const fault = faultResponse(new make(code, SECRET, { cause: SECRET }));
        const { status, sentence } = ERRORS[code];
        expect(fault.status, code).to.equal(status === 0 ? 500 : status);
        expect(fault.body, code).to.equal(status === 0 ? 'internal server error' : sentence);
      }
    }
  });

  it('says no word about anything else', () => {
    for (const thrown of [
      new Error(SECRET),
      new TypeError(SECRET),
      new OptionError('x', SECRET),
      SECRET,
      404,
      null,
      undefined,
      { status: 404, message: SECRET },
      Object.create(null),
    ]) {
      expect(faultResponse(thrown)).to.deep.equal({ status: 500, headers: undefined, body: 'internal server error' });
    }
  });

  it('tells a client that was refused when to come again', () => {
    expect(faultResponse(new OverloadError('RHK_ADMISSION_FULL')).headers).to.deep.equal({ 'retry-after': 1 });
    expect(faultResponse(new ProtocolError('RHK_BAD_HOST')).headers).to.equal(undefined);
  });

  it('can always be sent', () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      // as above
      const { status, headers, body } = faultResponse(new ProtocolError(code));
      expect(() => statusLine(status), code).to.not.throw();
      expect(() => new ResponseFields(headers), code).to.not.throw();
      expect(body, code).to.match(/^[\x20-\x7e]+$/); // its length in characters is its length in octets
    }
  });
});
