/**
 * Routes: order decides, paths have params, and only what is wrong is refused.
 *
 *     curl http://localhost:8090/notes/1
 *     curl -d '{"text":"buy milk"}' http://localhost:8090/notes
 */
import { map, mergeMap, pipe } from 'rxjs';
import { asJson, created, json, notFound, runServer } from 'rx-http-kit';
import { context, del, get, post, type RoutedRequest, routes } from 'rx-http-kit/routing';

const notes = new Map<string, unknown>([['1', { text: 'first' }]]);

const add = pipe(
  asJson<{ text: string }>(),
  map((note) => {
    const id = String(notes.size + 1);
    notes.set(id, note);
    return created(`/notes/${id}`, json(note));
  }),
);

const list = map(() => json([...notes.keys()]));
const show = mergeMap(({ params }: RoutedRequest<'/:id'>) => (notes.has(params.id) ? [json(notes.get(params.id))] : [])); // empty: not found
const remove = map(({ params }: RoutedRequest<'/:id'>) => ({ status: notes.delete(params.id) ? 204 : 404 }));

const app = routes(
  context('/notes', get('/', list), post('/', add), get('/:id', show), del('/:id', remove)),
  notFound(json({ error: 'not found' })),
);
const server = await runServer(app, { port: Number(process.env.PORT ?? 8090) });
console.log(`listening on http://localhost:${server.port}`);
