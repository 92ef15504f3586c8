import { expect } from 'chai';
import { pathSegments } from '#src/protocol/path-segments.js';

describe('pathSegments', () => {
  it('decodes each segment once', () => {
    expect(pathSegments('/a/b%20c/%252e', false)).to.deep.equal(['a', 'b c', '%2e']);
    expect(pathSegments('/', false)).to.deep.equal(['']);
    expect(pathSegments('/a/', false)).to.deep.equal(['a', '']);
    expect(pathSegments('/%e2%82%ac', false)).to.deep.equal(['€']);
  });

  const ways = [
    '',
    'a',
    '*',
    '//a',
    '/a//b',
    '/..',
    '/.',
    '/a/../b',
    '/%2e%2E',
    '/a%2fb',
    '/a%5Cb',
    '/a\\b',
    '/%00',
    '/a%0d',
    '/%7f',
    '/%',
    '/%c0%af',
  ];
  for (const way of [...ways, '/c:', '/C%3a/x']) {
    it(`gives nothing for ${JSON.stringify(way)}`, () => {
      expect(pathSegments(way, false)).to.equal(null);
    });
  }

  for (const name of ['/file.txt::$DATA', '/con', '/CON.txt', '/com1', '/name.', '/name%20', '/ab%3ac', '/what%3f', '/nul/x']) {
    it(`gives nothing for ${JSON.stringify(name)} on Windows, where it means something else`, () => {
      expect(pathSegments(name, true)).to.equal(null);
      expect(pathSegments(name, false)).to.not.equal(null);
    });
  }
});
