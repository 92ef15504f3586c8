import { expect } from 'chai';
import { conflate, disconnect, dropNewest, dropOldest, inOrder, latest, OptionError, stream, suspend, websocket } from 'rx-http-kit';
import { EMPTY } from 'rxjs';

/** What a caller without types may give. */
const untyped = (value: unknown): never => value as never;

describe('overflow policies', () => {
  it('are frozen values, the same for all clients', () => {
    for (const policy of [suspend(), dropNewest(), dropOldest(), latest(), disconnect(), conflate(() => 1)]) {
      expect(Object.isFrozen(policy)).to.equal(true);
    }
    expect(suspend()).to.equal(suspend());
    expect(disconnect()).to.equal(disconnect(1013));
  });

  it('refuse a conflate without a key, or with a limit that is none', () => {
    for (const keyOf of [undefined, 'symbol', null]) {
      expect(() => conflate(untyped(keyOf)))
        .to.throw(OptionError)
        .with.property('option', 'keyOf');
    }
    for (const maxKeys of [0, -1, 1.5, NaN, '5', null]) {
      expect(() => conflate(() => 1, { maxKeys: untyped(maxKeys) }))
        .to.throw(OptionError)
        .with.property('option', 'maxKeys');
    }
    expect(conflate(() => 1)).to.include({ maxKeys: Infinity });
  });

  it('refuse a close code that may not be sent', () => {
    for (const code of [0, 999, 1002, 1005, 1006, 1015, 2999, 5000, NaN, untyped('1013')]) {
      expect(() => disconnect(code), String(code))
        .to.throw(OptionError)
        .with.property('option', 'code');
    }
    for (const code of [1000, 1001, 1008, 1013, 3000, 4999]) expect(disconnect(code)).to.deep.equal({ policy: 'disconnect', code });
  });

  it('are checked before the first client comes', () => {
    for (const policy of [
      null,
      'latest',
      dropOldest,
      { policy: 'conflate' },
      { policy: 'conflate', keyOf: String, maxKeys: 0 },
      { policy: 'disconnect' },
      { policy: 'disconnect', code: 1006 },
    ]) {
      expect(() => websocket(() => EMPTY, { overflow: untyped(policy) }), JSON.stringify(policy))
        .to.throw(OptionError)
        .with.property('option', 'overflow');
    }
    const wrong = { overflow: untyped({ policy: 'wait' }) };
    expect(() => websocket(() => EMPTY, wrong))
      .to.throw(OptionError)
      .with.property('option', 'overflow');
    expect(() => stream(() => EMPTY, wrong))
      .to.throw(OptionError)
      .with.property('option', 'overflow');
    expect(() => stream(() => EMPTY, { queueSize: 0 }))
      .to.throw(OptionError)
      .with.property('option', 'queueSize');
  });

  it('stand beside a codec that is one', () => {
    for (const codec of [null, {}, 'json']) {
      expect(() => stream(() => EMPTY, { codec: untyped(codec) }))
        .to.throw(OptionError)
        .with.property('option', 'codec');
    }
  });

  it('have no unknown options beside them', () => {
    const misspelt = untyped({ overflw: latest() });
    const calls = [
      (): unknown => stream(() => EMPTY, misspelt),
      (): unknown => websocket(() => EMPTY, misspelt),
      (): unknown => inOrder(() => EMPTY, misspelt),
      (): unknown => conflate(() => 1, misspelt),
    ];
    for (const call of calls) expect(call).to.throw(OptionError).with.property('option', 'overflw');
  });
});
