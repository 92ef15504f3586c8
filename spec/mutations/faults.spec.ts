import { expect } from 'chai';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FAULTS } from './faults.js';

/** Whether they are noticed is for `npm run mutations` to say. */
describe('FAULTS', () => {
  it('each stand in the source exactly once: change a line, and its fault with it', () => {
    const stale = FAULTS.filter(({ file, line }) => readFileSync(join('src', file), 'utf8').split(line).length !== 2);
    expect(stale.map(({ file, line }) => `src/${file}: ${line}`)).to.deep.equal([]);
  });

  it('change something, each something else', () => {
    const changes = FAULTS.map(({ file, line, becomes }) => `${file}: ${line} → ${becomes}`);
    expect(new Set(changes).size).to.equal(changes.length);
    expect(FAULTS.filter(({ line, becomes }) => line === becomes)).to.deep.equal([]);
    expect(FAULTS.length).to.be.at.least(40);
  });
});
