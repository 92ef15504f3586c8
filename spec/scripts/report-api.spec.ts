import { expect } from 'chai';
import { apiOf } from '../../scripts/report-api.js';

describe('apiOf', () => {
  /** The report over made-up declaration files; `index.d.ts` is the entry. */
  const report = (files: Record<string, string>): string =>
    apiOf('dist/index.d.ts', (path) => files[path.replace('dist/', '')] ?? expect.fail(`${path} was not expected to be read`));

  it('shows exports sorted by name, then what they mention, without comments and private members', () => {
    const text = report({
      'index.d.ts':
        "/** The way in. */\nexport { serve } from './b.js';\nexport type * from './a.js';\n//# sourceMappingURL=index.d.ts.map",
      'a.d.ts': [
        "import { Observable } from 'rxjs';",
        "import type { Hidden } from './hidden.js';",
        '/** A door. */',
        'export declare class Door {',
        '    private handle;',
        '    /** Opens; // not a comment. */',
        '    open(width: number): Observable<Hidden>;',
        '}',
        'export {};',
      ].join('\n'),
      'b.d.ts':
        "import type { Door } from './a.js';\nexport declare function serve(text: 'a;b' | \"/*\"): Door;\nexport declare const secret: number;",
      'hidden.d.ts': 'export interface Hidden {\n    depth: number; // metres\n}\ninterface Unseen {\n}\n',
    });
    expect(text).to.equal(
      [
        '// The public API, exported names first. Written by `npm run report`.',
        '',
        'class Door {',
        '    open(width: number): Observable<Hidden>;',
        '}',
        '',
        'function serve(text: \'a;b\' | "/*"): Door;',
        '',
        '// Not exported, but mentioned above.',
        '',
        'interface Hidden {',
        '    depth: number;',
        '}',
        '',
      ].join('\n'),
    );
  });

  it('keeps a value and a type of one name together, and says when a name was changed', () => {
    const text = report({
      'index.d.ts': "export { type Other, State as Phase } from './a.js';",
      'a.d.ts':
        'declare const State: {\n    OPEN: 0;\n};\ntype State = (typeof State)[keyof typeof State];\ntype Other = State;\nexport { State, Other };',
    });
    expect(text).to.include(
      'const State: {\n    OPEN: 0;\n};\ntype State = (typeof State)[keyof typeof State];\nexport { State as Phase };',
    );
  });

  const strangers: readonly (readonly [way: string, text: string])[] = [
    ['an import', "import { Thing } from 'left-pad';\nexport interface A {\n    thing: Thing;\n}"],
    ['a whole module', "import type * as pad from 'left-pad';\nexport type A = pad.Thing;"],
    ['an inline import', "export type A = import('left-pad').Thing;"],
    ['a re-export', "export { Thing as A } from 'left-pad';"],
    ['a mention of a mention', "import { Thing } from 'left-pad';\ninterface B {\n    thing: Thing;\n}\nexport type A = B[];"],
  ];
  for (const [way, text] of strangers) {
    it(`refuses a foreign type by ${way}`, () => {
      expect(() => report({ 'index.d.ts': "export { A } from './a.js';", 'a.d.ts': text })).to.throw(/: \w+ shows a type of left-pad/);
    });
  }

  it('accepts types of rxjs, ws and Node.js, and foreign ones that nothing public mentions', () => {
    const text = [
      "import type { Observable } from 'rxjs';",
      "import type { WebSocket } from 'ws';",
      "import type { Readable } from 'node:stream';",
      "import type { Thing } from 'left-pad';",
      'export type A = Observable<WebSocket | Readable | Buffer>;',
      'export type Inner = Thing;',
    ].join('\n');
    expect(report({ 'index.d.ts': "export { A } from './a.js';", 'a.d.ts': text })).to.include(
      'type A = Observable<WebSocket | Readable | Buffer>;',
    );
  });

  it('fails on a name that leads nowhere', () => {
    expect(() => report({ 'index.d.ts': "export { A } from './a.js';", 'a.d.ts': 'export {};' })).to.throw('dist/a.d.ts has no A');
  });
});
