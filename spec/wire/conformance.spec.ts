/**
 * Every case of `cases/` over real sockets, in four ways: whole, behind a good request in one write, byte by byte (so with
 * a cut at every byte at once), and in two pieces, cut anywhere behind the start that cases share (a seeded sample of the
 * longer ones).
 *
 * A request for `/smuggled` follows every refused case; the handler must never see it.
 */
import { expect } from 'chai';
import type { RawClient } from '../support/raw-client.js';
import { valueOf, WireError, type RawResponse } from '../support/response-reader.js';
import { seeded } from '../support/seeded.js';
import { Site } from '../support/serve.js';
import { createWireApp, SMUGGLED_PATH } from '../support/wire-app.js';
import { byteName, line, type Told, type WireCase } from './cases/case.js';
import { chunkEnds, chunkExtensions, chunkSizes, chunkTrailers } from './cases/chunks.js';
import { contentLength } from './cases/content-length.js';
import { desync } from './cases/desync.js';
import { fieldNames, fieldValues, folding, lineEnds } from './cases/field-lines.js';
import { host } from './cases/host.js';
import { limits } from './cases/limits.js';
import { expectations, persistence } from './cases/persistence.js';
import { leadingLines, methods, spacing, targets, versions } from './cases/request-line.js';
import { transferEncoding } from './cases/transfer-encoding.js';

const SUITES: Readonly<Record<string, readonly WireCase[]>> = {
  'request line: spaces': spacing,
  'request line: method': methods,
  'request line: target': targets,
  'request line: version': versions,
  'request line: empty lines before it': leadingLines,
  host,
  'field names': fieldNames,
  'field values': fieldValues,
  'folded lines': folding,
  'line ends': lineEnds,
  'content-length': contentLength,
  'transfer-encoding': transferEncoding,
  'chunk sizes': chunkSizes,
  'chunk extensions': chunkExtensions,
  'chunk ends': chunkEnds,
  'chunk trailers': chunkTrailers,
  'request smuggling': desync,
  persistence,
  expectations,
  limits,
};

const SEED = Number(process.env['WIRE_SEED'] ?? 9112);
/** Larger cases are not sent byte by byte. */
const SMALL = 512;
/** Up to so many places are all tried; of more, so many. */
const CUTS = 8;
const COMMON_STARTS = [
  'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n',
  'POST / HTTP/1.1\r\nHost: x\r\n',
  'GET / HTTP/1.1\r\nHost: x\r\n',
];
const SMUGGLED = `GET ${SMUGGLED_PATH} HTTP/1.1\r\nHost: x\r\n\r\n`;
const GOOD = line('GET /good HTTP/1.1');
const PROBE = line('GET /probe HTTP/1.1');

type Wanted = WireCase['want'];

const matches = (wanted: Wanted[number], status: number): boolean =>
  typeof wanted === 'number' ? wanted === status : wanted.includes(status);
const isRefused = (wireCase: WireCase): boolean =>
  wireCase.want.every((wanted) => typeof wanted === 'number' && wanted >= 400) && wireCase.then === 'close';

const compareTold = (told: Told, response: RawResponse): void => {
  if (Object.keys(told).length === 0) return;
  const actual = JSON.parse(response.body.toString('utf8')) as Required<Told>; // what `wire-app` writes
  for (const [member, expected] of Object.entries(told)) {
    if (member === 'headers') {
      for (const [name, value] of Object.entries(expected as NonNullable<Told['headers']>)) {
        const found = Object.hasOwn(actual.headers, name) ? actual.headers[name] : null;
        expect(found, `header ${name}`).to.equal(value);
      }
    } else if (member === 'trailers') {
      expect(Object.entries(actual.trailers), 'trailers').to.deep.equal(Object.entries(expected as NonNullable<Told['trailers']>));
    } else {
      expect(actual[member as keyof Told], member).to.deep.equal(expected);
    }
  }
};

/** Every refusal: closes, has a length, and says nothing of the input or of the inside. */
const checkRefusal = (response: RawResponse): void => {
  if (valueOf(response, 'connection') !== 'close') throw new WireError(`${response.status} without connection: close`);
  if (valueOf(response, 'content-length') === undefined) throw new WireError(`${response.status} without content-length`);
  const text = response.body.toString('latin1');
  if (/smuggled|node_modules|\.js|Error|secret/i.test(text)) throw new WireError(`the answer tells too much: ${text}`);
};

/** Reads what a case must be answered with, and sees that the connection ends or lives on as it should. */
const readCase = async (client: RawClient, wireCase: WireCase): Promise<void> => {
  let response: RawResponse | undefined;
  for (const [index, wanted] of wireCase.want.entries()) {
    response = await client.response(wireCase.methods?.[index] ?? 'GET');
    if (!matches(wanted, response.status)) {
      expect.fail(
        `answer ${index + 1} is ${response.status} ${response.body.subarray(0, 200).toString('latin1')}, expected ${String(wanted)}`,
      );
    }
    const told = wireCase.told?.[index];
    if (told !== undefined && response.status < 400) compareTold(told, response);
  }
  if (response === undefined) return;
  for (const [name, value] of Object.entries(wireCase.reply ?? {}))
    expect(valueOf(response, name) ?? null, `reply ${name}`).to.equal(value);
  const hasChoice = typeof wireCase.want.at(-1) !== 'number';
  const closes = wireCase.then === 'close' || (hasChoice && response.status >= 400);
  if (!closes) return;
  if (response.status >= 400) checkRefusal(response);
  expect(await client.ended(), 'how the connection ended').to.equal('end');
};

/** The connection is in step: another request gets its own answer. */
const probe = async (client: RawClient): Promise<void> => {
  const response = await client.send(PROBE).response();
  expect(response.status, 'probe').to.equal(200);
  compareTold({ uri: '/probe', body: '' }, response);
};

const endsOpen = (wireCase: WireCase): boolean => wireCase.then === 'open' && wireCase.want.every((wanted) => typeof wanted === 'number');
const suffixOf = (wireCase: WireCase): string => (isRefused(wireCase) && wireCase.isOpenEnded !== true ? SMUGGLED : '');

const commonStart = (text: string): number => {
  let longest = 0;
  for (const start of COMMON_STARTS) {
    let length = 0;
    while (length < start.length && start[length] === text[length]) length++;
    longest = Math.max(longest, length);
  }
  return longest;
};

/** Where a case is cut: behind the start that it shares with others everywhere or at a sample, and once before it. */
const cutsOf = (text: string, random: (below: number) => number): readonly number[] => {
  const start = Math.max(1, commonStart(text));
  const places = text.length - start;
  const cuts = new Set<number>([1 + random(start)]);
  if (places <= CUTS) for (let cut = start; cut < text.length; cut++) cuts.add(cut);
  else while (cuts.size <= CUTS) cuts.add(start + random(places));
  return [...cuts].filter((cut) => cut < text.length).sort((a, b) => a - b);
};

/** Names the way of sending in the message of whatever goes wrong. */
const labelled = async (label: string, run: () => Promise<void>): Promise<void> => {
  try {
    await run();
  } catch (error) {
    if (error instanceof Error) error.message = `${label}: ${error.message}`;
    throw error;
  }
};

const all = async (runs: readonly Promise<void>[]): Promise<void> => {
  const failures = (await Promise.allSettled(runs)).flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : []));
  if (failures.length === 0) return;
  failures[0].message = `${failures.length} of ${runs.length} fail; ${failures[0].message}`;
  throw failures[0];
};

describe(`wire conformance (WIRE_SEED=${SEED})`, () => {
  const { handler, reached } = createWireApp();
  const random = seeded(SEED);
  let site: Site;
  /** Smuggled requests that earlier cases let through. */
  let smuggledBefore = 0;

  before(async () => {
    site = await Site.start(handler);
  });
  beforeEach(() => {
    smuggledBefore = reached.smuggled;
  });
  after(() => site.stop());

  const expectNothingSmuggled = (): void => {
    expect(reached.smuggled - smuggledBefore, 'smuggled requests that reached the handler').to.equal(0);
  };

  const once = async (wireCase: WireCase, send: (client: RawClient) => unknown, first?: WireCase): Promise<void> => {
    const client = await site.connect();
    await send(client);
    if (first !== undefined) await readCase(client, first);
    await readCase(client, wireCase);
    if (endsOpen(wireCase)) await probe(client);
    client.leave();
  };

  const good: WireCase = { name: 'good', send: GOOD, want: [200], then: 'open', told: [{ uri: '/good', body: '' }] };

  for (const [title, cases] of Object.entries(SUITES)) {
    describe(title, () => {
      for (const wireCase of cases) {
        const text = wireCase.send;
        const suffix = suffixOf(wireCase);

        it(wireCase.name, async () => {
          const before = reached.requests;
          await labelled('whole', () => once(wireCase, (client) => client.send(text + suffix)));
          if (isRefused(wireCase) && wireCase.inBody !== true && wireCase.want.length === 1) {
            expect(reached.requests - before, 'requests that reached the handler').to.equal(0);
          }
          await labelled('behind a good request', () => once(wireCase, (client) => client.send(GOOD + text + suffix), good));
          expectNothingSmuggled();
        });

        it(`${wireCase.name}, in pieces`, async () => {
          const runs: Promise<void>[] = [];
          if (text.length <= SMALL) {
            runs.push(labelled('byte by byte', () => once(wireCase, (client) => client.sendApart([...text, suffix]))));
          }
          for (const cut of cutsOf(text, random)) {
            const label = `cut at ${cut}, before ${byteName(text.charCodeAt(cut))}`;
            runs.push(labelled(label, () => once(wireCase, (client) => client.sendApart([text.slice(0, cut), text.slice(cut) + suffix]))));
          }
          await all(runs);
          expectNothingSmuggled();
        });
      }
    });
  }

  describe('malformed bodies that no handler reads', () => {
    for (const wireCase of Object.values(SUITES).flat()) {
      if (wireCase.inBody !== true) continue;
      it(`${wireCase.name}: one answer, then the end`, async () => {
        const client = await site.connect();
        client.send(wireCase.send.replace(/^([A-Z]+) \//, '$1 /ignore') + suffixOf(wireCase));
        const response = await client.response();
        const wanted = [wireCase.want[0]].flat();
        expect(response.status).to.be.oneOf([200, ...wanted]);
        if (response.status === 200) expect(response.body.toString()).to.equal('ignored');
        expect(await client.ended()).to.equal('end');
        expectNothingSmuggled();
      });
    }
  });

  it('has caused no failure but the one that a case asks for', () => {
    expect(site.failures.filter((failure) => !failure.includes('secret of the inside'))).to.deep.equal([]);
  });
});
