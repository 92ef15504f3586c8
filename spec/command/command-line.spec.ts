import { expect } from 'chai';
import { DEFAULTS } from 'rx-http-kit';
import { commandLineFrom, kebabFrom, UsageError } from '#src/command/command-line.js';
import { helpText } from '#src/command/help.js';
import { OPTION_WORDS } from '#src/command/option-words.js';

const optionsOf = (...words: string[]): object => commandLineFrom(['./app.js', ...words]).options;

describe('commandLineFrom', () => {
  it('gives its defaults where nothing is said', () => {
    expect(commandLineFrom(['./app.js'])).to.deep.equal({
      wants: 'server',
      module: './app.js',
      options: {},
      processes: undefined,
      timeout: 5_000,
      watch: false,
      quiet: false,
      verbose: false,
    });
  });

  it('knows every option of a server, as in code and with dashes, before and behind the module', () => {
    for (const [name, byDefault] of Object.entries(DEFAULTS)) {
      const value =
        typeof byDefault === 'number' && byDefault !== Infinity ? byDefault : name === 'resourceLimits' ? null : (byDefault ?? '/tmp/a');
      const text = String(value);
      for (const written of [`--${name}`, `--${kebabFrom(name)}`]) {
        expect(optionsOf(written, text), written).to.deep.equal({ [name]: value });
        expect(optionsOf(`${written}=${text}`), written).to.deep.equal({ [name]: value });
        expect(commandLineFrom([written, text, './app.js']).options, written).to.deep.equal({ [name]: value });
      }
    }
  });

  it('reads its own', () => {
    const line = commandLineFrom('--processes 2 --timeout 10 --start-timeout-ms=20 --watch --quiet --verbose -p 80 a.js'.split(' '));
    expect(line).to.deep.include({ processes: 2, timeout: 10, watch: true, quiet: true, verbose: true });
    expect(line.options).to.deep.equal({ port: 80, startTimeoutMs: 20 });
    expect(commandLineFrom(['a.js', '--processes', 'auto', '--timeout', 'Infinity'])).to.include({ processes: 'auto', timeout: Infinity });
  });

  it('takes what can be left out away', () => {
    expect(optionsOf('--no-server-header')).to.deep.equal({ serverHeader: null });
  });

  it('takes JSON where an option is an object', () => {
    expect(optionsOf('--resource-limits', '{"maxOldGenerationSizeMb":64}')).to.deep.equal({
      resourceLimits: { maxOldGenerationSizeMb: 64 },
    });
  });

  it('asks for help and version whatever else is said', () => {
    expect(commandLineFrom(['-h']).wants).to.equal('help');
    expect(commandLineFrom(['--version', '--port', '70000']).wants).to.equal('version');
  });

  const refused: readonly (readonly [words: string, complaint: string])[] = [
    ['', 'no module is given: rx-http-kit ./app.js'],
    ['a.js b.js', 'one module is served, not a.js and b.js'],
    ['a.js --prot 80', '--prot is not an option; --port is; --help lists them'],
    ['a.js --maxBdy 80', '--max-bdy is not an option; --max-body is; --help lists them'],
    ['a.js --threads 4', '--threads is not an option; --thread is; --help lists them'],
    ['a.js --host x', '--host is not an option; --ip is; --help lists them'],
    ['a.js --frobnicate', '--frobnicate is not an option; --help lists them'],
    ['a.js -x', '-x is not an option; --help lists them'],
    ['a.js --no-port', '--no-port is not an option; --help lists them'],
    ['a.js --constructor 1', '--constructor is not an option; --help lists them'],
    ['a.js --port', '--port needs a value'],
    ['a.js --port --watch', '--port needs a value'],
    ['a.js --port=', '--port needs a value'],
    ['a.js --watch=yes', '--watch takes no value'],
    ['a.js --port 70000', '--port: is 70000, must be an integer from 0 to 65535'],
    ['a.js --port http', '--port: is "http", must be an integer from 0 to 65535'],
    ['a.js --port 0x50', '--port: is "0x50", must be an integer from 0 to 65535'],
    ['a.js --max-body -1', '--max-body: is -1, must be an integer from 0 to 9007199254740991, or Infinity'],
    ['a.js --processes 0', '--processes: is "0", must be an integer from 1 to 1024, or auto'],
    ['a.js --processes all', '--processes: is "all", must be an integer from 1 to 1024, or auto'],
    ['a.js --timeout soon', '--timeout: is "soon", must be milliseconds from 0 to 2147483647, or Infinity'],
    ['a.js --start-timeout-ms 0', '--start-timeout-ms: is 0, must be an integer from 1 to 2147483647, or Infinity'],
  ];
  for (const [words, complaint] of refused) {
    it(`refuses "${words}"`, () => {
      expect(() => commandLineFrom(words.split(' ').filter((word) => word !== ''))).to.throw(UsageError, complaint);
    });
  }
});

describe('helpText', () => {
  it('has words for every option, in lines that fit a terminal', () => {
    expect(Object.keys(OPTION_WORDS)).to.deep.equal(Object.keys(DEFAULTS));
    const text = helpText();
    for (const name of Object.keys(DEFAULTS)) expect(text).to.match(new RegExp(`^  --${kebabFrom(name)} <`, 'm'));
    expect(text.split('\n').filter((line) => line.length > 112)).to.deep.equal([]);
  });
});
