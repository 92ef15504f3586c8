/** A body that is not sent after all. */
import { type Body, isReadable, isReadableStream } from '../rx/response.js';

/** Lets go what runs or holds something open before anybody has asked for it; other sources have not begun. */
export const discardBody = (body: Body | undefined): void => {
  if (typeof body !== 'object' || body === null) return;
  if (isReadable(body)) {
    body.on('error', ignore); // of a file that could not be opened, say
    body.destroy();
  } else if (isReadableStream(body)) body.cancel().catch(ignore);
};

const ignore = (): void => {};
