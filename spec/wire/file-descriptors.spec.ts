import { expect } from 'chai';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

const SUBJECT = fileURLToPath(new URL('./subjects/crowded-server.js', import.meta.url));
/** Enough to load what a server is made of. */
const DESCRIPTORS = 512;
const REQUEST = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

/** A process that may open so many files: Node.js raises its own limit, so a shell lowers the one that it cannot pass. */
const start = (): ChildProcess =>
  spawn('sh', ['-c', `ulimit -n ${DESCRIPTORS} && exec "$0" "$1"`, process.execPath, SUBJECT], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });

const numberFrom = async (child: ChildProcess): Promise<number> => ((await once(child, 'message')) as [number])[0];

/** What a client is told, or `refused` where its connection is closed without a word. */
const answerTo = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    socket.once('data', (bytes: Buffer) => resolve(bytes.toString('latin1').slice(0, 15)));
    socket.on('error', () => resolve('refused'));
    socket.on('close', () => resolve('refused'));
    socket.write(REQUEST);
  });

describe('a server without file descriptors', () => {
  if (process.platform === 'win32') return;
  let child: ChildProcess;
  let port: number;
  const sockets: Socket[] = [];
  const dial = (): Socket => {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    return socket;
  };

  before(async () => {
    child = start();
    port = await numberFrom(child);
  });

  after(async () => {
    for (const socket of sockets) socket.destroy();
    const exit = once(child, 'exit');
    child.disconnect();
    await exit;
  });

  it('serves those who have one, leaves nobody waiting, and serves all when there are some again', async function () {
    this.timeout(20_000);
    const crowd = Array.from({ length: 40 }, dial);
    const answers = await Promise.all(crowd.map(answerTo));
    const served = crowd.filter((_, index) => answers[index] === 'HTTP/1.1 200 OK');
    expect(new Set(answers)).to.deep.equal(new Set(['HTTP/1.1 200 OK', 'refused']));
    expect(served.length).to.be.within(1, 16);
    expect(await answerTo(served[0]), 'a connection that is open goes on').to.equal('HTTP/1.1 200 OK');

    const gone = served.slice(1).map((socket) => once(socket, 'close'));
    for (const socket of served.slice(1)) socket.end();
    await Promise.all(gone);
    expect(await answerTo(dial())).to.equal('HTTP/1.1 200 OK');

    child.send('failures');
    expect(await numberFrom(child), 'the system closes what it cannot give us, and tells nobody').to.equal(0);
  });
});
