import { expect } from 'chai';
import { existsSync, readFileSync } from 'node:fs';
import { regionOf } from '../scripts/report-testing.js';

const readme = readFileSync('README.md', 'utf8');

describe('README.md', () => {
  it('gives the same curl lines as the demo prints', () => {
    const printed = readFileSync('examples/demo.ts', 'utf8').matchAll(/^ {2}(curl [^`\n]+)/gm);
    const written = readme.matchAll(/^ {4}(curl .+)$/gm);
    const lines = [...printed].map(([, line]) => line.replace('${url}', 'http://localhost:8090'));
    expect(lines).to.have.length.above(3);
    expect([...written].map(([, line]) => line)).to.deep.equal(lines);
  });

  it('shows a marble test that runs', () => {
    expect(readme).to.include(regionOf(readFileSync('marble-tests/testing/readme.marbles.ts', 'utf8'), 'readme'));
  });

  it('links to files that are there', () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)].map(([, path]) => path);
    expect(links).to.include('docs/options.md');
    expect(links.filter((path) => !existsSync(path))).to.deep.equal([]);
  });
});
