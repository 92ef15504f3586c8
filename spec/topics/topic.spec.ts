import { expect } from 'chai';
import { HandlerError, OptionError, topic } from 'rx-http-kit';

describe('topic', () => {
  it('publishes with ids, and tells everything behind one', () => {
    const prices = topic<number>('prices', { history: 2 });
    expect([prices.name, prices.offset, prices.cursor]).to.deep.equal(['prices', 0, `${prices.epoch}:0`]);
    const ids = [7, 8, 9].map((price) => prices.publish(price));
    expect(ids).to.deep.equal([1, 2, 3].map((offset) => `${prices.epoch}:${offset}`));
    expect(prices.cursor).to.equal(ids[2]);
    expect(prices.since(ids[0])).to.deep.include({ recovered: true, epoch: prices.epoch, offset: 3 });
    expect(prices.since(ids[0]).items.map(({ value }) => value)).to.deep.equal([8, 9]);
    expect(prices.since(`${prices.epoch}:0`)).to.deep.equal({ recovered: false, items: [], epoch: prices.epoch, offset: 3 });
  });

  it('keeps 1 000 items by default', () => {
    const counts = topic<number>('counts');
    for (let count = 0; count < 1_100; count++) counts.publish(count);
    expect(counts.since(`${counts.epoch}:100`).items).to.have.length(1_000);
    expect(counts.since(`${counts.epoch}:99`).recovered).to.equal(false);
  });

  it('refuses to publish once it has ended, and still tells what it keeps', () => {
    const closed = topic<number>('closed');
    closed.publish(1);
    closed.complete();
    closed.next(2);
    expect(() => closed.publish(2))
      .to.throw(HandlerError)
      .with.property('code', 'RHK_TOPIC_ENDED');
    expect(closed.since(`${closed.epoch}:0`).items.map(({ value }) => value)).to.deep.equal([1]);
  });

  it('refuses names and options that are wrong', () => {
    for (const name of ['', ' a', 'a b', '-a', 'a'.repeat(129), 'ä', 7, null]) {
      expect(() => topic(name as string), String(name)).to.throw(OptionError, /^option name: is /); // what is wrong has no type
    }
    for (const name of ['a', 'rooms/7', 'a.b:c_d-e', '7']) expect(topic(name).name).to.equal(name);
    for (const history of [-1, 1.5, Infinity, NaN, '5']) {
      expect(() => topic('a', { history: history as number }), String(history)).to.throw(OptionError, /^option history: /); // as above
    }
    for (const ttlMs of [0, -1, 0.5, NaN]) expect(() => topic('a', { ttlMs })).to.throw(OptionError, /^option ttlMs: /);
    expect(() => topic('a', { ttl: 5 } as object)).to.throw(OptionError, 'option ttl: is not an option; the options are history, ttlMs');
    expect(() => topic('a', null as unknown as object)).to.throw(OptionError, 'option options'); // as above
  });
});
