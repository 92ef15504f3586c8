/** A load of requests on a connection each. */
import { request } from 'node:http';

/** One GET on a connection of its own. */
export const getOnce = (url: string): Promise<string> =>
  new Promise((resolve, reject) => {
    request(url, { agent: false, headers: { connection: 'close' } }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => (text += piece));
      response.on('end', () => (response.complete ? resolve(text) : reject(new Error('cut'))));
      response.on('error', reject);
    })
      .on('error', reject)
      .end();
  });

/** A GET whose reply has begun; `rest` is all of it, and rejects when it is cut. */
export const begin = (url: string): Promise<{ readonly rest: Promise<string> }> =>
  new Promise((resolve, reject) => {
    request(url, { agent: false }, (response) => {
      let text = '';
      const rest = new Promise<string>((end, cut) => {
        response.on('end', () => (response.complete ? end(text) : cut(new Error('cut'))));
        response.on('error', cut);
      });
      rest.catch(() => {}); // whoever wants to know waits for it
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
        resolve({ rest });
      });
    })
      .on('error', reject)
      .end();
  });

export interface LoadReport {
  /** How often each answer came. */
  readonly answers: ReadonlyMap<string, number>;
  readonly failures: readonly string[];
}

/** So many clients at a time, each asking again and again until `until` has settled. */
export const loadUntil = async (url: string, clients: number, until: Promise<unknown>): Promise<LoadReport> => {
  const answers = new Map<string, number>();
  const failures: string[] = [];
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  void until.then(over, over);
  const ask = async (): Promise<void> => {
    while (!isOver) {
      try {
        const answer = await getOnce(url);
        answers.set(answer, (answers.get(answer) ?? 0) + 1);
      } catch (error) {
        failures.push(String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: clients }, ask));
  await until;
  return { answers, failures };
};
