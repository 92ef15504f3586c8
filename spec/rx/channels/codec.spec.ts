import { expect } from 'chai';
import fc from 'fast-check';
import { type Codec, json, type Message } from 'rx-http-kit';

const messageOf = (value: unknown): Message => json.encode(value) as string; // text, which is what JSON is

describe('json', () => {
  it('decodes what it has encoded', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(json.decode(messageOf(value))).to.deep.equal(JSON.parse(JSON.stringify(value)));
      }),
      { seed: 6_455 },
    );
  });

  it('speaks as the client of RxJS does: JSON text', () => {
    expect(json.encode({ subscribe: 'prices' })).to.equal('{"subscribe":"prices"}');
    expect(json.encode('text')).to.equal('"text"');
    expect(json.contentType).to.equal('application/json');
  });

  it('reads binary messages as UTF-8', () => {
    expect(json.decode(Buffer.from('{"ключ":"🔑"}'))).to.deep.equal({ ключ: '🔑' });
  });

  it('throws for what is no JSON', () => {
    for (const text of ['', '{', 'undefined', "{'a':1}", '[1,]']) expect(() => json.decode(text), text).to.throw(SyntaxError);
  });

  it('has no word for what JSON cannot say', () => {
    expect(json.encode(undefined)).to.equal(undefined);
    expect(() => json.encode(10n)).to.throw(TypeError);
  });

  it('is a codec like one that is written elsewhere', () => {
    const numbers: Codec<number, number> = { encode: String, decode: Number };
    expect(numbers.decode(numbers.encode(42) as string)).to.equal(42);
  });
});
