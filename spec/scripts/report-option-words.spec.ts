import { expect } from 'chai';
import { optionWordsModule } from '../../scripts/report-option-words.js';

describe('optionWordsModule', () => {
  it('gives each option its unit, type and words, without marks', () => {
    const text = optionWordsModule([{ name: 'maxBody', type: 'number', doc: 'Past it `413`.' }]);
    expect(text).to.include('  maxBody: {"unit":"bytes","type":"number","words":"Past it 413."},');
  });
});
