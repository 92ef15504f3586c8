/** What the threads of `threads.ts` import: the default export is the handler. */
import { map } from 'rxjs';
import { type HttpRequest, HttpError, workerName } from 'rx-http-kit';

const isPrime = (n: number): boolean => {
  for (let i = 2; i * i <= n; i++) if (n % i === 0) return false;
  return n > 1;
};

export default map(({ queryString }: HttpRequest) => {
  const below = Number(new URLSearchParams(queryString).get('below') ?? 1_000);
  if (!(below <= 10_000_000)) throw new HttpError(400, 'that is too much');
  let count = 0;
  for (let n = 0; n < below; n++) if (isPrime(n)) count++;
  return `${count} primes, says ${workerName}\n`;
});
