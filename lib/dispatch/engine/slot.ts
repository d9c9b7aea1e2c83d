/**
 * One sequence of the context: the task in it, and the prefix that it keeps for the next.
 *
 * Life of a task here: begin → read (chunk by chunk) → generate (one token a step) → end. The last chunk and the first token are
 * one call: `evaluate` reads the rest of the prompt and samples.
 */
import type { LlamaContextSequence, SequenceEvaluateOptions, Token } from 'node-llama-cpp';
import type { FinishReason, Usage } from '../../runtime/backend.js';
import type { Prompt } from './prompt.js';
import { NO_SWAP, type SavedSessions, type Swap } from './saved-sessions.js';
import { type Detokenize, TextStream } from './text-stream.js';

/** What a task brings into a slot. */
export interface SlotTask {
  task: number;
  prompt: Prompt;
  maxTokens: number;
  /** Number of its named session; 0 for none. */
  session: number;
  evaluateOptions: SequenceEvaluateOptions;
}

/** What one advance of a slot produced. */
export interface Advance {
  prefilled: number;
  generated: number;
  text: string;
  /** Set when the task is over. */
  reason: FinishReason | undefined;
}

type Generation = ReturnType<LlamaContextSequence['evaluate']>;

export class Slot {
  readonly index: number;
  readonly #sequence: LlamaContextSequence;
  readonly #contextTokens: number;
  readonly #detokenize: Detokenize;
  readonly #saved: SavedSessions | undefined;
  /** Whose tokens the sequence holds; 0 for nobody's. */
  #session = 0;
  #current: SlotTask | undefined;
  #generation: Generation | undefined;
  #text: TextStream | undefined;
  #readTokens = 0;
  #cachedTokens = 0;
  #outputTokens = 0;

  /**
   * @param contextTokens - prompt plus answer; the sequence itself may hold more, since the library rounds up
   * @param saved - undefined: what is overwritten is lost
   */
  constructor(
    index: number,
    sequence: LlamaContextSequence,
    contextTokens: number,
    detokenize: Detokenize,
    saved?: SavedSessions,
  ) {
    this.index = index;
    this.#sequence = sequence;
    this.#contextTokens = contextTokens;
    this.#detokenize = detokenize;
    this.#saved = saved;
  }

  get task(): number | undefined {
    return this.#current?.task;
  }

  /** Its task has begun to answer: a pause would be felt. */
  get isGenerating(): boolean {
    return this.#generation !== undefined;
  }

  /** What is worth saving and loading before `task` begins here. */
  swapFor({ session, prompt: { tokens } }: SlotTask): Swap {
    const isNamed = this.#session > 0 || session > 0;
    if (this.#saved === undefined || !isNamed) return NO_SWAP;
    const { firstDifferentIndex } = this.#sequence.compareContextTokens(tokens);
    const held = { session: this.#session, tokens: this.#sequence.contextTokens };
    return this.#saved.swapFor(held, { session, tokens }, firstDifferentIndex, !this.#sequence.needsCheckpoints);
  }

  /**
   * Puts a task in, with the swap first. What the sequence holds of its prompt is kept, the rest is erased.
   * @returns prompt tokens left to read, ≥ 1
   */
  async begin(task: SlotTask, swap: Swap = NO_SWAP): Promise<number> {
    const { tokens } = task.prompt;
    if (swap.saves) await this.#saved!.save(this.#session, this.#sequence);
    if (swap.loads) await this.#saved!.load(task.session, this.#sequence);
    this.#session = task.session;
    // At least the last token is read again: its output is what the first sampled token comes from.
    const { firstDifferentIndex } = this.#sequence.compareContextTokens(tokens);
    let kept = Math.min(firstDifferentIndex, tokens.length - 1);
    const isCut = kept < this.#sequence.nextTokenIndex;
    if (isCut && kept > 0 && this.#sequence.getRestoreToPrefixIndexEvaluationSize(kept) > 0) {
      // A sliding window or a recurrent state cannot be cut back so far: the library would compute the prefix again in one piece,
      // and every stream would wait for it. Read in chunks, it stalls nobody.
      await this.#sequence.clearHistory();
      kept = 0;
    }
    if (kept < this.#sequence.nextTokenIndex) {
      await this.#sequence.eraseContextTokenRanges([{ start: kept, end: this.#sequence.nextTokenIndex }]);
    }
    this.#cachedTokens = Math.min(kept, this.#sequence.nextTokenIndex);
    this.#readTokens = this.#cachedTokens;
    this.#outputTokens = 0;
    this.#current = task;
    this.#text = new TextStream(this.#detokenize, task.prompt.stopTexts, tokens);
    return tokens.length - this.#readTokens;
  }

  /** Reads `readTokens` of the prompt, or generates one token when that is 0. To be awaited before the next call. */
  async advance(readTokens: number): Promise<Advance> {
    const current = this.#current!;
    const { tokens } = current.prompt;
    if (readTokens > 0) {
      const chunk = tokens.slice(this.#readTokens, this.#readTokens + readTokens);
      this.#readTokens += chunk.length;
      if (this.#readTokens < tokens.length) {
        await this.#sequence.evaluateWithoutGeneratingNewTokens(chunk);
        return { prefilled: chunk.length, generated: 0, text: '', reason: undefined };
      }
      this.#generation = this.#sequence.evaluate(chunk, current.evaluateOptions) as Generation;
      return this.#take(await this.#generation.next(), chunk.length);
    }
    return this.#take(await this.#generation!.next(), 0);
  }

  /** Takes the task out; the sequence keeps what it holds. */
  async end(): Promise<{ usage: Usage; heldTokens: number; text: string }> {
    const { prompt } = this.#current!;
    const text = this.#text!.finish();
    await this.#generation?.return();
    const usage: Usage = {
      promptTokens: prompt.tokens.length,
      cachedTokens: this.#cachedTokens,
      outputTokens: this.#outputTokens,
    };
    this.#current = undefined;
    this.#generation = undefined;
    this.#text = undefined;
    return { usage, heldTokens: this.#sequence.nextTokenIndex, text };
  }

  /** Forgets everything after an error, when what the sequence holds is not known. */
  async clear(): Promise<void> {
    this.#current = undefined;
    this.#generation = undefined;
    this.#text = undefined;
    this.#session = 0;
    await this.#sequence.clearHistory();
  }

  #take(result: IteratorResult<Token, void>, prefilled: number): Advance {
    const { maxTokens, prompt } = this.#current!;
    if (result.done === true || prompt.stopTokens.has(result.value)) {
      return { prefilled, generated: 0, text: '', reason: 'stop' };
    }
    this.#outputTokens++;
    const text = this.#text!.push(result.value);
    // The library would shift the context silently at its end: the answer ends before that.
    const isFull = this.#sequence.nextTokenIndex + 1 >= this.#contextTokens;
    const reason = this.#text!.isStopped ? 'stop' : this.#outputTokens >= maxTokens || isFull ? 'length' : undefined;
    return { prefilled, generated: 1, text, reason };
  }
}
