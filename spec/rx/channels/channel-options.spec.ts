import { expect } from 'chai';
import { asChannel, type ChannelOptions, OptionError, runServer, websocket } from 'rx-http-kit';
import { identity } from 'rxjs';
import { WebSocket } from 'ws';

/** What a caller without types may give. */
const made = (options: unknown): unknown => asChannel(() => undefined, options as ChannelOptions<unknown, unknown>);

const WRONG: Readonly<Record<string, readonly unknown[]>> = {
  queueSize: [0, -1, 1.5, NaN, '5', null],
  maxBufferedBytes: [0, NaN, '1'],
  maxWs: [0, 2_147_483_648, Infinity, NaN],
  heartbeatMs: [0, -1, NaN, '30000'],
  closeTimeoutMs: [0, Infinity, NaN],
  protocols: ['chat', ['a b'], [''], 5, null],
  origin: ['https://example.org', 5, null],
  codec: [{}, { encode: identity }, 5, null],
  perMessageDeflate: [5, 'yes', null],
  overflow: ['latest', 5, null, {}, { policy: 'wait' }],
  overflows: [undefined, 1],
};

describe('options of a channel', () => {
  for (const [name, values] of Object.entries(WRONG)) {
    for (const value of values) {
      it(`refuse ${name}: ${typeof value} ${String(Array.isArray(value) ? JSON.stringify(value) : value)}`, () => {
        expect(() => made({ [name]: value }))
          .to.throw(OptionError)
          .with.property('option', name);
      });
    }
  }

  it('refuse a threshold and a concurrency that are none', () => {
    expect(() => made({ perMessageDeflate: { threshold: -1 } }))
      .to.throw(OptionError)
      .with.property('option', 'perMessageDeflate.threshold');
    expect(() => made({ perMessageDeflate: { concurrencyLimit: 0 } }))
      .to.throw(OptionError)
      .with.property('option', 'perMessageDeflate.concurrencyLimit');
  });

  it('come behind a setup or an operator, which is checked too', () => {
    for (const wrong of [undefined, null, 5, 'echo']) {
      expect(() => asChannel(wrong as never))
        .to.throw(OptionError)
        .with.property('option', 'setup');
      expect(() => websocket(wrong as never))
        .to.throw(OptionError)
        .with.property('option', 'operator');
    }
  });

  it('refuse headers that cannot leave, before the first client comes', () => {
    expect(() => made({ headers: { a: 'b\r\n' } })).to.throw(/character that no field may carry/);
  });

  it('take the maxWs of the server, and prefer their own', async () => {
    for (const [own, code] of [
      [undefined, 1009],
      [20, 1000],
    ] as const) {
      const server = await runServer(websocket(identity, { maxWs: own }), { ip: '127.0.0.1', port: 0, maxWs: 10 });
      const client = new WebSocket(`ws://${server.address}`);
      client.on('open', () => client.send('eleven bytes'));
      client.on('message', () => client.close(1000));
      expect(await new Promise((resolve) => client.on('close', resolve))).to.equal(code);
      await server.stop();
    }
  });
});
