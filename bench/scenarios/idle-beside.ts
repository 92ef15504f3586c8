import type { Contender, Measured, Scenario } from '../contest.js';
import { IdleConnections } from '../idle-connections.js';
import { openUnderLoad } from '../load-scenario.js';
import { type WireRequest, requestText } from '../request-text.js';

const request: WireRequest = { method: 'GET', path: '/' };
const answer = { body: 'hello' };

const besideOne = 'ours, 1 idle connection beside';
const besideMany = 'ours, 10,000 idle connections beside';

export const idleBeside: Scenario = {
  name: 'idle-beside',
  title: 'hello, 64 connections, with idle connections beside',
  quantity: 'CPU µs per request',
  ratioOf: 'this / 1 idle',
  lifetime: 'contest',
  contenders: [
    { name: besideOne, server: 'ours', open: () => open(1) },
    { name: besideMany, server: 'ours', open: () => open(10_000), comparison: { subject: besideMany, base: besideOne, atMost: 1.1 } },
  ] satisfies Contender[],
};

async function open(idleCount: number): Promise<Measured> {
  const measured = await openUnderLoad('ours', { request, answer });
  const idle = new IdleConnections(measured.port, requestText(request), '\r\n\r\nhello');
  const close = async (): Promise<void> => {
    await idle.close();
    await measured.close();
  };
  await idle.open(idleCount).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return {
    close,
    async sample(seconds) {
      const sample = await measured.sample(seconds);
      idle.assertOpen();
      return sample;
    },
  };
}
