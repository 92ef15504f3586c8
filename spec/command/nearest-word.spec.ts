import { expect } from 'chai';
import { nearestWord } from '#src/command/nearest-word.js';

const KNOWN = ['port', 'ip', 'thread', 'processes', 'max-body', 'max-ws', 'queue-size'];

describe('nearestWord', () => {
  const meant: readonly (readonly [typed: string, word: string | undefined])[] = [
    ['prot', 'port'], // letters swapped
    ['por', 'port'],
    ['threads', 'thread'],
    ['procesess', 'processes'],
    ['max-bdoy', 'max-body'],
    ['queuesize', 'queue-size'],
    ['host', undefined], // half of `port`
    ['verbosity', undefined],
    ['', undefined],
  ];
  for (const [typed, word] of meant) {
    it(`finds ${word ?? 'nothing'} for "${typed}"`, () => {
      expect(nearestWord(typed, KNOWN)).to.equal(word);
    });
  }
});
