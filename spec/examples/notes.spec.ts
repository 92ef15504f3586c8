/** The same application on its own, in Express and behind nginx. */
import { expect } from 'chai';
import express from 'express';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { type Handler, runServer } from 'rx-http-kit';
import { toNodeListener } from 'rx-http-kit/interop';
import { notesApp } from '../../examples/notes/app.js';
import type { Change, Note } from '../../examples/notes/note-book.js';
import { type DispatchedEvent, EventStreamReader } from '../support/event-stream-reader.js';
import { until } from '../support/raw-client.js';
import { withServer } from '../support/serve.js';
import { nginxIsMissing, startNginx } from '../support/start-nginx.js';

interface Mounted {
  readonly port: number;
  stop(): Promise<void>;
}

const alone = async (app: Handler): Promise<Mounted> => {
  const server = await runServer(app, { ip: '127.0.0.1', port: 0 });
  return { port: server.port, stop: () => server.stop({ timeout: 0 }) };
};

const inExpress = async (app: Handler): Promise<Mounted> => {
  const listener = toNodeListener(app);
  const server = createServer(express().use(listener)).on('upgrade', listener.upgrade).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port, // TCP
    stop: async () => {
      listener.stop();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};

/** As a guide would say it: WebSockets need two fields of their own, event streams none. */
const LOCATIONS = `
  location / { proxy_pass http://rx; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host; }
  location = /api/socket {
    proxy_pass http://rx/api/live$is_args$args; proxy_http_version 1.1; proxy_set_header Host $http_host;
    proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
  }`;

const behindNginx = async (app: Handler): Promise<Mounted> => {
  const server = await alone(app);
  const nginx = await startNginx(server.port, LOCATIONS);
  return {
    port: nginx.port,
    stop: async () => {
      const complaints = nginx.complaints();
      await nginx.stop();
      await server.stop();
      expect(complaints, 'of nginx').to.deep.equal([]);
    },
  };
};

/** A browser without a screen: keeps its cookie, and says its token. */
class Visitor {
  readonly origin: string;
  cookie: string;
  token: string;

  constructor(port: number) {
    this.origin = `http://127.0.0.1:${port}`;
    this.cookie = '';
    this.token = '';
  }

  async ask(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { cookie: this.cookie, 'x-csrf-token': this.token, origin: this.origin, ...(init.headers as Record<string, string>) }; // below, always
    const response = await fetch(this.origin + path, { redirect: 'manual', ...init, headers });
    const [set] = response.headers.getSetCookie();
    if (set !== undefined) this.cookie = set.split(';', 1)[0];
    return response;
  }

  /** Reads what the page asks first. */
  async look(): Promise<{ readonly user?: string; readonly token: string; readonly said?: string }> {
    const found = (await (await this.ask('/api/session')).json()) as { user?: string; token: string; said?: string }; // as the page expects it
    this.token = found.token;
    return found;
  }

  async enter(user: string, password: string): Promise<Response> {
    await this.look();
    const fields = { user, password, '__anti-forgery-token': this.token };
    const response = await this.ask('/login', {
      method: 'POST',
      body: new URLSearchParams(fields),
      headers: { 'x-csrf-token': this.token },
    });
    await response.text();
    return response;
  }

  write(body: RequestInit['body'], headers: Record<string, string> = {}): Promise<Response> {
    return this.ask('/api/notes', { method: 'POST', body, headers });
  }

  async list(): Promise<{ readonly notes: readonly Note[]; readonly cursor: string }> {
    return (await (await this.ask('/api/notes')).json()) as { notes: readonly Note[]; cursor: string }; // as the page expects it
  }

  /** All that is said behind `cursor`, until there are `count`. */
  async hear(cursor: string, count: number): Promise<Change[]> {
    const leave = new AbortController();
    const headers = { accept: 'text/event-stream' };
    const response = await this.ask(`/api/live?cursor=${encodeURIComponent(cursor)}`, { headers, signal: leave.signal });
    expect(response.headers.get('content-type')).to.equal('text/event-stream; charset=utf-8');
    const reader = new EventStreamReader();
    const items = (): DispatchedEvent[] => reader.events.filter(({ data }) => data !== '');
    for await (const bytes of response.body ?? []) {
      reader.push(bytes);
      if (items().length >= count) break;
    }
    leave.abort();
    return items().map(({ data }) => JSON.parse(data) as Change); // as the feed was made
  }

  async hearOverWebSocket(path: string, cursor: string): Promise<Change> {
    const url = `${this.origin.replace('http', 'ws')}${path}?cursor=${encodeURIComponent(cursor)}`;
    const socket = new WebSocket(url, { headers: { cookie: this.cookie }, origin: this.origin });
    const [message] = (await once(socket, 'message')) as [Buffer]; // as ws documents it
    socket.close();
    await once(socket, 'close');
    return (JSON.parse(message.toString()) as { data: Change }).data; // as the feed words it
  }
}

const form = (fields: Readonly<Record<string, string | File>>): FormData => {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.append(name, value);
  return data;
};

describe('an upload to notes', () => {
  it('is not read before it is known who sends it, and that it is no other site', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rx-http-kit-notes-'));
    await withServer(notesApp(folder), {}, async (site) => {
      const stranger = await site.connect();
      const first = await stranger.send('GET /api/session HTTP/1.1\r\nhost: x\r\n\r\n').response();
      const cookie = first.fields.find(([name]) => name === 'set-cookie')?.[1].split(';', 1)[0];
      const given = (JSON.parse(first.body.toString()) as { token: string }).token; // as the page expects it
      for (const [token, status] of [
        [given, 401],
        ['', 403],
      ] as const) {
        const client = await site.connect();
        const type = 'content-type: multipart/form-data; boundary=b\r\ncontent-length: 1000000';
        client.send(`POST /api/notes HTTP/1.1\r\nhost: x\r\ncookie: ${cookie}\r\nx-csrf-token: ${token}\r\n${type}\r\n\r\n--b\r\n`);
        expect((await client.response()).status).to.equal(status);
        client.abort();
      }
      stranger.abort();
    });
    await rm(folder, { recursive: true });
  });
});

const WAYS: readonly (readonly [string, (app: Handler) => Promise<Mounted>, string])[] = [
  ['on its own', alone, '/api/live'],
  ['in Express', inExpress, '/api/live'],
  ['behind nginx', behindNginx, '/api/socket'],
];

for (const [way, mount, socketPath] of WAYS) {
  const missing = way.includes('nginx') ? nginxIsMissing() : undefined;

  describe(`notes ${way}${missing === undefined ? '' : ` (skipped: ${missing})`}`, function () {
    this.timeout(15_000);

    let folder: string;
    let mounted: Mounted | undefined;
    let ada: Visitor;
    let ben: Visitor;

    beforeEach(async function () {
      if (missing !== undefined) this.skip();
      folder = await mkdtemp(join(tmpdir(), 'rx-http-kit-notes-'));
      mounted = await mount(notesApp(folder));
      ada = new Visitor(mounted.port);
      ben = new Visitor(mounted.port);
    });

    afterEach(async () => {
      if (mounted === undefined) return;
      const running = mounted;
      mounted = undefined;
      await running.stop();
      await rm(folder, { recursive: true });
    });

    const enter = async (): Promise<void> => {
      for (const [visitor, user, password] of [[ada, 'ada', 'lovelace'] as const, [ben, 'ben', 'franklin'] as const]) {
        expect((await visitor.enter(user, password)).status).to.equal(303);
        expect(await visitor.look()).to.include({ user });
      }
    };

    it('serves its page, which no other site may frame', async () => {
      for (const [path, type] of [
        ['/', 'text/html; charset=utf-8'],
        ['/app.js', 'text/javascript; charset=utf-8'],
        ['/app.css', 'text/css; charset=utf-8'],
      ]) {
        const response = await ada.ask(path);
        expect([response.status, response.headers.get('content-type')], path).to.deep.equal([200, type]);
        expect(response.headers.get('x-frame-options')).to.equal('sameorigin');
        expect(await response.text()).to.have.length.above(100);
      }
    });

    it('lets nobody in with a wrong password, and says so once', async () => {
      for (const [user, password] of [
        ['ada', 'babbage'],
        ['eve', 'lovelace'],
      ]) {
        const response = await ada.enter(user, password);
        expect([response.status, response.headers.get('location')]).to.deep.equal([303, '/']);
        const { user: entered, said } = await ada.look();
        expect([entered, said]).to.deep.equal([undefined, 'Wrong name or password.']);
        expect((await ada.look()).said).to.equal(undefined);
      }
      for (const path of ['/api/notes', '/api/live', '/api/notes/1/attachment']) expect((await ada.ask(path)).status, path).to.equal(401);
    });

    it('gives a new session to who logs in, and ends it with the log-out', async () => {
      await ada.look();
      const before = ada.cookie;
      await ada.enter('ada', 'lovelace');
      expect(ada.cookie).to.not.equal(before);
      const kept = ada.cookie;
      await ada.look();
      expect((await ada.ask('/logout', { method: 'POST' })).status).to.equal(303);
      for (const cookie of [before, kept]) {
        ada.cookie = cookie;
        expect((await ada.look()).user).to.equal(undefined);
      }
    });

    it('ends what is still being sent to who logs out, and to nobody else', async () => {
      await enter();
      const { cursor } = await ada.list();
      const url = `/api/live?cursor=${encodeURIComponent(cursor)}`;
      const stream = await ada.ask(url, { headers: { accept: 'text/event-stream' } });
      const said = stream.text();
      const socket = new WebSocket(`${ada.origin.replace('http', 'ws')}${socketPath}`, {
        headers: { cookie: ada.cookie },
        origin: ada.origin,
      });
      await once(socket, 'message');
      const heard = ben.hear(cursor, 1);
      const closed = once(socket, 'close');
      expect((await ada.ask('/logout', { method: 'POST' })).status).to.equal(303);
      await said; // or this never ends
      expect((await closed)[0]).to.equal(1000);
      expect((await ada.ask(url)).status).to.equal(401);
      expect((await ben.write('{"text":"still here"}', { 'content-type': 'application/json' })).status).to.equal(201);
      expect(await heard).to.have.lengthOf(1);
    });

    it('refuses a form of another site', async () => {
      await enter();
      expect((await ada.write(form({ text: 'x' }), { origin: 'https://evil.example' })).status).to.equal(403);
      expect((await ada.write(form({ text: 'x' }), { 'x-csrf-token': '' })).status).to.equal(403);
      expect((await ada.list()).notes).to.deep.equal([]);
    });

    it('keeps notes of forms and of JSON, and tells them live', async () => {
      await enter();
      const { cursor } = await ben.list();
      const heard = ben.hear(cursor, 3);
      const json = await ada.write('{"text":"by JSON"}', { 'content-type': 'application/json' });
      const written = (await json.json()) as Note; // as the handler makes it
      expect([json.status, json.headers.get('location')]).to.deep.equal([201, `/api/notes/${written.id}`]);
      expect((await ada.write(new URLSearchParams({ text: 'by form' }))).status).to.equal(201);
      expect((await ada.write(form({ text: 'by form,\r\nof parts', attachment: new File([], '') }))).status).to.equal(201);
      const changes = await heard;
      const { notes } = await ben.list();
      expect(notes.map(({ author, text, attachment }) => [author, text, attachment])).to.deep.equal([
        ['ada', 'by JSON', undefined],
        ['ada', 'by form', undefined],
        ['ada', 'by form,\nof parts', undefined],
      ]);
      expect(changes).to.deep.equal(notes.map((note) => ({ written: note })));
      expect(await (await ben.ask(`/api/notes/${written.id}`)).json()).to.deep.equal(notes[0]);
      expect(await ben.hearOverWebSocket(socketPath, cursor)).to.deep.equal({ written: notes[0] });
    });

    it('refuses what is no note', async () => {
      await enter();
      const type = { 'content-type': 'application/json' };
      for (const [body, headers] of [
        ['{"text":5}', type],
        ['null', type],
        ['{"text"', type],
        [JSON.stringify({ text: 'x'.repeat(2_001) }), type],
        [form({ text: ' ' }), {}],
        [form({ other: 'x' }), {}],
      ] as const) {
        expect((await ada.write(body, headers)).status).to.equal(400);
      }
      const problem = (await (await ada.write('{}', type)).json()) as { errors: { pointer: string }[] }; // RFC 9457, as validate words it
      expect(problem.errors.map(({ pointer }) => pointer)).to.deep.equal(['/text']);
      const large = new File([Buffer.alloc(5_242_881)], 'large');
      expect((await ada.write(form({ text: 'x', attachment: large })).catch(() => ({ status: 413 }))).status).to.equal(413); // or cut while it sends
      expect((await ada.list()).notes).to.deep.equal([]);
      await until('nothing is left of refused files', async () => (await readdir(folder)).length === 0);
    });

    it('keeps a file, gives it back to be saved, and forgets it with its note', async () => {
      await enter();
      const content = Buffer.alloc(1_000_000, 'abcdefgh');
      const attachment = new File([content], "<plän> (1)'.html", { type: 'text/html' });
      const response = await ada.write(form({ text: 'see file', attachment }));
      const { id } = (await response.json()) as Note; // as the handler makes it
      const served = await ben.ask(`/api/notes/${id}/attachment`);
      expect(Buffer.from(await served.arrayBuffer()).equals(content)).to.equal(true);
      expect(['content-type', 'content-disposition', 'x-content-type-options'].map((name) => served.headers.get(name))).to.deep.equal([
        'application/octet-stream',
        "attachment; filename*=UTF-8''%3Cpl%C3%A4n%3E%20%281%29%27.html",
        'nosniff',
      ]);
      expect((await ben.ask(`/api/notes/${id}`, { method: 'DELETE' })).status, 'not his').to.equal(403);
      const { cursor } = await ben.list();
      expect((await ada.ask(`/api/notes/${id}`, { method: 'DELETE' })).status).to.equal(204);
      expect(await ben.hear(cursor, 1)).to.deep.equal([{ removed: id }]);
      for (const path of [`/api/notes/${id}`, `/api/notes/${id}/attachment`]) expect((await ben.ask(path)).status, path).to.equal(404);
      await until('the file is removed', async () => (await readdir(folder)).length === 0);
    });
  });
}
