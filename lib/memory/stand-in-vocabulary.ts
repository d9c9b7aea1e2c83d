/**
 * Tokens of the stand-in model, in two kinds.
 *
 * Pieces (learnt by byte-pair encoding from the corpus) and bytes make every prompt tokenise, words of the corpus as one
 * token each. Chunks are what the model says: each sentence is cut into chunks of one or a few words such that no two places
 * of the corpus share a chunk. So the last token alone tells where in the corpus the model is, which is all that a model
 * without working attention can know, and a sentence can neither loop nor slide into another.
 */

/** The tokenizer's mark for a space (U+2581). */
export const SPACE_MARK = '\u2581';

/** Words with the mark in front, and punctuation, as tokens are never longer than one of these except for chunks. */
export function splitUnits(sentence: string): string[] {
  const units: string[] = [];
  for (const word of sentence.split(' ')) {
    const parts = word.match(/[A-Za-z0-9+'-]+(?:\.[A-Za-z]+)*|[^A-Za-z0-9+'-]/g) ?? [];
    parts.forEach((part, index) => {
      units.push(index === 0 ? SPACE_MARK + part : part);
    });
  }
  return units;
}

/**
 * Merges that byte-pair encoding learns from the units, most useful first, until every unit is one token.
 * Ties go to the pair that comes first in the alphabet, so that the result depends on the units alone.
 */
export function learnPieces(units: readonly string[]): string[] {
  const words = new Map<string, { symbols: string[]; count: number }>();
  for (const unit of units) {
    const word = words.get(unit);
    if (word === undefined) words.set(unit, { symbols: [...unit], count: 1 });
    else word.count++;
  }
  const pieces: string[] = [];
  for (;;) {
    const best = mostFrequentPair([...words.values()]);
    if (best === undefined) return pieces;
    // Two different pairs may spell the same piece; it is one token.
    if (!pieces.includes(best.left + best.right)) pieces.push(best.left + best.right);
    for (const word of words.values()) mergePair(word.symbols, best.left, best.right);
  }
}

interface Pair {
  left: string;
  right: string;
}

function mostFrequentPair(words: readonly { symbols: readonly string[]; count: number }[]): Pair | undefined {
  const counts = new Map<string, number>();
  for (const { symbols, count } of words) {
    for (let i = 1; i < symbols.length; i++) {
      const pair = `${symbols[i - 1]} ${symbols[i]}`;
      counts.set(pair, (counts.get(pair) ?? 0) + count);
    }
  }
  let best: string | undefined;
  let bestCount = 0;
  for (const [pair, count] of counts) {
    if (count > bestCount || (count === bestCount && best !== undefined && pair < best)) {
      best = pair;
      bestCount = count;
    }
  }
  if (best === undefined) return undefined;
  const [left, right] = best.split(' ');
  return { left: left!, right: right! };
}

function mergePair(symbols: string[], left: string, right: string): void {
  for (let i = 0; i + 1 < symbols.length; i++) {
    if (symbols[i] === left && symbols[i + 1] === right) symbols.splice(i, 2, left + right);
  }
}

/**
 * Cuts a sentence into chunks that are not in `taken`, and adds them to it. A chunk is one unit, and as many more to its
 * right (or, at the end of the sentence, the chunk to its left) as make it new.
 * @throws RangeError when the whole sentence is taken: the corpus says it twice
 */
export function cutIntoChunks(sentence: string, taken: Set<string>): string[] {
  const chunks: string[] = [];
  let open = '';
  for (const unit of splitUnits(sentence)) {
    open += unit;
    if (taken.has(open) || chunks.includes(open)) continue;
    chunks.push(open);
    open = '';
  }
  while (open !== '') {
    const left = chunks.pop();
    if (left === undefined) throw new RangeError(`The corpus says "${sentence}" twice.`);
    open = left + open;
    if (taken.has(open) || chunks.includes(open)) continue;
    chunks.push(open);
    open = '';
  }
  for (const chunk of chunks) taken.add(chunk);
  return chunks;
}
