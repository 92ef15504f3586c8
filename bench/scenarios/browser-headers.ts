import type { Scenario } from '../contest.js';
import { loadScenario } from '../load-scenario.js';

/** What a browser sends with a navigation: ten fields besides host, about 900 bytes. */
const headers = {
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
  accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8',
  'accept-language': 'en-GB,en;q=0.9,de-DE;q=0.8,de;q=0.7,fr-FR;q=0.6,fr;q=0.5',
  'accept-encoding': 'gzip, deflate, br, zstd',
  referer: 'https://www.example.org/catalogue/instruments/strings?sort=price&page=3',
  cookie:
    'session=5f2b9c1e7a3d48f6b0c2e19d7a84f3b65c1d; theme=dark; consent=necessary.statistics; _ga=GA1.2.1847362950.1731000000; basket=9f31c2; seen=welcome,autumn-sale',
  'cache-control': 'max-age=0',
  'upgrade-insecure-requests': '1',
  'sec-ch-ua': '"Google Chrome";v="131", "Chromium";v="131", "Not_A Brand";v="24"',
  'sec-fetch-mode': 'navigate',
};

export const browserHeaders: Scenario = loadScenario({
  name: 'browser-headers',
  title: "hello, with a browser's 10 request headers (about 900 bytes)",
  request: { method: 'GET', path: '/', headers },
  answer: { body: 'hello' },
  servers: ['ours', 'node-http', 'fastify', 'hono', 'marble', 'uwebsockets', 'rawnet'],
  targets: { 'node-http': 0.6, rawnet: 1.4 },
});
