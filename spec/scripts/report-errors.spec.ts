import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { ERRORS } from '#src/errors.js';
import { errorsPage } from '../../scripts/report-errors.js';

describe('errorsPage', () => {
  it('has a row for each code, sorted, with a dash where no client is told', () => {
    const page = errorsPage({
      RHK_B: { status: 0, fault: 'server', section: 'this project', sentence: 'busy' },
      RHK_A: { status: 400, fault: 'peer', section: 'RFC 9112 §3', sentence: 'malformed' },
    });
    expect(page).to.include(
      '| `RHK_A` | 400 | the peer | malformed | RFC 9112 §3 |\n| `RHK_B` | – | the server, by design | busy | this project |\n',
    );
  });
});

describe('docs/errors.md', () => {
  it('lists the codes of ERRORS and no other', () => {
    const listed = [...readFileSync('docs/errors.md', 'utf8').matchAll(/^\| `(RHK_\w+)`/gm)].map((match) => match[1]);
    expect(listed).to.have.members(Object.keys(ERRORS));
  });
});
