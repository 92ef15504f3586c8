/** What somebody who mistyped a word most likely meant. */

/** At most a third of the letters may be wrong: more is another word. */
const LETTERS_FOR_A_MISTAKE = 3;

/** The known word that is nearest to one that is not known, or `undefined` where none is near. */
export const nearestWord = (word: string, known: readonly string[]): string | undefined => {
  let nearest: string | undefined;
  let least = Math.max(1, Math.floor(word.length / LETTERS_FOR_A_MISTAKE)) + 1;
  for (const candidate of known) {
    if (Math.abs(candidate.length - word.length) >= least) continue;
    const distance = mistakesBetween(word, candidate);
    if (distance >= least) continue;
    nearest = candidate;
    least = distance;
  }
  return nearest;
};

/** Letters to be put in, taken out, replaced, or swapped with their neighbour. */
const mistakesBetween = (a: string, b: string): number => {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwapped ? beforeLast[j - 2] + 1 : Infinity;
      row.push(Math.min(row[j - 1] + 1, last[j] + 1, last[j - 1] + (isSame ? 0 : 1), swapped));
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length];
};
