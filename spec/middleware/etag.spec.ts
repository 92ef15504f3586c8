import { expect } from 'chai';
import { concat, delay, map, mergeMap, of } from 'rxjs';
import { type Handler, OptionError } from 'rx-http-kit';
import { compose, etag, type EtagOptions, notModified } from 'rx-http-kit/middleware';
import { inject } from 'rx-http-kit/testing';

const tagOf = async (handler: Handler, options?: EtagOptions, method = 'GET'): Promise<string | undefined> =>
  (await inject(etag(options)(handler), { method }).collect()).headers['etag'];

describe('etag', () => {
  it('is the same for the same octets, and another for others', async () => {
    const one = await tagOf(map(() => 'hello'));
    expect(one).to.match(/^"[\w-]{27}"$/);
    expect(await tagOf(map(() => ({ body: Buffer.from('hello') })))).to.equal(one);
    expect(await tagOf(map(() => 'hellp'))).to.not.equal(one);
    expect(
      await tagOf(
        map(() => 'hello'),
        {},
        'HEAD',
      ),
    ).to.equal(one);
    expect(
      await tagOf(
        map(() => 'hello'),
        { weak: true },
      ),
    ).to.equal(`W/${one}`);
  });

  it('is made for a reply that comes later, too', async () => {
    const later: Handler = (requests$) =>
      requests$.pipe(
        delay(1),
        map(() => 'hello'),
      );
    expect(await tagOf(later)).to.match(/^"/);
  });

  const untagged: readonly (readonly [string, Handler, string?])[] = [
    ['a stream of items', mergeMap(() => of('a', 'b'))],
    ['a stream that goes on', mergeMap(() => concat(of('a'), of('b').pipe(delay(1))))],
    ['a streamed body', map(() => ['a', 'b'])],
    ['another status', map(() => ({ status: 404, body: 'a' }))],
    ['another method', map(() => 'a'), 'POST'],
  ];
  for (const [what, handler, method] of untagged) {
    it(`is not made for ${what}`, async () => expect(await tagOf(handler, {}, method)).to.equal(undefined));
  }

  it('holds no stream back, and changes nothing of it', async () => {
    const handler: Handler = mergeMap(() => concat(of('a'), of('b').pipe(delay(1)), of('c')));
    expect((await inject(etag()(handler), '/').collect()).pieces).to.deep.equal(['a', 'b', 'c']);
  });

  it('leaves a tag that is there', async () => {
    expect(await tagOf(map(() => ({ headers: { ETag: '"mine"' }, body: 'a' })))).to.equal('"mine"');
  });

  it('spares the body of a client that has it', async () => {
    const handler = compose(notModified(), etag())(map(() => 'hello'));
    const tag = (await inject(handler, '/').collect()).headers['etag'];
    expect((await inject(handler, { headers: { 'if-none-match': tag } }).collect()).status).to.equal(304);
  });

  it('refuses wrong options', () => expect(() => etag({ weak: 'yes' as unknown as boolean })).to.throw(OptionError, 'weak'));
});
