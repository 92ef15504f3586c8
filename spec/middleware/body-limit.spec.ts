import { expect } from 'chai';
import { of, Subject } from 'rxjs';
import { asText, OptionError } from 'rx-http-kit';
import { bodyLimit } from 'rx-http-kit/middleware';
import { inject } from 'rx-http-kit/testing';

const statusOf = async (body: string, limit = 4): Promise<number> =>
  (await inject(bodyLimit(limit)(asText()), { method: 'POST', body }).collect()).status;

describe('bodyLimit', () => {
  it('lets pass what is just as long', async () => {
    expect(await statusOf('1234')).to.equal(200);
    expect((await inject(bodyLimit(4)(asText()), { method: 'POST', body: of('12', '34') }).collect()).text).to.equal('1234');
    expect((await inject(bodyLimit(0)(asText()), '/').collect()).status).to.equal(200);
  });

  it('answers 413 to what is longer: announced, and counted', async () => {
    expect(await statusOf('12345')).to.equal(413);
    expect((await inject(bodyLimit(4)(asText()), { method: 'POST', body: of('123', '45') }).collect()).status).to.equal(413);
  });

  it('answers before the body has come', async () => {
    const body = new Subject<string>();
    const reply = await inject(bodyLimit(4)(asText()), { method: 'POST', headers: { 'content-length': 5 }, body }).collect();
    expect(reply.status).to.equal(413);
  });

  it('refuses what is no number of octets', () => {
    for (const limit of [-1, 1.5, '1', undefined]) expect(() => bodyLimit(limit as number)).to.throw(OptionError, 'maxBody'); // what untyped callers say
    expect(() => bodyLimit('1mb' as unknown as number)).to.throw('option maxBody: is "1mb", must be an integer from 0 to Infinity');
  });
});
