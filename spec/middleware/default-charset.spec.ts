import { expect } from 'chai';
import { map } from 'rxjs';
import { OptionError } from 'rx-http-kit';
import { defaultCharset } from 'rx-http-kit/middleware';
import { inject } from 'rx-http-kit/testing';

const typed = async (type: string, charset?: string): Promise<string> => {
  const handler = defaultCharset(charset)(map(() => ({ headers: { 'Content-Type': type }, body: 'x' })));
  return (await inject(handler, '/').collect()).headers['content-type'];
};

describe('defaultCharset', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['text/html', 'text/html; charset=utf-8'],
    ['application/xml', 'application/xml; charset=utf-8'],
    ['text/html; Charset=iso-8859-1', 'text/html; Charset=iso-8859-1'],
    ['application/json', 'application/json'],
    ['image/png', 'image/png'],
    ['application/xml-dtd', 'application/xml-dtd'],
  ];
  for (const [given, sent] of cases) {
    it(`makes ${sent} of ${given}`, async () => expect(await typed(given)).to.equal(sent));
  }

  it('takes another charset, and refuses what is none', async () => {
    expect(await typed('text/plain', 'ascii')).to.equal('text/plain; charset=ascii');
    expect(() => defaultCharset('utf-8\r\nx: y')).to.throw(OptionError, 'charset');
  });
});
