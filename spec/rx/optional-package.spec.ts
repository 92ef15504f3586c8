import { expect } from 'chai';
import type rangeParser from 'range-parser';
import { OptionError } from 'rx-http-kit';
import { checkOptionalPackage, optionalPackage } from '#src/rx/optional-package.js';

describe('optionalPackage', () => {
  it('gives what a package exports', () => {
    expect(optionalPackage<typeof rangeParser>('range-parser', 'file')(10, 'bytes=2-4')).to.have.deep.property('0', { start: 2, end: 4 });
  });

  it('says who needs the one that is missing, each time', () => {
    for (const who of ['file', 'resource']) {
      expect(() => optionalPackage('no-such-package', who))
        .to.throw(OptionError, `option ${who}: needs the package no-such-package: npm install no-such-package`)
        .with.nested.property('cause.code', 'MODULE_NOT_FOUND');
    }
  });

  it('looks for one that only import can load', () => {
    checkOptionalPackage('iron-webcrypto', 'cookieStore');
    expect(() => checkOptionalPackage('no-such-package', 'cookieStore')).to.throw(OptionError, 'option cookieStore: needs the package');
  });
});
