import { expect } from 'chai';
import fc from 'fast-check';
import {
  FIELD_VALUE,
  HEX,
  isAuthority,
  isFieldValue,
  isToken,
  QUOTED_TEXT,
  REG_NAME,
  splitAuthority,
  TARGET,
  TOKEN,
} from '#src/protocol/grammar.js';

const membersOf = (table: Uint8Array): string =>
  [...table.keys()]
    .filter((byte) => table[byte] === 1)
    .map((byte) => String.fromCharCode(byte))
    .join('');
const range = (first: number, last: number): string =>
  String.fromCharCode(...Array.from({ length: last - first + 1 }, (_, index) => first + index));
const sorted = (text: string): string => [...text].sort().join('');

const ALNUM = `${range(0x30, 0x39)}${range(0x41, 0x5a)}${range(0x61, 0x7a)}`;

describe('character tables', () => {
  it('hold their members and nothing else', () => {
    expect(membersOf(TOKEN), 'RFC 9110 §5.6.2').to.equal(sorted(`!#$%&'*+-.^_\`|~${ALNUM}`));
    expect(membersOf(FIELD_VALUE), 'RFC 9110 §5.5').to.equal(`\t${range(0x20, 0x7e)}${range(0x80, 0xff)}`);
    expect(membersOf(TARGET)).to.equal(range(0x21, 0x7e).replace('#', ''));
    expect(membersOf(REG_NAME), 'RFC 3986 §3.2.2').to.equal(sorted(`-._~%!$&'()*+;=${ALNUM}`));
    expect(membersOf(QUOTED_TEXT), 'RFC 9110 §5.6.4').to.equal(
      `\t${range(0x20, 0x7e).replace('"', '').replace('\\', '')}${range(0x80, 0xff)}`,
    );
  });

  it('answer for every byte', () => {
    for (const table of [TOKEN, FIELD_VALUE, TARGET, REG_NAME, QUOTED_TEXT, HEX]) expect(table).to.have.lengthOf(256);
  });

  it('give hexadecimal digits their values', () => {
    for (let byte = 0; byte < 256; byte++) {
      const digit = String.fromCharCode(byte);
      expect(HEX[byte], digit).to.equal(/^[0-9a-fA-F]$/.test(digit) ? parseInt(digit, 16) : 255);
    }
  });
});

describe('isToken and isFieldValue', () => {
  it('agree with the tables on every character', () => {
    for (let code = 0; code < 0x300; code++) {
      const character = String.fromCharCode(code);
      expect(isToken(character), `token U+${code.toString(16)}`).to.equal(TOKEN[code] === 1);
      expect(isFieldValue(character), `value U+${code.toString(16)}`).to.equal(FIELD_VALUE[code] === 1);
    }
    expect(isToken('')).to.equal(false);
    expect(isFieldValue('')).to.equal(true);
  });

  it('see every character, whatever is around it', () => {
    for (const bad of ['\r', '\n', '\0', '\x7f', '\u0100', '\u212a', '\u2028', '😀']) {
      for (const text of [bad, `a${bad}`, `${bad}a`, `a${bad}a`, `a\n${bad}`]) {
        expect(isToken(text), JSON.stringify(text)).to.equal(false);
        expect(isFieldValue(text), JSON.stringify(text)).to.equal(false);
      }
    }
    expect(isToken('a\xa0'), 'NBSP').to.equal(false);
    expect(isToken('a\n'), '$ must not match before a line end').to.equal(false);
  });
});

describe('isAuthority', () => {
  it('is true for what RFC 9110 §7.2 allows in a host', () => {
    for (const host of [
      '',
      ':',
      ':80',
      'x',
      'x:',
      'x:0',
      'x:80',
      'x:65535',
      'x:00080',
      'example.com',
      'EXAMPLE.com.',
      'a_b',
      '127.0.0.1:8090',
      '999.999.999.999', // no IPv4 address, but a registered name
      'caf%C3%A9.example',
      "-._~!$&'()*+;=",
      '[::]',
      '[::1]',
      '[::1]:',
      '[::1]:80',
      '[2001:DB8::1]',
      '[2001:db8:0:0:0:0:0:1]',
      '[1:2:3:4:5:6:7::]',
      '[1:2:3:4:5:6::8]',
      '[1::8]',
      '[1::3:4:5:6:7:8]',
      '[::2:3:4:5:6:7:8]',
      '[1:2::7:8]:65535',
      '[::ffff:192.0.2.1]',
      '[::192.0.2.1]',
      '[64:ff9b::255.255.255.255]',
      '[1:2:3:4:5:6:0.0.0.0]',
      '[v1.a]',
      '[vF.a:b]',
      '[V0a.!$]',
    ]) {
      expect(isAuthority(host), host).to.equal(true);
    }
  });

  it('is false for anything else', () => {
    for (const host of [
      ' ',
      ' x',
      'x ',
      'a b',
      'a,b', // a joined list of hosts
      'a/b',
      'a?b',
      'a#b',
      'a\\b',
      'a@b',
      'user:pass@b',
      'a"b',
      'a<b',
      'a|b',
      'a^b',
      'a\tb',
      'a\0b',
      'a\nb',
      'a\n',
      'a\xa0',
      'é',
      '\u212a',
      '😀',
      'x:a',
      'x:80a',
      'x:-1',
      'x:+80',
      'x:8 0',
      'x: 80',
      'x:80 ',
      'x:65536',
      'x:099999',
      'x:000080',
      'x:0x50',
      'x:\u0663', // a digit to Unicode
      'x:80:80',
      'x::80',
      'a%',
      'a%2',
      'a%zz',
      '%',
      'x%4',
      '::1',
      '1:2:3:4:5:6:7:8',
      '[',
      ']',
      '[]',
      '[:]',
      '[::1',
      '::1]',
      '[::1]x',
      '[::1]80',
      '[::1]:x',
      '[::1]:65536',
      '[::1]:80:80',
      '[::1]]',
      '[[::1]]',
      'x[::1]',
      '[:::]',
      '[::1::]',
      '[1:2:3:4:5:6:7]',
      '[1:2:3:4:5:6:7:8:9]',
      '[1:2:3:4:5:6:7:8::]',
      '[1:2:3:4::5:6:7:8]',
      '[12345::]',
      '[g::]',
      '[::1%25eth0]', // zones never leave their host
      '[::1%eth0]',
      '[192.0.2.1]',
      '[::256.0.0.1]',
      '[::01.2.3.4]',
      '[::1.2.3.004]',
      '[::1.2.3]',
      '[::1.2.3.4.5]',
      '[1:2:3:4:5:6:7:1.2.3.4]',
      '[::1.2.3.4:5]',
      '[x]',
      '[v.a]',
      '[vg.a]',
      '[v1.]',
      '[v1.a/b]',
      '[::1]\n',
    ]) {
      expect(isAuthority(host), JSON.stringify(host)).to.equal(false);
    }
  });

  it('agrees with the URL parser on IPv6 addresses', () => {
    const group = fc.oneof(
      fc.constantFrom('0', '1', 'ffff', 'Ab', '00001', ''),
      fc.nat(0xffff).map((number) => number.toString(16)),
    );
    const address = fc.array(group, { minLength: 1, maxLength: 9 }).map((groups) => `[${groups.join(':')}]`);
    fc.assert(
      fc.property(
        fc.oneof(
          address,
          fc.ipV6().map((text) => `[${text}]`),
        ),
        (host) => {
          expect(isAuthority(host), host).to.equal(URL.canParse(`http://${host}/`));
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('splitAuthority', () => {
  it('tells host and port apart, brackets kept', () => {
    expect(splitAuthority('x')).to.deep.equal({ host: 'x', port: undefined });
    expect(splitAuthority('x:')).to.deep.equal({ host: 'x', port: undefined });
    expect(splitAuthority('x:080')).to.deep.equal({ host: 'x', port: 80 });
    expect(splitAuthority('')).to.deep.equal({ host: '', port: undefined });
    expect(splitAuthority(':0')).to.deep.equal({ host: '', port: 0 });
    expect(splitAuthority('[::1]')).to.deep.equal({ host: '[::1]', port: undefined });
    expect(splitAuthority('[::1]:81')).to.deep.equal({ host: '[::1]', port: 81 });
  });
});
