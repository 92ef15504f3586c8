import { expect } from 'chai';
import { NEVER } from 'rxjs';
import { detached, eventStream, feed, json, OptionError, suspend, topic } from 'rx-http-kit';

// What is wrong has no type: the options of these cases are told to be right.
type Wrong = never;

const refused = (make: () => unknown, option: string): void => {
  expect(make, option).to.throw(OptionError).with.property('option', option);
};

const HEARTBEATS = [0, -1, 1.5, NaN, 2_147_483_648, '5'];

describe('feed', () => {
  it('refuses options that are wrong, before there is a client', () => {
    const wrong: Readonly<Record<string, readonly unknown[]>> = {
      overflow: [suspend(), 'latest', {}],
      queueSize: [0, 1.5],
      maxBufferedBytes: [0],
      codec: [null, {}, { encode: 7 }],
      event: ['a\nb', 7],
      replay: [-1, 1.5],
      heartbeatMs: HEARTBEATS,
      pollTimeoutMs: [-1, Infinity],
      maxPollItems: [0, Infinity],
      restartCode: [1000, 1013],
      history: [-1, Infinity],
      ttlMs: [0],
      graceMs: [-1, Infinity],
      retryMs: [-1, 1.5, Infinity],
      retryJitterMs: [-1],
      drainSpreadMs: [-1],
      random: [0.5],
      transports: [['sse']],
    };
    for (const [option, values] of Object.entries(wrong)) {
      for (const value of values) refused(() => feed(NEVER, { [option]: value } as Wrong), option);
    }
    refused(() => feed(NEVER, { webSocket: { heartbeatMs: 0 } }), 'heartbeatMs');
    refused(() => feed(NEVER, { webSocket: { codec: json } as Wrong }), 'codec');
    refused(() => feed(NEVER, null as Wrong), 'options');
  });

  it('refuses a source that is none, and options of an Observable for one that keeps its history itself', () => {
    for (const source of [null, undefined, 'topic', {}, []]) refused(() => feed(source as Wrong), 'source');
    for (const option of ['history', 'ttlMs', 'graceMs']) refused(() => feed(topic('a'), { [option]: 5 } as Wrong), option);
    refused(() => feed(() => undefined, { history: 5 } as Wrong), 'history');
  });

  it('refuses a header that cannot leave', () => {
    expect(() => feed(NEVER, { headers: { 'x-a': 'b\n' } }))
      .to.throw()
      .with.property('code', 'RHK_BAD_HEADER');
  });
});

describe('eventStream', () => {
  it('refuses options that are wrong, before there is a client', () => {
    refused(() => eventStream(NEVER as Wrong), 'project');
    const make = (options: unknown): unknown => eventStream(() => NEVER, options as Wrong);
    for (const heartbeatMs of HEARTBEATS) refused(() => make({ heartbeatMs }), 'heartbeatMs');
    for (const retryMs of [-1, 0.5, '3']) refused(() => make({ retryMs }), 'retryMs');
    refused(() => make({ whenDraining: 'now' }), 'whenDraining');
    refused(() => make({ codec: {} }), 'codec');
    refused(() => make({ overflow: 'latest' }), 'overflow');
    refused(() => make({ heartbeat: 5 }), 'heartbeat');
    expect(make({ heartbeatMs: Infinity, retryMs: 0, drainSpreadMs: 0, overflow: suspend() })).to.be.a('function');
  });
});

describe('detached', () => {
  it('refuses options that are wrong, before there is a client', () => {
    const keyOf = (): string => 'a';
    const make = (options: unknown): unknown => detached(() => NEVER, options as Wrong);
    refused(() => detached(NEVER as Wrong, { keyOf }), 'start');
    refused(() => make({}), 'keyOf');
    refused(() => make(undefined), 'options');
    for (const ttlMs of [-1, Infinity]) refused(() => make({ keyOf, ttlMs }), 'ttlMs');
    for (const replay of [-1, Infinity]) refused(() => make({ keyOf, replay }), 'replay');
    for (const maxStreams of [0, Infinity]) refused(() => make({ keyOf, maxStreams }), 'maxStreams');
    refused(() => make({ keyOf, key: 5 }), 'key');
  });
});
