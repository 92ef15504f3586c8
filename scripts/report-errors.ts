/** `docs/errors.md`: every code a program may match on, from the one table in `src/errors.ts`. */
import type { ErrorEntry } from '#src/errors.js';

const FAULTS: Readonly<Record<ErrorEntry['fault'], string>> = {
  peer: 'the peer',
  server: 'the server, by design',
  handler: 'the application',
  caller: 'the caller, at start',
};

export function errorsPage(errors: Readonly<Record<string, ErrorEntry>>): string {
  const rows = Object.entries(errors)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([code, { status, fault, section, sentence }]) =>
        `| \`${code}\` | ${status === 0 ? '–' : status} | ${FAULTS[fault]} | ${sentence} | ${section} |`,
    );
  return [
    '# Errors',
    '',
    'Every error of this server carries a `code`; match on it, never on the text. A dash for the status means that no client can be told:',
    'the connection is cut, or there is none. Written by `npm run report` from `src/errors.ts`.',
    '',
    '| code | status | whose fault | what the client may read | rule |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}
