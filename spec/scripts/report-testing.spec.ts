import { expect } from 'chai';
import { pageFrom, regionOf } from '../../scripts/report-testing.js';

const FILES: Readonly<Record<string, string>> = {
  'a.ts': [
    'before',
    '  // #region one',
    '  // also on the wire: elsewhere',
    '  it(() => {',
    '    x();',
    '  });',
    '  // #endregion',
    'after',
  ].join('\n'),
  'b.ts': 'interface B { /** Sends | octets. */ readonly sends?: string; /** Tells. */ expectAll(a: string): void; none: string; }',
};
const sources = { read: (path: string): string => FILES[path], messages: { oops: () => 'frames differ' } };

describe('pageFrom', () => {
  it('puts code, tables and messages where the template wants them, and leaves all else', () => {
    const template = [
      '# T',
      '<!-- code: a.ts#one -->',
      '',
      '<!-- members: b.ts#B expect -->',
      '<!-- message: oops -->',
      '<!-- a comment -->',
    ];
    expect(pageFrom(template.join('\n'), sources)).to.equal(
      [
        '# T',
        '```ts\nit(() => {\n  x();\n});\n```',
        '',
        '| name | what it does |\n|---|---|\n| `expectAll` | Tells. |',
        '```\nframes differ\n```',
        '<!-- a comment -->',
      ].join('\n'),
    );
  });

  it('fails on what is not there', () => {
    for (const [directive, complaint] of [
      ['<!-- code: a.ts#two -->', 'no region two'],
      ['<!-- code: a.ts -->', 'no such directive'],
      ['<!-- message: none -->', 'no such directive'],
      ['<!-- members: b.ts#C -->', 'no interface C'],
      ['<!-- members: b.ts#B none -->', 'B.none has no doc comment'],
      ['<!-- members: b.ts#B zzz -->', 'no member of B begins with zzz'],
    ]) {
      expect(() => pageFrom(directive, sources), directive).to.throw(complaint);
    }
  });
});

describe('regionOf', () => {
  it('needs an end', () => {
    expect(() => regionOf('// #region a\nx', 'a')).to.throw('no region a');
  });
});
