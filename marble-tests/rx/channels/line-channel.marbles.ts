import { expect } from 'chai';
import { asChannel } from 'rx-http-kit';
import { get, marbles, upgrade } from 'rx-http-kit/testing';

describe('LineChannel', () => {
  for (const [kind, request, code] of [
    ['HTTP', get('/'), undefined],
    ['WebSocket', upgrade('/'), 1000],
  ] as const) {
    it(`is closed from its last message on, ${kind}`, () => {
      const said = marbles(({ network, flush }) => {
        const log: unknown[] = [];
        const server = network.server(
          asChannel((channel) => {
            channel.onClose((close) => log.push(close));
            log.push(channel.send('last', { close: true }), channel.isOpen, channel.send('more'));
          }),
        );
        server.client({ sends: 'r-----|', values: { r: request } });
        flush();
        return log;
      });
      expect(said).to.deep.equal([{ status: 'server-close', code, reason: '', by: 'server' }, true, false, false]);
    });
  }
});
