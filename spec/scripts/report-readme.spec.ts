import { expect } from 'chai';
import type { Result } from '../../bench/result.js';
import { readmeWith } from '../../scripts/report-readme.js';

const page = 'before\n<!-- bench:begin -->\nold\n<!-- bench:end -->\nbehind\n';

const result = (name: string, ratios: Readonly<Record<string, number>>): [string, Result] => [
  name,
  {
    name,
    title: name,
    quantity: 'CPU µs per request',
    ratioOf: 'ours / this',
    machine: { commit: '', date: '', node: '', cpu: '' },
    rounds: 5,
    seconds: 3,
    rows: Object.entries(ratios).map(([row, ratio]) => ({ name: row, median: 1, spread: 0, samples: [1], ratio })),
  },
];

describe('readmeWith', () => {
  it('has a row for each scenario that was measured, and nothing where a server cannot do it', () => {
    const results = new Map([
      result('websocket-echo', { ws: 1.066, uwebsockets: 2.05 }),
      result('hello', { fastify: 0.4249, 'node-http': 0.51 }),
    ]);
    expect(readmeWith(page, results).split('\n')).to.deep.equal([
      'before',
      '<!-- bench:begin -->',
      '',
      '| ours / theirs | node:http | Fastify | Hono | ws | µWebSockets.js |',
      '| --- | --: | --: | --: | --: | --: |',
      '| hello, keep-alive | 0.51 | 0.42 |  |  |  |',
      '| WebSocket echo |  |  |  | 1.07 | 2.05 |',
      '',
      '<!-- bench:end -->',
      'behind',
      '',
    ]);
  });

  it('needs its marks', () => {
    expect(() => readmeWith('no marks', new Map())).to.throw('README.md has no block');
  });
});
