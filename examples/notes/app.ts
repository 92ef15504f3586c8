/** The application as one handler: what is around it, and who answers what. */
import type { Handler } from 'rx-http-kit';
import { defaults, rateLimit, siteDefaults } from 'rx-http-kit/middleware';
import { context, del, get, post, routes } from 'rx-http-kit/routing';
import { login, logout, signedIn, whoAmI } from './accounts.js';
import { NoteBook } from './note-book.js';
import { attachment, list, live, remove, show, write } from './note-handlers.js';

const pages = new URL('../../../examples/notes/public/', import.meta.url); // as seen from build/

/** @param folder - For the files that are uploaded; the caller's to remove. */
export const notesApp = (folder: string): Handler => {
  const book = new NoteBook(folder);

  // Sessions, anti-forgery tokens, forms, files of the page: all that is around the routes. Not uploads: those are read where it is
  // known who sends them, so that nobody else can fill the disk. Their token comes in the head.
  const site = defaults({
    ...siteDefaults,
    params: { ...siteDefaults.params, multipart: false },
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
            post('/notes', write(book, folder)),
            get('/notes/:id', show(book)),
            del('/notes/:id', remove(book)),
            get('/notes/:id/attachment', attachment(book)),
            get('/live', live(book)),
          ),
        ),
      ),
    ),
  );
};
