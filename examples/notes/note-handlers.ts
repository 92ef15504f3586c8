/** What a request for notes means. Each handler is an operator, and says in its type what it needs from around. */
import { concatMap, map, type Observable, of, type OperatorFunction, pipe } from 'rxjs';
import { asJson, created, file, HttpError, type HttpRequest, json, type Reply } from 'rx-http-kit';
import { multipartParams, type MultipartParamsFields, params, type ParamsFields } from 'rx-http-kit/middleware';
import type { RoutedRequest } from 'rx-http-kit/routing';
import type { SignedInRequest } from './accounts.js';
import type { Draft, Note, NoteBook } from './note-book.js';

type OneNote = RoutedRequest<'/notes/:id'>;

const MAX_TEXT = 2_000;

/** All notes, and where `/api/live?cursor=` goes on. */
export const list = (book: NoteBook): OperatorFunction<HttpRequest, Reply> =>
  map(() => json({ notes: book.all(), cursor: book.changes.cursor }));

export const show = (book: NoteBook): OperatorFunction<OneNote, Reply> => map(({ params }) => json(noteOf(book, params.id)));

/** A form, with a file or without, or JSON. */
export const write = (book: NoteBook): OperatorFunction<SignedInRequest, Reply> =>
  pipe(
    concatMap((request) => draftOf(request).pipe(concatMap((draft) => book.write(request.user, draft)))),
    map((note) => created(`/api/notes/${note.id}`, json(note))),
  );

export const remove = (book: NoteBook): OperatorFunction<OneNote & SignedInRequest, Reply> =>
  concatMap(async ({ params, user }) => {
    if (noteOf(book, params.id).author !== user) throw new HttpError(403, 'this is not your note');
    await book.remove(params.id);
    return { status: 204 };
  });

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

const draftOf = (request: HttpRequest): Observable<Draft> =>
  request.contentType?.startsWith('application/json') === true
    ? of(request).pipe(asJson(), map(fromJson))
    : of(request).pipe(params(), multipartParams(), map(fromForm));

const fromJson = (value: unknown): Draft => ({ text: checkedText((value as { readonly text?: unknown } | null)?.text) }); // looked at, not believed

const fromForm = ({ params, multipartParams: { attachment } }: ParamsFields & MultipartParamsFields): Draft => ({
  text: checkedText(params['text']),
  // a form in which no file was chosen sends one without a name
  upload: typeof attachment === 'object' && 'filename' in attachment && attachment.filename !== '' ? attachment : undefined,
});

const checkedText = (text: unknown): string => {
  if (typeof text !== 'string' || text.trim() === '') throw new HttpError(400, 'a note needs a text');
  if (text.length > MAX_TEXT) throw new HttpError(400, `a note has ${text.length} characters, limit ${MAX_TEXT}`);
  return text.replaceAll('\r\n', '\n'); // as forms send their line ends
};

/** A file name as RFC 8187 wants it. */
const quoted = (name: string): string => encodeURIComponent(name).replace(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);
