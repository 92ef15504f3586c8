import { expect } from 'chai';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { map, mergeMap, of, timer } from 'rxjs';
import { asText, type Handler, OptionError, websocket } from 'rx-http-kit';
import { closing, get, marbles, post, recordTo, replay, text, upgrade } from 'rx-http-kit/testing';

const handler: Handler = mergeMap((request) => {
  if (request.isWebSocket) return websocket(map((message) => `${String(message)}!`))(of(request));
  return request.method === 'POST' ? asText()(of(request)) : timer(5).pipe(map(() => `you asked for ${request.uri}`));
});

describe('recordTo and replay', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rx-http-kit-recording-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** Talks to a recorded server: sends, and waits for what must come. */
  const record = async (
    file: string,
    talks: readonly (readonly [Buffer, string])[][],
    options: { maxBytes?: number } = {},
  ): Promise<void> => {
    const server = await recordTo(file, options).runServer(handler, { port: 0, ip: '127.0.0.1' });
    for (const talk of talks) {
      const socket = connect(server.port, '127.0.0.1');
      let heard = '';
      socket.setEncoding('latin1').on('data', (data: string) => (heard += data));
      for (const [sends, awaits] of talk) {
        socket.write(sends);
        while (!heard.includes(awaits)) await once(socket, 'data');
      }
      socket.end();
      await once(socket, 'close');
    }
    await server.stop();
  };

  it('writes down a connection, and plays it to a virtual server with the same outcome', async () => {
    const file = join(folder, 'two.ndjson');
    await record(file, [
      [
        [get('/a'), 'you asked for /a'],
        [post('/', 'héllo'), Buffer.from('héllo').toString('latin1')],
      ],
      [
        [upgrade('/chat'), '\r\n\r\n'],
        [text('hi'), 'hi!'],
        [closing(1000), '\x88\x02\x03\xe8'],
      ],
    ]);
    const recorded = replay(file);
    expect(recorded).to.have.lengthOf(2);
    for (const connection of recorded) {
      marbles(({ network, expectReplayed }) => {
        expectReplayed(network.server(handler).replay(connection), connection);
      });
    }
    const changed: Handler = mergeMap((request) =>
      handler(of(request)).pipe(map((reply) => (typeof reply === 'string' ? `${reply}?` : reply))),
    );
    expect(() =>
      marbles(({ network, expectReplayed }) => {
        expectReplayed(network.server(changed).replay(recorded[0]), recorded[0]);
      }),
    ).to.throw('you asked for /a?');
  });

  it('is one JSON object a line: time, connection, direction, bytes', async () => {
    const file = join(folder, 'lines.ndjson');
    await record(file, [[[get('/'), 'you asked']]]);
    const lines = (await readFile(file, 'utf8')).trim().split('\n');
    const parsed = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(parsed.map(({ from, ends }) => [from, ends])).to.deep.equal([
      ['client', undefined],
      ['server', undefined],
      ['client', 'end'],
      ['server', 'end'],
    ]);
    expect(parsed[0]).to.include({ connection: 1, bytes: get('/').toString('latin1') });
    expect(parsed.every(({ time }) => Number.isInteger(time))).to.equal(true);
  });

  it('stops writing at maxBytes, and serves on', async () => {
    const file = join(folder, 'full.ndjson');
    const said: unknown[] = [];
    const { error } = console;
    console.error = (line: unknown) => said.push(line);
    try {
      await record(file, [[[get('/'), 'you asked']]], { maxBytes: 150 });
    } finally {
      console.error = error;
    }
    expect((await readFile(file)).length).to.be.at.most(150);
    expect(said).to.have.lengthOf(1);
  });

  it('serves on where nothing can be written', async function () {
    if (!existsSync('/dev/full')) return this.skip(); // a file on a full disk, where there is one
    const said: unknown[] = [];
    const { error } = console;
    console.error = (line: unknown) => said.push(line);
    try {
      await record('/dev/full', [[[get('/'), 'you asked']]]);
    } finally {
      console.error = error;
    }
    expect(said).to.have.lengthOf(1);
    expect(said[0]).to.include('ENOSPC');
  });

  it('says what is wrong with a file', async () => {
    const file = join(folder, 'wrong.ndjson');
    const refusals: readonly (readonly [string, string])[] = [
      ['nothing', 'wrong.ndjson:2 is not JSON'],
      ['{"time":-1,"connection":1,"from":"client","bytes":""}', 'wrong.ndjson:2 has time -1'],
      ['{"time":1,"from":"client","bytes":""}', 'wrong.ndjson:2 has connection undefined'],
      ['{"time":1,"connection":1,"from":"me","bytes":""}', 'wrong.ndjson:2 is from me'],
      ['{"time":1,"connection":1,"from":"client"}', 'wrong.ndjson:2 has neither'],
    ];
    for (const [line, message] of refusals) {
      await writeFile(file, `{"time":0,"connection":1,"from":"client","bytes":"G"}\n${line}\n`);
      expect(() => replay(file)).to.throw(message);
    }
    expect(() => replay(join(folder, 'none'))).to.throw('ENOENT');
    expect(() => recordTo('x', { maxBytes: 0 })).to.throw(OptionError, 'maxBytes');
  });
});
