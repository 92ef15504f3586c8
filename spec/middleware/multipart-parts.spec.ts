import { expect } from 'chai';
import { concatMap, lastValueFrom, map, mergeMap, of, toArray } from 'rxjs';
import type { Handler } from 'rx-http-kit';
import { type FilePart, type MultipartPart, multipartParts } from 'rx-http-kit/middleware';
import { inject, request } from 'rx-http-kit/testing';
import { until, untilAtRest } from '../support/raw-client.js';
import { withServer } from '../support/serve.js';

const TYPE = 'multipart/form-data; boundary=bound';
const head = (name: string, filename?: string): string =>
  `--bound\r\nContent-Disposition: form-data; name="${name}"${filename === undefined ? '' : `; filename="${filename}"`}\r\n\r\n`;

const textOf = async (part: MultipartPart): Promise<string> => {
  if (part.kind === 'field') return `${part.name}=${part.value}`;
  const pieces: Buffer[] = [];
  for await (const piece of part.stream) pieces.push(piece as Buffer); // busboy gives no other
  return `${part.name}:${part.filename}:${Buffer.concat(pieces).toString()}`;
};

describe('multipartParts', () => {
  it('gives each part in its order, wherever the bytes are cut', async () => {
    const body = `${head('a')}1\r\n${head('f', 'x.txt')}content\r\n${head('b')}2\r\n--bound--\r\n`;
    for (let cut = 1; cut < body.length; cut += 3) {
      const cutInTwo = request({ method: 'POST', headers: { 'content-type': TYPE }, body: of(body.slice(0, cut), body.slice(cut)) });
      const parts = await lastValueFrom(multipartParts(cutInTwo).pipe(concatMap(textOf), toArray()));
      expect(parts, `cut at ${cut}`).to.deep.equal(['a=1', 'f:x.txt:content', 'b=2']);
    }
  });

  it('reads the socket no faster than a file is read', async () => {
    let part: FilePart | undefined;
    const handler: Handler = mergeMap((arrived) =>
      multipartParts(arrived).pipe(
        map((found) => {
          part = found as FilePart; // the only part is one
          return 'x';
        }),
      ),
    );
    await withServer(handler, { maxBody: 100_000_000, stallTimeoutMs: 60_000 }, async (site) => {
      const client = await site.connect();
      let sent = 0;
      client.send(`POST / HTTP/1.1\r\nhost: x\r\ncontent-type: ${TYPE}\r\ncontent-length: 60000000\r\n\r\n${head('f', 'x')}`);
      const filling = async (): Promise<void> => {
        for (; sent < 50_000_000; sent += 100_000) await client.send('x'.repeat(100_000)).flushed();
      };
      void filling().catch(() => undefined); // ends with its client
      await until('the file has begun', () => part !== undefined);
      await untilAtRest('octets sent', () => sent);
      expect(sent).to.be.below(30_000_000);
      const before = sent;
      part?.stream.resume();
      await until('the client goes on', () => sent > before);
      client.abort();
      await until('the stream is destroyed', () => part?.stream.destroyed === true);
    });
  });

  it('does no more work for a malformed form than for its first bytes', async function () {
    this.timeout(5_000); // an error for each part would take three times as long
    const body = `${head('a')}1\r\n${'--bound\r\n\r\n\r\n'.repeat(400_000)}--bound--\r\n`;
    const { status } = await inject(
      mergeMap((arrived) => multipartParts(arrived).pipe(map(() => 'x'))),
      { method: 'POST', headers: { 'content-type': TYPE }, body },
    ).collect();
    expect(status).to.equal(400);
  });

  it('counts parts that are neither fields nor files, too', async () => {
    const post = (parts: number) =>
      inject(
        mergeMap((arrived) =>
          multipartParts(arrived, { maxFields: 3, maxFiles: 2 }).pipe(
            toArray(),
            map(({ length }) => String(length)),
          ),
        ),
        { method: 'POST', headers: { 'content-type': TYPE }, body: `${'--bound\r\nX: y\r\n\r\nz\r\n'.repeat(parts)}--bound--\r\n` },
      ).collect();
    expect((await post(5)).text).to.equal('0');
    const { status, text } = await post(6);
    expect([status, text]).to.deep.equal([413, 'the form has too many parts, limit 5']);
  });

  it('answers 415 to what is no form of parts', async () => {
    const handler: Handler = mergeMap((arrived) => multipartParts(arrived).pipe(map(() => 'x')));
    expect((await inject(handler, { method: 'POST', body: 'x' }).collect()).status).to.equal(415);
  });

  it('destroys the stream of a file that nobody wants any more', async () => {
    const endless = request({ method: 'POST', headers: { 'content-type': TYPE }, body: `${head('f', 'x')}content` });
    let part: FilePart | undefined;
    const subscription = multipartParts(endless).subscribe({ next: (found) => (part = found as FilePart), error: () => undefined }); // a file
    subscription.unsubscribe();
    await until('the stream is destroyed', () => part?.stream.destroyed === true);
  });
});
