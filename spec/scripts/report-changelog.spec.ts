import { expect } from 'chai';
import { changelogComplaint } from '../../scripts/report-changelog.js';

describe('changelogComplaint', () => {
  it('compares the top heading with the version', () => {
    expect(changelogComplaint('# Changes\n\n## 1.2.0\n\n## 1.1.0\n', '{"version":"1.2.0"}')).to.equal(undefined);
    expect(changelogComplaint('## 1.2.0\n## 1.1.0', '{"version":"1.1.0"}')).to.equal(
      'CHANGELOG.md begins with 1.2.0, package.json says 1.1.0',
    );
    expect(changelogComplaint('', '{"version":"1.1.0"}')).to.equal('CHANGELOG.md begins with no version, package.json says 1.1.0');
  });
});
