import { expect } from 'chai';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEFAULTS } from 'rx-http-kit';
import { until } from './support/raw-client.js';
import { begin, getOnce, loadUntil } from './support/short-connections.js';
import { isAlive, RunningCommand } from './support/start-command.js';

const APP = fileURLToPath(new URL('./processes/fixtures/app.js', import.meta.url));
const LOCAL = ['--ip', '127.0.0.1', '--port', '0'];

describe('rx-http-kit', function () {
  this.timeout(60_000);
  let command: RunningCommand;
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(fileURLToPath(new URL('.', import.meta.url)), 'cli-')); // within the project, where rxjs is found
  });
  after(() => rm(folder, { recursive: true, force: true }));
  afterEach(() => command.destroy());

  const run = (...words: string[]): RunningCommand => {
    command = new RunningCommand(words);
    return command;
  };

  /** Of a command that ends by itself. */
  const outcome = async (...words: string[]): Promise<{ code: unknown; output: string }> => {
    run(...words);
    return { code: await command.exit(), output: command.output };
  };

  const pidsOf = async (url: string, count: number): Promise<number[]> => {
    const pids = new Set<number>();
    for (let asked = 0; pids.size < count && asked < 100; asked++) pids.add(Number(await getOnce(`${url}/pid`)));
    return [...pids].sort();
  };

  describe('tells', () => {
    it('every option with its default, for --help', async () => {
      const { code, output } = await outcome('--help');
      expect(code).to.equal(0);
      for (const name of Object.keys(DEFAULTS)) expect(output).to.include(`--${name.replace(/[A-Z]/g, (x) => `-${x.toLowerCase()}`)} <`);
      expect(output).to.include('--max-body <bytes>').and.include('Default 8388608.').and.include('--processes <n|auto>');
    });

    it('its version', async () => {
      const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
      expect(await outcome('-v')).to.deep.equal({ code: 0, output: `${version}\n` });
    });
  });

  describe('refuses in one line, with 1,', () => {
    it('a wrong option', async () => {
      const output = 'rx-http-kit: --port: is 70000, must be an integer from 0 to 65535\n';
      expect(await outcome(APP, '--port', '70000')).to.deep.equal({ code: 1, output });
    });

    it('a module that is not there, or has no handler', async () => {
      const missing = await outcome('./nowhere.js');
      expect(missing.code).to.equal(1);
      expect(missing.output).to.match(/^rx-http-kit: there is no \.\/nowhere\.js \(\/.+nowhere\.js\)\n$/);
      const path = join(folder, 'empty.mjs');
      await writeFile(path, 'export const a = 1;');
      const empty = await outcome(path, ...LOCAL);
      expect(empty.code).to.equal(1);
      expect(empty.output).to.match(/^rx-http-kit: file:.+empty\.mjs has no default export, it must be a handler[^\n]+\n$/);
    });

    it('a port that is in use, alone and with many processes', async () => {
      const other = createServer().listen(0, '127.0.0.1');
      await once(other, 'listening');
      const { port } = other.address() as { port: number }; // of a TCP server
      const words = [APP, '--ip', '127.0.0.1', '--port', String(port)];
      const expected = { code: 1, output: `rx-http-kit: 127.0.0.1:${port} is in use\n` };
      expect(await outcome(...words)).to.deep.equal(expected);
      expect(await outcome(...words, '--processes', '2')).to.deep.equal(expected);
      other.close();
    });
  });

  it('shows where a module is broken, and ends with 1', async () => {
    const path = join(folder, 'broken.mjs');
    await writeFile(path, 'const a = 1;\nexport default )\n');
    for (const words of [[], ['--processes', '2']]) {
      const { code, output } = await outcome(path, ...LOCAL, ...words);
      expect(code).to.equal(1);
      expect(output).to.include('did not start').and.include('broken.mjs:2\nexport default )');
    }
  });

  describe('alone', () => {
    it('serves, drains at SIGTERM and ends with 0', async () => {
      const url = await run(APP, ...LOCAL).listening();
      expect(await pidsOf(url, 1)).to.deep.equal([command.child.pid]);
      const { rest } = await begin(`${url}/drains`);
      command.child.kill('SIGTERM');
      expect(await rest).to.equal('begun ended');
      expect(await command.exit()).to.equal(0);
      expect(command.output).to.match(/^rx-http-kit listens on http:\/\/127\.0\.0\.1:\d+\nrx-http-kit stops\nrx-http-kit has stopped\n$/);
    });

    it('cuts what does not end within --timeout, and ends with 0', async () => {
      const url = await run(APP, ...LOCAL, '--timeout', '50').listening();
      const { rest } = await begin(`${url}/never`);
      command.child.kill('SIGINT');
      expect(await rest.catch(String)).to.not.equal('begun');
      expect(await command.exit()).to.equal(0);
    });

    it('cuts at a second SIGINT', async () => {
      const url = await run(APP, ...LOCAL, '--timeout', 'Infinity').listening();
      await begin(`${url}/never`);
      command.child.kill('SIGINT');
      await command.printed(/stops/);
      command.child.kill('SIGINT');
      expect(await command.exit()).to.equal(130);
    });
  });

  describe('with many processes', () => {
    it('serves on one port, drains all at SIGTERM and ends with 0', async () => {
      const url = await run(APP, ...LOCAL, '--processes', '2').listening();
      await command.printed(/\(2 processes\)/);
      const pids = await pidsOf(url, 2);
      expect(pids).to.have.lengthOf(2).and.not.include(command.child.pid);
      const replies = await Promise.all([begin(`${url}/drains`), begin(`${url}/drains`)]);
      for (const pid of pids) process.kill(pid, 'SIGTERM'); // as systemd does
      command.child.kill('SIGTERM');
      expect(await Promise.all(replies.map(({ rest }) => rest))).to.deep.equal(['begun ended', 'begun ended']);
      expect(await command.exit()).to.equal(0);
      expect(pids.map(isAlive)).to.deep.equal([false, false]);
    });

    it('replaces them one by one at SIGHUP, and refuses nobody', async () => {
      const url = await run(APP, ...LOCAL, '--processes', '2').listening();
      const before = await pidsOf(url, 2);
      const replaced = command.printed(/has replaced its processes/);
      command.child.kill('SIGHUP');
      const { answers, failures } = await loadUntil(`${url}/pid`, 8, replaced);
      expect(failures).to.deep.equal([]);
      expect([...answers.keys()].map(Number)).to.include.members(before);
      const after = await pidsOf(url, 2);
      expect(after.filter((pid) => before.includes(pid))).to.deep.equal([]);
      expect(before.map(isAlive)).to.deep.equal([false, false]);
    });

    it('replaces them once they listen where SIGHUP comes before that', async () => {
      const gate = createHttpServer().listen(0, '127.0.0.1');
      await once(gate, 'listening');
      const { port } = gate.address() as { port: number }; // of a TCP server
      const path = join(folder, 'gated.mjs');
      await writeFile(path, `import { map } from 'rxjs';\nawait fetch('http://127.0.0.1:${port}');\nexport default map(() => 'hello');`);
      const asked = once(gate, 'request') as Promise<[unknown, ServerResponse]>; // as node:http documents it
      run(path, ...LOCAL, '--processes', '1');
      const [, response] = await asked; // the first process loads its module
      gate.on('request', (_, later: ServerResponse) => later.end());
      command.child.kill('SIGHUP');
      response.end();
      const url = await command.listening();
      await command.printed(/has replaced its processes/);
      expect(await getOnce(url)).to.equal('hello');
      gate.closeAllConnections();
      gate.close();
    });

    it('replaces one that crashes, and says so', async () => {
      const url = await run(APP, ...LOCAL, '--processes', '2').listening();
      await getOnce(`${url}/crash`).catch(() => {});
      const [, number] = await command.printed(/process (\d) \(pid \d+\) ended with exit code 3; another one starts now\n/);
      await command.printed(new RegExp(`process ${number} listens \\(pid \\d+\\)`));
      expect(await pidsOf(url, 2)).to.have.lengthOf(2);
    });

    it('warns once in each process that a topic is its own', async () => {
      const url = await run(APP, ...LOCAL, '--processes', '2').listening();
      for (let asked = 0; asked < 6; asked++) await getOnce(`${url}/topic`);
      const warning = /\[RHK_PER_PROCESS\] Warning: topic "prices" is in the memory of this process alone, and 2 of them serve/g;
      command.child.kill('SIGTERM');
      await command.exit();
      expect(command.output.match(warning)).to.have.lengthOf(2);
    });

    it('goes on though nobody reads what it prints any more', async () => {
      const url = await run(APP, ...LOCAL, '--processes', '1').listening();
      const [before] = await pidsOf(url, 1);
      command.child.stdout?.destroy();
      command.child.stderr?.destroy();
      command.child.kill('SIGHUP'); // which prints a line
      await until('another one answers', async () => (await getOnce(`${url}/pid`)) !== String(before));
      const exited = once(command.child, 'exit');
      command.child.kill('SIGTERM');
      expect(await exited).to.deep.equal([0, null]);
    });

    it('leaves no process behind when it is killed itself', async () => {
      const url = await run(APP, ...LOCAL, '--processes', '2').listening();
      await pidsOf(url, 2);
      await command.destroy(); // its output, which they share, ends with the last of them
      expect(await getOnce(url).catch(({ code }: NodeJS.ErrnoException) => code)).to.equal('ECONNREFUSED');
    });

    it('computes on threads where --thread says so', async () => {
      const url = await run(APP, ...LOCAL, '--processes', '1', '--thread', '1').listening();
      expect(await pidsOf(url, 1)).to.have.lengthOf(1);
    });
  });

  describe('with --watch', () => {
    const handler = (answer: string): string => `import { map } from 'rxjs';\nexport default map(() => '${answer}');\n`;
    let path: string;

    beforeEach(async () => {
      await mkdir(join(folder, 'watched/deeper'), { recursive: true });
      path = join(folder, 'watched/app.mjs');
      await writeFile(path, handler('one'));
    });

    it('serves what has changed on the same port, and the old one while the new one is broken', async () => {
      const url = await run(path, ...LOCAL, '--watch').listening();
      expect(await getOnce(url)).to.equal('one');
      let seen = command.output.length;
      await writeFile(path, 'export default )\n');
      await command.printed(/did not start.+the old processes go on/, seen);
      expect(await getOnce(url)).to.equal('one');
      seen = command.output.length;
      await writeFile(path, handler('two'));
      await command.printed(/serves the change/, seen);
      expect(await getOnce(url)).to.equal('two');
    });

    it('sees files below, and waits for a change where the first start fails', async () => {
      await writeFile(path, "export { default } from './deeper/handler.mjs';\n");
      run(path, ...LOCAL, '--watch');
      await command.printed(/waiting for a change/);
      await writeFile(join(folder, 'watched/deeper/handler.mjs'), handler('deep'));
      expect(await getOnce(await command.listening())).to.equal('deep');
    });
  });
});
