/**
 * The tokens of a language model, one stream for each answer: it goes on while its reader is away, and an EventSource that was
 * cut off hears what it missed and then the rest. When all is said it is told 204, and stops.
 *
 *     curl -N -H 'accept: text/event-stream' http://localhost:8090/answers/1
 */
import { finalize, interval, map, take } from 'rxjs';
import { detached, feed, runServer } from 'rx-http-kit';

const words = 'An answer is a stream of tokens , and a stream can be taken up again where it was cut .'.split(' ');

/** Stands for the call of a model, which is paid for once however often its reader comes back. */
const generate = (answer: string) =>
  interval(100).pipe(
    take(words.length),
    map((n) => words[n]),
    finalize(() => console.log(`the model is done with ${answer}`)),
  );

const answers = detached(({ uri }) => (uri.startsWith('/answers/') ? generate(uri) : undefined), {
  keyOf: ({ uri }) => uri, // where answers are private it is an id that nobody can guess
  ttlMs: 60_000,
});

const server = await runServer(feed(answers, { retryMs: 200 }), { port: Number(process.env.PORT ?? 8090) });
console.log(`listening on http://localhost:${server.port}`);
