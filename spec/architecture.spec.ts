import { expect } from 'chai';
import { readFileSync, readdirSync } from 'node:fs';
import { join, sep } from 'node:path';
import { violationsIn, type SourceFile } from './support/layering.js';

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as {
  exports: Record<string, string | { types: string; default: string }>;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
};
const entries = Object.values(manifest.exports)
  .map((target) => (typeof target === 'string' ? target : target.default))
  .map((target) => target.replace('./dist/', '').replace(/\.js$/, '.ts'));
const packages = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });

describe('the floors', () => {
  const files: SourceFile[] = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ path: name.split(sep).join('/'), text: readFileSync(join('src', name), 'utf8') }));

  it('are held by every source file', () => {
    expect(files.map((file) => file.path)).to.include('index.ts');
    const violations = violationsIn(files, { entries, packages });
    expect(violations.length, violations.join('\n')).to.equal(0);
  });
});

describe('violationsIn', () => {
  /** What is said about made-up files, over a ground of files that break nothing. */
  const said = (made: Record<string, string>): string[] => {
    const ground = {
      'errors.ts': 'export const ERRORS = {};',
      'index.ts': "export { listen } from './server/listen.js';",
      'protocol/head.ts': "import { STATUS_CODES as CODES, type METHODS } from 'node:http'; import { ERRORS } from '../errors.js';",
      'transport/contracts.ts': 'export interface Intake {}',
      'transport/listener.ts': "import { createServer } from 'node:net'; import type { Intake } from './contracts.js';",
      'rx/reply.ts': "import { map } from 'rxjs'; import type { Intake } from '../transport/contracts.js';",
      'rx/bodies/file-body.ts': "import { createReadStream } from 'node:fs';",
      'routing/routes.ts': "import { map } from 'rxjs'; import { reply } from '../rx/reply.js';",
      'feeds/feed.ts': "import { map } from 'rxjs';",
      'server/listen.ts': "import { reply } from '../rx/reply.js'; import { listener } from '../transport/listener.js';",
    };
    const files = Object.entries({ ...ground, ...made }).map(([path, text]) => ({ path, text }));
    return violationsIn(files, { entries: ['index.ts'], packages: ['rxjs', 'ws', 'cookie', 'mime-types'] });
  };

  const violations: readonly (readonly [fact: string, path: string, text: string, complaint: string])[] = [
    ['rxjs in protocol/', 'protocol/a.ts', "import { map } from 'rxjs';", 'rxjs is out of bounds for protocol'],
    ['rxjs in transport/', 'transport/a.ts', "import type { Observable } from 'rxjs';", 'rxjs is out of bounds for transport'],
    [
      'a way up from protocol/',
      'protocol/a.ts',
      "import { x } from '../transport/listener.js';",
      'protocol may not import transport/listener.ts',
    ],
    ['a way up from transport/', 'transport/a.ts', "import { x } from '../rx/reply.js';", 'transport may not import rx/reply.ts'],
    [
      'values of transport/ in rx/',
      'rx/a.ts',
      "import { x } from '../transport/contracts.js';",
      'only types may come from transport/contracts.ts',
    ],
    [
      'inline types, which are loaded',
      'rx/a.ts',
      "import { type X } from '../transport/contracts.js';",
      'only types may come from transport/contracts.ts',
    ],
    [
      'other types of transport/ in rx/',
      'rx/a.ts',
      "import type { X } from '../transport/listener.js';",
      'rx may not import transport/listener.ts',
    ],
    ['a feature in a feature', 'feeds/a.ts', "import { x } from '../routing/routes.js';", 'feeds may not import routing/routes.ts'],
    ['the server in a feature', 'feeds/a.ts', "import type { x } from '../server/listen.js';", 'feeds may not import server/listen.ts'],
    [
      'transport/ in a feature',
      'feeds/a.ts',
      "import { x } from '../transport/listener.js';",
      'feeds may not import transport/listener.ts',
    ],
    ['an import that waits', 'protocol/a.ts', "const x = await import('../rx/reply.js');", 'protocol may not import rx/reply.ts'],
    ['an import for its effect', 'protocol/a.ts', "import '../rx/reply.js';", 'protocol may not import rx/reply.ts'],
    ['a type by import()', 'protocol/a.ts', "type X = import('../rx/reply.js').X;", 'protocol may not import rx/reply.ts'],
    ['the entry from inside', 'server/a.ts', "import { x } from '../index.js';", 'imports the entry index.ts'],
    ['ws outside transport/', 'server/a.ts', "import { WebSocket } from 'ws';", 'ws is out of bounds for server'],
    ['ws in a feature', 'feeds/a.ts', "import { WebSocket } from 'ws';", 'ws is out of bounds for feeds'],
    ['a package nobody declared', 'feeds/a.ts', "import x from 'left-pad';", 'left-pad is neither a dependency nor a peer'],
    ['a deep import of rxjs', 'rx/a.ts', "import { map } from 'rxjs/operators';", 'rxjs/operators is a deep import of rxjs'],
    [
      'files in rx/',
      'rx/a.ts',
      "import { openSync } from 'node:fs';",
      'node:fs belongs to rx/bodies/file-body.ts, rx/replies/static-files.ts',
    ],
    [
      'a door that is shut',
      'rx/queues/a.ts',
      "import { x } from '../bodies/file-body.js';",
      'rx/queues/ may not import rx/bodies/file-body.ts',
    ],
    ['a room that nobody knows', 'rx/attic/a.ts', '', 'rx/attic/ is no room of rx/'],
    ['mime types in rx/', 'rx/a.ts', "const m = import('mime-types');", 'mime-types belongs to rx/bodies/file-formats.ts'],
    ['files in feeds/', 'feeds/a.ts', "import { openSync } from 'node:fs';", 'node:fs is out of bounds for feeds'],
    ['files in protocol/', 'protocol/a.ts', "import { openSync } from 'node:fs';", 'node:fs is out of bounds for protocol'],
    ['a test runner in testing/', 'testing/a.ts', "import { it } from 'vitest';", 'vitest is neither a dependency nor a peer'],
    ['the test runner of Node.js in testing/', 'testing/a.ts', "import { it } from 'node:test';", 'node:test is out of bounds for testing'],
    ['assertions of Node.js in testing/', 'testing/a.ts', "import assert from 'node:assert';", 'node:assert is out of bounds for testing'],
    ['sockets in server/', 'server/a.ts', "import type { Socket } from 'node:net';", 'node:net is out of bounds for server'],
    [
      'more than constants of a module',
      'protocol/a.ts',
      "import { STATUS_CODES, get as g } from 'node:http';",
      'node:http: sockets belong to transport/',
    ],
    [
      'the whole of a module that has constants',
      'protocol/a.ts',
      "import * as http from 'node:http';",
      'node:http: sockets belong to transport/',
    ],
    ['a clock in protocol/', 'protocol/a.ts', 'const now = Date.now();', 'Date: protocol/ has no clock'],
    ['a barrel', 'rx/a.ts', "export { reply } from './reply.js';", 're-exports ./reply.js, but only entry files are barrels'],
    ['a barrel of all', 'rx/a.ts', "export * from './reply.js';", 're-exports ./reply.js, but only entry files are barrels'],
    ['a file that is not there', 'rx/a.ts', "import './missing.js';", './missing.js leads to no source file'],
    ['utils', 'rx/utils.ts', '', '"utils" says nothing as a name'],
    ['a helper', 'rx/retry-helper.ts', '', '"retry-helper" says nothing as a name'],
    ['common/', 'rx/common/a.ts', '', '"common" says nothing as a name'],
    ['types.ts', 'rx/types.ts', '', '"types" says nothing as a name'],
    ['camelCase', 'rx/fileBody.ts', '', 'file names are kebab-case'],
    ['a folder without a floor', 'attic/a.ts', '', 'stands on no floor'],
    ['an enum', 'rx/a.ts', 'export const enum Colour { RED }', 'enum Colour: use a const object'],
    ['a default export', 'rx/a.ts', 'export default 1;', 'default export'],
    ['a default export by name', 'rx/a.ts', 'const x = 1; export { x as default };', 'default export'],
    ['an open question', 'rx/a.ts', '// TODO: think', 'TODO: an open question goes to docs/decisions.md'],
  ];
  for (const [fact, path, text, complaint] of violations) {
    it(`complains about ${fact}`, () => {
      expect(said({ [path]: text })).to.include(`${path}: ${complaint}`);
    });
  }

  it('complains about a second file that imports ws', () => {
    const twice = { 'transport/a.ts': "import { WebSocket } from 'ws';", 'transport/b.ts': "import type { WebSocket } from 'ws';" };
    expect(said(twice)).to.deep.equal(['transport/a.ts, transport/b.ts: only one file may import ws']);
  });

  it('complains about a cycle, of types too', () => {
    const ring = { 'rx/a.ts': "import './b.js';", 'rx/b.ts': "import type { C } from './c.js';", 'rx/c.ts': "import { a } from './a.js';" };
    expect(said(ring)).to.deep.equal(['rx/a.ts → rx/b.ts → rx/c.ts → rx/a.ts: a cycle']);
  });

  it('is not misled by comments, strings, templates and regular expressions', () => {
    const text = [
      "// import { map } from 'rxjs';",
      '/* export default 1; enum A */',
      'const a = "import { x } from \'rxjs\'";',
      'const b = `${"`"} import { x } from \'rxjs\' ${`enum B {`}`;',
      'const c = /[/\'"]enum C/.test(a) || 4 / 2 / 1;',
      'const d = { default: 1, enum: 2 }; d.default; switch (b) { default: }',
    ].join('\n');
    expect(said({ 'protocol/a.ts': text })).to.deep.equal([]);
  });

  it('gives up on text that it cannot read', () => {
    expect(() => said({ 'rx/a.ts': "\nconst a = 'open;\n" })).to.throw('line 2: string without an end');
  });

  it('says nothing when the floors hold', () => {
    expect(said({})).to.deep.equal([]);
  });
});
