/**
 * Turns generated tokens into text that can be sent: whole characters only, stop texts never.
 *
 * Life: open → stopped (a stop text came) or finished. Held back: the bytes of a character that is not complete, and text that
 * may be the beginning of a stop text. Nothing that was given out is ever taken back.
 */

/** From token ids to text, given the tokens before them. */
export type Detokenize = (tokens: readonly number[], before: readonly number[]) => string;

const REPLACEMENT = '\uFFFD';
/** A character has at most four bytes, so four tokens without a whole character prove that their bytes are none. */
const INCOMPLETE_TOKENS_MAX = 4;
const CONTEXT_TOKENS = 3;

export class TextStream {
  isStopped = false;
  readonly #detokenize: Detokenize;
  readonly #stops: readonly string[];
  #before: number[];
  /** Tokens since the last one that ended at the end of a character. */
  #pending: number[] = [];
  /** Characters of the pending tokens' text that were taken over already: a token may end one character and begin another. */
  #takenCharacters = 0;
  /** Pending tokens since the last whole character. */
  #incompleteTokens = 0;
  #heldText = '';

  /** @param before - the last tokens of the prompt: they decide whether the first one needs a leading space */
  constructor(detokenize: Detokenize, stops: readonly string[], before: readonly number[]) {
    this.#detokenize = detokenize;
    this.#stops = stops;
    this.#before = before.slice(-CONTEXT_TOKENS);
  }

  /** Takes a token; returns the text that is certain now, maybe none. */
  push(token: number): string {
    if (this.isStopped) return '';
    this.#pending.push(token);
    this.#incompleteTokens++;
    const text = this.#detokenize(this.#pending, this.#before);
    if (!text.endsWith(REPLACEMENT)) return this.#release(this.#takeAll(text));
    const whole = withoutReplacementsAtEnd(text);
    if (whole.length > this.#takenCharacters) {
      const added = whole.slice(this.#takenCharacters);
      this.#takenCharacters = whole.length;
      this.#incompleteTokens = 1;
      return this.#release(added);
    }
    return this.#incompleteTokens < INCOMPLETE_TOKENS_MAX ? '' : this.#release(this.#takeAll(text));
  }

  /** Everything that was held back: generation ended and no stop text can follow. */
  finish(): string {
    if (this.isStopped) return '';
    const rest = this.#pending.length > 0 ? this.#takeAll(this.#detokenize(this.#pending, this.#before)) : '';
    const text = this.#release(rest) + this.#heldText;
    this.#heldText = '';
    return text;
  }

  /** The pending tokens are done with; returns what is new in their text. */
  #takeAll(text: string): string {
    const added = text.slice(this.#takenCharacters);
    this.#before.push(...this.#pending);
    this.#before.splice(0, this.#before.length - CONTEXT_TOKENS);
    this.#pending.length = 0;
    this.#takenCharacters = 0;
    this.#incompleteTokens = 0;
    return added;
  }

  #release(added: string): string {
    if (this.#stops.length === 0) return added;
    const text = this.#heldText + added;
    let cut = Number.POSITIVE_INFINITY;
    for (const stop of this.#stops) {
      const at = text.indexOf(stop);
      if (at >= 0 && at < cut) cut = at;
    }
    if (cut < Number.POSITIVE_INFINITY) {
      this.isStopped = true;
      this.#heldText = '';
      return text.slice(0, cut);
    }
    let keep = 0;
    for (const stop of this.#stops) keep = Math.max(keep, overlap(text, stop));
    this.#heldText = text.slice(text.length - keep);
    return text.slice(0, text.length - keep);
  }
}

function withoutReplacementsAtEnd(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === REPLACEMENT) end--;
  return text.slice(0, end);
}

/** Length of the longest end of `text` that is a beginning of `stop`. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
