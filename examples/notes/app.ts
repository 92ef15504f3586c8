/** The application as one handler: what is around it, and who answers what. */
import { feed, type Handler } from 'rx-http-kit';
import { defaults, rateLimit, siteDefaults } from 'rx-http-kit/middleware';
import { context, del, get, post, routes } from 'rx-http-kit/routing';
import { login, logout, signedIn, whoAmI } from './accounts.js';
import { NoteBook } from './note-book.js';
import { attachment, list, remove, show, write } from './note-handlers.js';

const pages = new URL('../../../examples/notes/public/', import.meta.url); // as seen from build/

/** @param folder - For the files that are uploaded; the caller's to remove. */
export const notesApp = (folder: string): Handler => {
  const book = new NoteBook(folder);

  // Sessions, anti-forgery tokens, forms, files of the page: all that is around the routes.
  const site = defaults({
    ...siteDefaults,
    params: { ...siteDefaults.params, multipart: { directory: folder, maxFiles: 1, maxFileBytes: 5_242_880 } },
    static: { resources: pages },
    proxy: true, // one on this machine says whether its client came by https
  });
  const slowly = rateLimit({ limit: 10, windowMs: 60_000 });

  return site(
    routes(
      post('/login', slowly(login)),
      post('/logout', logout),
      context(
        '/api',
        get('/session', whoAmI),
        signedIn(
          routes(
            get('/notes', list(book)),
            post('/notes', write(book)),
            get('/notes/:id', show(book)),
            del('/notes/:id', remove(book)),
            get('/notes/:id/attachment', attachment(book)),
            get('/live', feed(book.changes)),
          ),
        ),
      ),
    ),
  );
};
