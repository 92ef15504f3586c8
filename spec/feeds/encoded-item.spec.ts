import { expect } from 'chai';
import { json } from 'rx-http-kit';
import { EncodedItems } from '#src/feeds/encoded-item.js';
import type { Published } from 'rx-http-kit';

const item = <T>(value: T, offset: number = 1, id: string = `e:${offset}`): Published<T> => ({ id, offset, value, at: 0 });

const unexpected = (error: unknown): never => {
  throw error;
};

describe('EncodedItems', () => {
  it('gives one item in all its forms', () => {
    const encoded = new EncodedItems(json, 'tick').of(item({ n: 1 }), unexpected);
    expect(encoded?.serverSent).to.equal('id: e:1\nevent: tick\ndata: {"n":1}\n\n');
    expect(encoded?.serverSentWithoutId).to.equal('event: tick\ndata: {"n":1}\n\n');
    expect(encoded?.envelope).to.equal('{"id":"e:1","data":{"n":1}}');
    expect(encoded?.line).to.equal('{"id":"e:1","data":{"n":1}}\n');
    expect(encoded?.lineWithoutId).to.equal('{"data":{"n":1}}\n');
    expect([encoded?.frame.message, encoded?.frame.value]).to.deep.equal(['{"id":"e:1","data":{"n":1}}', { n: 1 }]);
    expect(encoded?.frameWithoutId.message).to.equal('{"data":{"n":1}}');
    expect(encoded?.frame, 'one frame for all').to.equal(encoded?.frame);
  });

  it('is asked in any order, and encodes once', () => {
    let encoded = 0;
    const items = new EncodedItems<number>({ encode: (value) => `${value}${encoded++}` }, undefined);
    const [a, b] = [item(1, 1), item(2, 2)];
    const first = items.of(a, unexpected);
    items.of(b, unexpected);
    expect(items.of(a, unexpected)).to.equal(first);
    expect(items.of(b, unexpected)?.envelope).to.equal('{"id":"e:2","data":"21"}');
    expect(encoded).to.equal(2);
  });

  it('embeds what its content type calls JSON, and quotes all else', () => {
    const embedded = (contentType: string | undefined): boolean => {
      const codec = { encode: (): string => '[1]', ...(contentType === undefined ? {} : { contentType }) };
      return new EncodedItems(codec, undefined).of(item(1), unexpected)?.envelope.endsWith(':[1]}') === true;
    };
    for (const type of ['application/json', 'application/json; charset=utf-8', 'application/geo+json', 'Application/JSON']) {
      expect(embedded(type), type).to.equal(true);
    }
    for (const type of [undefined, 'text/plain', 'application/jsonp', 'application/x-ndjson']) expect(embedded(type), type).to.equal(false);
  });

  it('tells once of an item that cannot be encoded, and gives nothing for it', () => {
    const reported: unknown[] = [];
    const report = (error: unknown): void => void reported.push((error as Error).message); // an error of ours
    const items = new EncodedItems<unknown>(json, undefined);
    const wrong = [item(1n, 1), item(undefined, 2), item('a', 3, 'e\n:3')];
    for (const published of [...wrong, ...wrong]) expect(items.of(published, report)).to.equal(null);
    expect(items.of(item('a', 4), report)).to.not.equal(null);
    expect(reported).to.have.length(3);
    expect(reported[0]).to.equal('item e:1 of a feed could not be encoded, no client is told of it');
  });
});
