import { expect } from 'chai';
import { membersOf, optionsPage } from '../../scripts/report-options.js';

describe('membersOf', () => {
  it('reads names, types and doc comments, whatever stands around them', () => {
    const text = [
      'interface Other { a: string }',
      'export interface Options {',
      '  /**',
      '   * Bytes of a line.',
      '   * Past it {@link ProtocolError} (414).',
      '   */',
      '  readonly maxLine: number;',
      '  // an aside',
      "  /** The header's `;` value; null for none. */",
      '  serverHeader?: string | null;',
      '  onEvent: (event: { code: string; at: number }) => void;',
      '}',
    ].join('\n');
    expect(membersOf(text, 'Options')).to.deep.equal([
      { name: 'maxLine', type: 'number', doc: 'Bytes of a line. Past it `ProtocolError` (414).' },
      { name: 'serverHeader', type: 'string | null', doc: "The header's `;` value; null for none." },
      { name: 'onEvent', type: '(event: { code: string; at: number }) => void', doc: '' },
    ]);
  });

  it('fails without the interface', () => {
    expect(() => membersOf('interface A {}', 'Options')).to.throw('no interface Options');
  });
});

describe('optionsPage', () => {
  const member = { name: 'maxBody', type: 'number', doc: 'Past it 413 | cut.' };

  it('gives each option its unit and default', () => {
    const page = optionsPage([member, { name: 'path', type: 'string', doc: 'A socket file.' }], { maxBody: 8388608 });
    expect(page)
      .to.include('| `maxBody` | bytes | `8_388_608` | Past it 413 \\| cut. |')
      .and.include('| `path` | – | – | A socket file. |');
  });

  it('fails on an option without words and on a default without an option', () => {
    expect(() => optionsPage([{ ...member, doc: '' }], {})).to.throw('option maxBody has no doc comment');
    expect(() => optionsPage([member], { maxLine: 1 })).to.throw('default maxLine is no option');
  });
});
