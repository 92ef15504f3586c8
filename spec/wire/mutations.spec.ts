/**
 * Messages with a few bytes changed at random. Nobody knows what each must be answered with, but some things hold for all:
 * replies are well framed, the connection ends in order, nothing inside fails, what a handler was told is what was sent,
 * and how the bytes were cut on their way makes no difference.
 */
import { expect } from 'chai';
import type { RawClient } from '../support/raw-client.js';
import type { RawResponse } from '../support/response-reader.js';
import { seeded } from '../support/seeded.js';
import { Site } from '../support/serve.js';
import { createWireApp } from '../support/wire-app.js';
import { get, line, post } from './cases/case.js';

const SEED = Number(process.env['WIRE_SEED'] ?? 9110);
const MUTANTS = 300;

const ORIGINALS: readonly string[] = [
  line('GET /a?b=c HTTP/1.1'),
  line('GET http://y:8080/a HTTP/1.1'),
  get('A: b\r\nCookie: c=d\r\nConnection: keep-alive'),
  post('Content-Length: 11', 'hello world'),
  post('Content-Length: 35', 'GET /smuggled HTTP/1.1\r\nHost: y\r\n\r\n'),
  post('Transfer-Encoding: chunked', '5\r\nhello\r\n6;a="b"\r\n world\r\n0\r\nT: v\r\n\r\n'),
  post('Transfer-Encoding: chunked', '23\r\nGET /smuggled HTTP/1.1\r\nHost: y\r\n\r\n\r\n0\r\n\r\n'),
  'POST /ignore HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello',
  'GET /stream HTTP/1.1\r\nHost: x\r\n\r\n',
  'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
];
/** Bytes that mean something to a parser, and some that should not. */
const TELLING = '\r\n \t:;,="\\/?#@*%[]{}()<>0159aAfFgGxX+-._~\x00\x01\x0b\x0c\x7f\x80\xa0\xff';
const WORDS = [
  '\r\n',
  '\r\n\r\n',
  '\n',
  ' ',
  '0',
  '0\r\n\r\n',
  'chunked',
  ', ',
  'Content-Length: 5\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Host: z\r\n',
  'HTTP/1.0',
  ';a',
];

const mutate = (text: string, random: (below: number) => number): string => {
  let mutant = text;
  for (let changes = 1 + random(3); changes > 0; changes--) {
    const at = random(mutant.length + 1);
    const letter = TELLING[random(TELLING.length)];
    switch (random(5)) {
      case 0:
        mutant = mutant.slice(0, at) + letter + mutant.slice(at + 1);
        break;
      case 1:
        mutant = mutant.slice(0, at) + letter + mutant.slice(at);
        break;
      case 2:
        mutant = mutant.slice(0, at) + mutant.slice(at + 1 + random(3));
        break;
      case 3:
        mutant = mutant.slice(0, at) + WORDS[random(WORDS.length)] + mutant.slice(at);
        break;
      default: {
        const to = at + random(20);
        mutant = mutant.slice(0, to) + mutant.slice(at, to) + mutant.slice(to);
      }
    }
  }
  return mutant;
};

const summaryOf = (responses: readonly RawResponse[]): string[] =>
  responses.map(({ status, body, fields }) => {
    const told = fields.filter(([name]) => name !== 'date').map((field) => field.join(': '));
    return `${status} ${told.join(' | ')} ${body.toString('latin1')}`;
  });

describe(`mutated messages (WIRE_SEED=${SEED})`, () => {
  const { handler } = createWireApp();
  let site: Site;
  before(async () => {
    site = await Site.start(handler);
  });
  after(() => site.stop());

  const outcomeOf = async (send: (client: RawClient) => unknown): Promise<string[]> => {
    const client = await site.connect();
    await send(client);
    client.finish();
    return summaryOf(await client.rest());
  };

  const random = seeded(SEED);
  for (const [index, original] of ORIGINALS.entries()) {
    it(`of kind ${index + 1}: the same answers however they are cut`, async function () {
      this.timeout(20_000);
      for (let round = 0; round < MUTANTS / ORIGINALS.length; round++) {
        const text = mutate(original, random) + line('GET /last HTTP/1.1') + get('Connection: close');
        const cuts = Array.from({ length: 3 }, () => random(text.length)).sort((a, b) => a - b);
        const pieces = [0, ...cuts].map((from, at) => text.slice(from, cuts[at] ?? text.length));
        const outcomes = await Promise.all([
          outcomeOf((client) => client.send(text)),
          outcomeOf((client) => client.sendApart(pieces)),
          outcomeOf((client) => client.sendApart([...text])),
        ]);
        const about = JSON.stringify(text);
        expect(outcomes[1], `cut at ${cuts.join(', ')}: ${about}`).to.deep.equal(outcomes[0]);
        expect(outcomes[2], `byte by byte: ${about}`).to.deep.equal(outcomes[0]);
        expect(outcomes[0].length, about).to.be.above(0);
      }
      expect(site.failures.filter((failure) => !failure.includes('secret of the inside'))).to.deep.equal([]);
    });
  }
});
