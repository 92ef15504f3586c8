import { expect } from 'chai';
import { NEVER } from 'rxjs';
import { DEFAULTS, listen, OptionError, runServer, type Handler, type ServerOptions } from 'rx-http-kit';
import { optionsFrom } from '#src/server/options.js';

type Name = keyof ServerOptions;

interface Rule {
  readonly good: readonly unknown[];
  readonly bad: readonly unknown[];
  /** Part of what the error says is allowed. */
  readonly allowed: string;
}

const NOT_NUMBERS: readonly unknown[] = [
  '5',
  null,
  true,
  {},
  [],
  [5],
  5n,
  Symbol('5'),
  () => 5,
  NaN,
  -Infinity,
  new Date(0),
  Object.create(null),
];
const NOT_TEXTS: readonly unknown[] = [5, true, {}, [], ['a'], Symbol('a'), () => 'a', '', NaN, Object.create(null)];

const integer = (least: number, most: number): Rule => ({
  good: [least, least + 1, most],
  bad: [least - 1, most + 1, least + 0.5, Infinity, ...NOT_NUMBERS],
  allowed: `must be an integer from ${least} to ${most}`,
});
const limit = (least: number): Rule => ({
  good: [least, 1_000_000, Number.MAX_SAFE_INTEGER, Infinity],
  bad: [least - 1, least + 0.5, Number.MAX_SAFE_INTEGER + 1, ...NOT_NUMBERS],
  allowed: `must be an integer from ${least} to ${Number.MAX_SAFE_INTEGER}, or Infinity`,
});
const milliseconds: Rule = {
  good: [0, 1, 2_147_483_647, Infinity],
  bad: [-1, 0.5, 2_147_483_648, ...NOT_NUMBERS],
  allowed: 'must be an integer from 0 to 2147483647, or Infinity',
};

const RULES: Readonly<Record<Name, Rule>> = {
  ip: { good: ['127.0.0.1', '::1', 'localhost'], bad: [null, 'a\0', ...NOT_TEXTS], allowed: 'must be a non-empty string' },
  port: integer(0, 65_535),
  path: { good: [null, '/tmp/x.sock', 'a'.repeat(103)], bad: ['a\0', ...NOT_TEXTS], allowed: 'must be a non-empty string' },
  queueSize: limit(1),
  thread: integer(1, 1_024),
  workerNamePrefix: { good: ['worker-', 'a'], bad: [null, 'a\0', ...NOT_TEXTS], allowed: 'must be a non-empty string' },
  requestsPerThread: limit(1),
  computeTimeoutMs: {
    good: [1, 2_147_483_647, Infinity],
    bad: [0, 0.5, 2_147_483_648, ...NOT_NUMBERS],
    allowed: 'must be an integer from 1 to 2147483647, or Infinity',
  },
  startTimeoutMs: {
    good: [1, 2_147_483_647, Infinity],
    bad: [0, 0.5, 2_147_483_648, ...NOT_NUMBERS],
    allowed: 'must be an integer from 1 to 2147483647, or Infinity',
  },
  resourceLimits: {
    good: [null, {}, { maxOldGenerationSizeMb: 64, stackSizeMb: 4 }],
    bad: [5, 'a', [], [5], true, { maxOldGenerationSizeMb: 0 }, { maxOldGenerationSizeMb: '64' }, { memory: 64 }, new Date(0)],
    allowed: 'must be an object with sizes in MB',
  },
  maxBody: limit(0),
  maxWs: integer(1, 2_147_483_647),
  maxLine: integer(14, 1_048_576),
  maxHeaders: integer(1, 65_536),
  maxHeadBytes: integer(64, 16_777_216),
  maxBufferedBytes: limit(0),
  maxConnections: limit(1),
  maxRequestsPerConnection: limit(1),
  headTimeoutMs: milliseconds,
  bodyMinBytesPerSecond: integer(0, Number.MAX_SAFE_INTEGER),
  keepAliveTimeoutMs: milliseconds,
  halfCloseTimeoutMs: milliseconds,
  stallTimeoutMs: milliseconds,
  backlog: integer(1, 65_535),
  serverHeader: { good: [null, 'a', 'caf\xe9/1.0 (x)'], bad: ['a\n', 'a\r', '\0', '€', ...NOT_TEXTS], allowed: 'must be a header value' },
};

/** What a caller without types may give. */
const withOption = (name: string, value: unknown): Partial<ServerOptions> => ({ [name]: value }) as Partial<ServerOptions>;

describe('DEFAULTS', () => {
  it('have an entry, and a rule here, for every option', () => {
    expect(Object.keys(DEFAULTS).sort()).to.deep.equal(Object.keys(RULES).sort());
  });

  it('are legal and cannot be changed', () => {
    expect(Object.isFrozen(DEFAULTS)).to.equal(true);
    expect(optionsFrom(DEFAULTS)).to.deep.equal(DEFAULTS);
  });
});

describe('optionsFrom', () => {
  it('gives the defaults where nothing is said', () => {
    for (const given of [undefined, {}, { port: undefined, path: undefined }]) expect(optionsFrom(given)).to.deep.equal(DEFAULTS);
  });

  it('gives what is said, frozen, and leaves what it was given', () => {
    const given = Object.freeze({ port: 0, maxBody: 5 });
    const options = optionsFrom(given);
    expect(options).to.deep.equal({ ...DEFAULTS, port: 0, maxBody: 5 });
    expect(Object.isFrozen(options)).to.equal(true);
    expect(DEFAULTS.port).to.equal(8090);
  });

  for (const [name, { good, bad, allowed }] of Object.entries(RULES)) {
    it(`holds ${name} to its rule`, () => {
      for (const value of good) expect(optionsFrom(withOption(name, value))).to.deep.equal({ ...DEFAULTS, [name]: value });
      for (const value of bad) {
        if (value === null && RULES[name as Name].good.includes(null)) continue; // Object.entries forgets the names
        const error = expect(() => optionsFrom(withOption(name, value)), `${name}: ${typeof value}`).to.throw(OptionError);
        error.with.property('option', name);
        error.with.property('message').that.includes(`option ${name}: is `).and.includes(allowed);
      }
    });
  }

  it('shows the value', () => {
    expect(() => optionsFrom({ port: 70_000 })).to.throw(OptionError, 'option port: is 70000, must be an integer from 0 to 65535');
    expect(() => optionsFrom(withOption('port', '80'))).to.throw(OptionError, 'option port: is "80", must be');
    expect(() => optionsFrom(withOption('serverHeader', 'a\nb'))).to.throw(OptionError, 'option serverHeader: is "a\\nb", must be');
  });

  it('knows no other names, and lists its own', () => {
    for (const name of ['Port', 'worker', 'constructor', 'toString', '', 'maxbody', 'timeout']) {
      expect(() => optionsFrom(withOption(name, 1)), name)
        .to.throw(OptionError, 'is not an option; the options are ip, port, path, ')
        .with.property('option', name);
    }
    const proto = JSON.parse('{"__proto__":1}') as Partial<ServerOptions>; // an own name, as JSON makes it
    expect(() => optionsFrom(proto))
      .to.throw(OptionError)
      .with.property('option', '__proto__');
  });

  it('refuses an unknown name though it has no value', () => {
    expect(() => optionsFrom(withOption('prot', undefined))).to.throw(OptionError, 'option prot: is not an option');
  });

  it('says where processes are to be had', () => {
    expect(() => optionsFrom(withOption('processes', 2))).to.throw(OptionError, 'option processes: is an option of runProcesses');
  });

  it('refuses what is no set of options', () => {
    for (const given of [null, 5, 'port', true, Symbol('a'), () => {}]) {
      expect(() => optionsFrom(given as Partial<ServerOptions>)).to.throw(OptionError, 'option options: is ');
    }
  });
});

describe('a wrong option', () => {
  it('rejects runServer before anything is bound', async () => {
    const errors = await Promise.all(
      [{ port: 70_000 }, withOption('nope', 1)].map((options) => runServer(() => NEVER, options).then(String, (error: unknown) => error)),
    );
    for (const error of errors) expect(error).to.be.instanceOf(OptionError);
  });

  it('is thrown by listen at once', () => {
    expect(() => listen({ port: -1 })).to.throw(OptionError, 'option port');
  });

  it('may be the handler', async () => {
    for (const handler of [undefined, null, 5, {}, NEVER]) {
      const error = await runServer(handler as unknown as Handler, { port: 0 }).then(String, (thrown: unknown) => thrown);
      expect(error).to.be.instanceOf(OptionError).with.property('option', 'handler');
    }
  });
});
