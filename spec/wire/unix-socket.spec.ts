import { expect } from 'chai';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { interval, map, mergeMap, of, startWith } from 'rxjs';
import { asText, type Handler, type HttpRequest, OptionError, runServer, websocket } from 'rx-http-kit';
import { WebSocket } from 'ws';
import { until } from '../support/raw-client.js';
import { Site, withServer } from '../support/serve.js';
import { line } from './cases/case.js';

const describing: Handler = map(({ uri, serverName, serverPort, remoteAddr }: HttpRequest) =>
  JSON.stringify([uri, serverName, serverPort, remoteAddr]),
);

const textOf = async (reply: IncomingMessage): Promise<string> => {
  const pieces: Buffer[] = [];
  for await (const piece of reply) pieces.push(piece as Buffer); // no encoding is set
  return Buffer.concat(pieces).toString();
};

describe('a Unix socket', () => {
  let directory: string;
  let path: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'rx-http-kit-unix-'));
    path = join(directory, 'socket');
  });

  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it('is the address, has no port, and peers without an address', async () => {
    await withServer(describing, { path }, async (site) => {
      expect([site.server.address, site.server.port]).to.deep.equal([path, 0]);
      const client = await site.connect();
      const named = await client.send(line('GET /a HTTP/1.1')).response();
      expect(JSON.parse(named.body.toString())).to.deep.equal(['/a', 'x', 0, '']);
      const unnamed = await client.send('GET /b HTTP/1.0\r\n\r\n').response();
      expect(JSON.parse(unnamed.body.toString())).to.deep.equal(['/b', '', 0, '']);
      expect(await client.ended()).to.equal('end');
    });
  });

  it('refuses what is malformed, and ends', async () => {
    await withServer(describing, { path }, async (site) => {
      const client = await site.connect();
      expect((await client.send(line('GET  / HTTP/1.1')).response()).status).to.equal(400);
      expect(await client.ended()).to.equal('end');
      expect(site.events.map(({ type }) => type)).to.deep.equal(['client']);
    });
  });

  it("serves Node.js's own client, bodies both ways, on one connection", async () => {
    const echo: Handler = (requests$) => requests$.pipe(asText(), map((text) => text.toUpperCase())); // prettier-ignore
    await withServer(echo, { path }, async (site) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      try {
        for (const said of ['a', 'b'.repeat(200_000)]) {
          const sent = request({ socketPath: path, path: '/', method: 'POST', agent });
          sent.end(said);
          const [reply] = (await once(sent, 'response')) as [IncomingMessage]; // as Node.js documents it
          expect(await textOf(reply)).to.equal(said.toUpperCase());
        }
        expect(site.accepted).to.equal(1);
      } finally {
        agent.destroy();
      }
    });
  });

  it('carries a WebSocket', async () => {
    await withServer(websocket(map((message) => message)), { path }, async (site) => {
      const socket = new WebSocket(`ws+unix:${path}:/room`);
      socket.on('open', () => socket.send('hello'));
      const [message] = (await once(socket, 'message')) as [Buffer]; // as ws documents it
      expect(message.toString()).to.equal('hello');
      socket.close(1000);
      const [code] = (await once(socket, 'close')) as [number]; // as ws documents it
      expect(code).to.equal(1000);
      expect(site.events).to.deep.equal([]);
    });
  });

  it('cuts a client that takes too little of what is pushed, though there is no RST', async () => {
    const pushing: Handler = mergeMap(() => of({ body: interval(0).pipe(startWith(0), map(() => 'x'.repeat(262_144))) })); // prettier-ignore
    await withServer(pushing, { path, maxBufferedBytes: 500_000 }, async (site) => {
      const client = await site.connect();
      client.pause().send(line('GET / HTTP/1.1'));
      await until('the client is cut', () => site.codes.length > 0);
      expect(site.codes).to.deep.equal(['RHK_SLOW_CLIENT']);
      await site.letGo();
      expect((await client.resume().cut()).isComplete, 'what came is not taken for all').to.equal(false);
    });
  });

  it('lets go of the handler of a client that leaves', async () => {
    let left = 0;
    const ticking: Handler = mergeMap(({ signal }) => {
      signal.addEventListener('abort', () => left++);
      return interval(5).pipe(map(() => 'a')); // the first that cannot be written tells
    });
    await withServer(ticking, { path }, async (site) => {
      const client = await site.connect();
      client.send(line('GET / HTTP/1.1'));
      await client.bodyBytes(1);
      client.leave();
      await until('the client is missed', () => left === 1);
      await site.letGo();
    });
  });

  it('is there from the bind on, and gone with the server', async () => {
    const site = await Site.start(describing, { path });
    expect(existsSync(path)).to.equal(true);
    await site.stop();
    expect(existsSync(path)).to.equal(false);
    await (await Site.start(describing, { path })).stop();
  });

  /** The code that the bind is rejected with. */
  const refusal = async (at: string): Promise<unknown> =>
    runServer(describing, { path: at }).then(
      (server) => server.stop().then(() => 'bound'),
      (error: NodeJS.ErrnoException) => [error.code, error.message.includes(at)],
    );

  it('in use rejects with EADDRINUSE and names the path, and disturbs nobody', async () => {
    await withServer(describing, { path }, async (site) => {
      expect(await refusal(path)).to.deep.equal(['EADDRINUSE', true]);
      const client = await site.connect();
      expect((await client.send(line('GET / HTTP/1.1')).response()).status).to.equal(200);
    });
  });

  it('that a killed process left is not taken over', async () => {
    const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => console.log('bound'))`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    const exit = once(child, 'exit');
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await exit;
    expect(existsSync(path)).to.equal(true);
    expect(await refusal(path)).to.deep.equal(['EADDRINUSE', true]);
    rmSync(path);
    expect(await refusal(path)).to.equal('bound');
  });

  it('that the system would cut is refused before anything is bound', async () => {
    const most = process.platform === 'linux' ? 107 : 103;
    const fitting = path.padEnd(most, 'a');
    const site = await Site.start(describing, { path: fitting });
    expect(readdirSync(directory)).to.deep.equal([basename(fitting)]);
    await site.stop();
    const error = await runServer(describing, { path: `${fitting}a` }).then(
      (server) => server.stop(),
      (cause: unknown) => cause,
    );
    expect(error)
      .to.be.instanceOf(OptionError)
      .with.property('message')
      .that.includes(`is ${most + 1} octets long`);
    expect(readdirSync(directory)).to.deep.equal([]);
  });

  it('that is no socket is left as it is', async () => {
    writeFileSync(path, 'precious');
    expect(await refusal(path)).to.deep.equal(['EADDRINUSE', true]);
    expect(readFileSync(path, 'utf8')).to.equal('precious');
    expect(await refusal(directory)).to.deep.equal(['EADDRINUSE', true]);
  });

  it('in a folder that this user may not write to rejects with EACCES', async function () {
    if (process.getuid?.() !== 0) {
      chmodSync(directory, 0o500);
      expect(await refusal(path)).to.deep.equal(['EACCES', true]);
      return;
    }
    // the superuser may write everywhere: another user tries
    chmodSync(directory, 0o755);
    const code = `import { runServer } from 'rx-http-kit'; process.setuid(65534);
      runServer((requests$) => requests$, { path: ${JSON.stringify(path)} }).then(() => console.log('bound'), (error) => console.log(error.code));`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [said] = (await once(child.stdout, 'data')) as [Buffer];
    child.kill();
    expect(said.toString()).to.equal('EACCES\n');
    expect(existsSync(path)).to.equal(false);
  });

  it('in a folder that is not there rejects with the code of the system', async () => {
    const nowhere = join(directory, 'nowhere', 'socket');
    expect(await refusal(nowhere)).to.deep.equal(['EACCES', true]);
  });
});
