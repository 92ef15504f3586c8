/** A handler for threads, and for the event loop beside them: `/cpu…` costs 5 ms of computing, all else nothing. */
import { pbkdf2Sync } from 'node:crypto';
import { map } from 'rxjs';

/** A fixed amount of work, not of time: threads that share a core must not take waiting for computing. About 5 ms. */
const iterations = 16_000;

export default map(({ uri }) => {
  if (uri.startsWith('/cpu')) pbkdf2Sync('password', 'salt', iterations, 32, 'sha256');
  return { status: 200, headers: { 'content-type': 'text/plain' }, body: 'hello' };
});
