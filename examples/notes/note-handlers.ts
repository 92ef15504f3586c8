/** What a request for notes means. Each handler is an operator, and says in its type what it needs from around. */
import { concatMap, map, type OperatorFunction, pipe } from 'rxjs';
import { created, feed, file, type Handler, HttpError, type HttpRequest, json, type Reply } from 'rx-http-kit';
import { multipartParams, type MultipartParamsFields, type UploadedFile } from 'rx-http-kit/middleware';
import { type RoutedRequest, validate } from 'rx-http-kit/routing';
import { z } from 'zod';
import type { SignedInRequest } from './accounts.js';
import type { Note, NoteBook } from './note-book.js';
import { endingWith } from './ending-with.js';

type OneNote = RoutedRequest<'/notes/:id'>;

/** All notes, and where `/api/live?cursor=` goes on. */
export const list = (book: NoteBook): OperatorFunction<HttpRequest, Reply> =>
  map(() => json({ notes: book.all(), cursor: book.changes.cursor }));

export const show = (book: NoteBook): OperatorFunction<OneNote, Reply> => map(({ params }) => json(noteOf(book, params.id)));

const Draft = z.object({
  text: z
    .string()
    .trim()
    .min(1, 'a note needs a text')
    .max(2_000)
    .transform((text) => text.replaceAll('\r\n', '\n')), // as forms send their line ends
});

/** A form, with a file or without, or JSON: what is wrong with it is said in a problem document. */
export const write = (book: NoteBook, directory: string): OperatorFunction<SignedInRequest, Reply> =>
  pipe(
    multipartParams({ directory, maxFiles: 1, maxFileBytes: 5_242_880 }),
    validate({ body: Draft }),
    concatMap(({ user, body: { text }, multipartParams: { attachment } }) => book.write(user, { text, upload: chosenFile(attachment) })),
    map((note) => created(`/api/notes/${note.id}`, json(note))),
  );

export const remove = (book: NoteBook): OperatorFunction<OneNote & SignedInRequest, Reply> =>
  concatMap(async ({ params, user }) => {
    if (noteOf(book, params.id).author !== user) throw new HttpError(403, 'this is not your note');
    await book.remove(params.id);
    return { status: 204 };
  });

/** Every change, in every way that a client can ask for, until it logs out. */
export const live = (book: NoteBook): Handler => feed((request) => endingWith((request as SignedInRequest).loggedOut$, book.changes)); // nobody else gets this far

/** To be saved, never shown: a page that somebody uploads must not run as one of ours. */
export const attachment = (book: NoteBook): OperatorFunction<OneNote, Reply> =>
  map(({ params }) => {
    const { id, attachment } = noteOf(book, params.id);
    if (attachment === undefined) throw new HttpError(404, 'this note has no file');
    const headers = {
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename*=UTF-8''${quoted(attachment)}`,
    };
    return { headers, body: file(book.pathOf(id)) };
  });

const noteOf = (book: NoteBook, id: string): Note => {
  const note = book.find(id);
  if (note === undefined) throw new HttpError(404, 'there is no such note');
  return note;
};

/** A form in which no file was chosen sends one without a name. */
const chosenFile = (sent: MultipartParamsFields['multipartParams'][string] | undefined): UploadedFile | undefined =>
  typeof sent === 'object' && 'filename' in sent && sent.filename !== '' ? sent : undefined;

/** A file name as RFC 8187 wants it. */
const quoted = (name: string): string => encodeURIComponent(name).replace(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);
