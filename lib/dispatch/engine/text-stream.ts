/**
 * Turns generated tokens into text that can be sent: whole characters only, stop texts never.
 *
 * Life: open → stopped (a stop text came) or finished. Held back: tokens whose bytes end inside a character, and text that may
 * be the beginning of a stop text. Nothing that was given out is ever taken back.
 */

/** From token ids to text, given the tokens before them. */
export type Detokenize = (tokens: readonly number[], before: readonly number[]) => string;

const REPLACEMENT = '\uFFFD';
/** A character has at most four bytes, so a fifth byte token proves that the bytes are no character. */
const PENDING_TOKENS_MAX = 4;
const CONTEXT_TOKENS = 3;

export class TextStream {
  isStopped = false;
  readonly #detokenize: Detokenize;
  readonly #stops: readonly string[];
  #before: number[];
  #pending: number[] = [];
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
    const text = this.#detokenize(this.#pending, this.#before);
    if (text.endsWith(REPLACEMENT) && this.#pending.length < PENDING_TOKENS_MAX) return '';
    this.#before = [...this.#before, ...this.#pending].slice(-CONTEXT_TOKENS);
    this.#pending = [];
    return this.#release(text);
  }

  /** Everything that was held back: generation ended and no stop text can follow. */
  finish(): string {
    if (this.isStopped) return '';
    const rest = this.#pending.length > 0 ? this.#detokenize(this.#pending, this.#before) : '';
    this.#pending = [];
    const text = this.#release(rest) + (this.isStopped ? '' : this.#heldText);
    this.#heldText = '';
    return text;
  }

  #release(added: string): string {
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
    const keep = this.#stops.reduce((most, stop) => Math.max(most, overlap(text, stop)), 0);
    this.#heldText = keep === 0 ? '' : text.slice(text.length - keep);
    return keep === 0 ? text : text.slice(0, text.length - keep);
  }
}

/** Length of the longest end of `text` that is a beginning of `stop`. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
