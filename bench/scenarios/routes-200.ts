import type { Contender, Scenario } from '../contest.js';
import { openUnderLoad } from '../load-scenario.js';

/** The last of so many routes; the paths are of one length. */
const lastOf = (count: number, path: string): Contender => {
  const name = `${count} routes`;
  const open = (): ReturnType<Contender['open']> =>
    openUnderLoad('ours', { request: { method: 'GET', path }, answer: { body: JSON.stringify({ order: '4711', line: '7' }) } });
  return count === 2
    ? { name, server: 'ours', open }
    : { name, server: 'ours', open, comparison: { subject: name, base: '2 routes', atMost: 1.15 } };
};

/** What a route costs does not depend on how many there are. */
export const routes200: Scenario = {
  name: 'routes-200',
  title: 'the last of 200 routes, and of 2',
  quantity: 'CPU µs per request',
  ratioOf: 'this / 2 routes',
  lifetime: 'contest',
  contenders: [lastOf(2, '/002/shop001/orders/4711/lines/7'), lastOf(200, '/200/shop199/orders/4711/lines/7')],
};
