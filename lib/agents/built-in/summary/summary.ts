/** Sums up texts of any length: parts at the same time, then their summaries, until one is left. */
import { z } from 'zod';
import { InvalidOutputError } from '../../../base/agent-errors.js';
import { isAgentyardError } from '../../../base/errors.js';
import type { ChatStream } from '../../../runtime/service.js';
import type { AgentContext } from '../../agent-context.js';
import { defineAgent } from '../../define-agent.js';
import { withoutLastSentence } from '../common/cut-off.js';
import { textSchema } from '../common/input-text.js';
import { mapParallel } from '../common/map-parallel.js';
import { type BuiltInOptions, builtInShape, readOptions } from '../common/options.js';
import { halves, splitText } from '../common/split-text.js';
import { estimateTokens } from '../common/token-estimate.js';
import { LengthLimit } from './length-limit.js';
import { type SummaryOrder, summaryPrompt } from './prompts.js';

export interface SummaryOptions extends BuiltInOptions {
  /** Words of a summary whose call asks for no other length, 5 to 2,000. Default 120. */
  words?: number | undefined;
  /** Estimated tokens of text that one model call sums up, 128 to 100,000; the model's context must hold them and the summary. Default 1,500. */
  chunkTokens?: number | undefined;
  /** Said to the model in addition, such as for whom the summary is. */
  instructions?: string | undefined;
  /** Model calls of one run at a time, ≥ 1. Default 16. */
  parallel?: number | undefined;
}

const wordsSchema = z.int().min(5).max(2_000);
const optionsSchema = z.object({
  ...builtInShape,
  words: wordsSchema.default(120),
  chunkTokens: z.int().min(128).max(100_000).default(1_500),
  instructions: z.string().optional(),
  parallel: z.int().min(1).default(16),
});
type Settings = z.output<typeof optionsSchema>;

/** An English word takes 1.3 tokens, a German one 2.2 in an English vocabulary; a summary that goes on beyond this is cut off. */
const TOKENS_PER_WORD = 2;
/** Summaries of parts are shorter than the parts by this, so that every round leaves less to sum up. */
const PART_SHARE = 1 / 3;
const PART_TOKENS_MIN = 32;
/** Nothing at all is no summary; the second answer is drawn at this temperature, or it would be the first again. */
const SECOND_TEMPERATURE = 0.5;

/**
 * An agent that sums up: `{text, words?}` → `{summary, isComplete, parts, rounds}`. A text beyond `chunkTokens` is cut where a reader would pause;
 * the parts are summed up as children at the same time, their summaries in their order again, until one call holds all. The last call is
 * streamed.
 *
 * Costs about `tokens / chunkTokens` model calls, and a third of them more for the later rounds.
 * @throws InvalidAgentError for wrong options
 */
export function summary(options: SummaryOptions = {}) {
  const settings = readOptions('summary', optionsSchema, options);
  return defineAgent({
    name: settings.name ?? 'summary',
    version: settings.version,
    description: 'Sums up a text of any length in a given number of words.',
    input: z.object({ text: textSchema(), words: wordsSchema.optional().describe('Longest summary, in words.') }),
    output: z.object({
      summary: z.string(),
      isComplete: z
        .boolean()
        .describe('False when the model wrote more, and whole sentences were left out, also of the summary of a part.'),
      parts: z.int().min(1).describe('Parts that the text was read in.'),
      rounds: z.int().min(1).describe('1: one call read the whole text.'),
    }),
    model: settings.model,
    timeoutMs: settings.timeoutMs,
    pure: true,
    run: ({ text, words = settings.words }, ctx) => new Reduction(text.trim(), words, settings, ctx).run(),
  });
}

class Reduction {
  readonly #ctx: AgentContext;
  readonly #settings: Settings;
  readonly #words: number;
  readonly #text: string;
  #isComplete = true;
  #done = 0;
  #total = 1;

  constructor(text: string, words: number, settings: Settings, ctx: AgentContext) {
    this.#text = text;
    this.#words = words;
    this.#settings = settings;
    this.#ctx = ctx;
  }

  async run() {
    const { chunkTokens } = this.#settings;
    let text = this.#text;
    let parts = 1;
    let rounds = 1;
    for (; estimateTokens(text) > chunkTokens; rounds++) {
      const pieces = splitText(text, { tokensMax: chunkTokens });
      if (rounds === 1) parts = pieces.length;
      text = await this.#sumUpParts(pieces, rounds === 1 ? 'part' : 'summaries');
    }
    const order = this.#order(this.#words, rounds === 1 ? 'whole' : 'summaries');
    const summary = await this.#sumUp(text, order, this.#words * TOKENS_PER_WORD, true);
    return { summary, isComplete: this.#isComplete, parts, rounds };
  }

  #order(words: number, kind: SummaryOrder['kind']): SummaryOrder {
    return { words, kind, instructions: this.#settings.instructions };
  }

  async #sumUpParts(pieces: readonly string[], kind: SummaryOrder['kind']): Promise<string> {
    const { chunkTokens, parallel } = this.#settings;
    this.#total += pieces.length;
    // As long as all of them together may be; then the next round is the last.
    const room = Math.floor(chunkTokens / pieces.length);
    const tokens = Math.max(PART_TOKENS_MIN, Math.min(room, Math.floor(chunkTokens * PART_SHARE)));
    const order = this.#order(Math.max(5, Math.floor(tokens / TOKENS_PER_WORD)), kind);
    const summaries = await mapParallel(pieces, parallel, async (piece) =>
      this.#shortened(await this.#sumUp(piece.trim(), order, tokens, false), piece),
    );
    return summaries.join('\n\n');
  }

  /** Some vocabularies have tokens of many characters: what is not much shorter than its part loses its last sentences, or there would be no end. */
  #shortened(summary: string, piece: string): string {
    const tokensMax = Math.max(PART_TOKENS_MIN, Math.floor(estimateTokens(piece) / 2));
    if (estimateTokens(summary) <= tokensMax) return summary;
    this.#isComplete = false;
    return splitText(summary, { tokensMax })[0]!.trim();
  }

  /** @param isLast - its words are the answer: they are streamed */
  async #sumUp(text: string, order: SummaryOrder, maxTokens: number, isLast: boolean): Promise<string> {
    for (const temperature of [0, SECOND_TEMPERATURE]) {
      const messages = summaryPrompt(text, order);
      const chat = this.#ctx.chat({ messages, maxTokens, temperature, seed: 1 });
      try {
        const written = isLast ? await this.#lastAnswer(chat, order.words) : await this.#answer(chat);
        if (written === '') continue;
        this.#ctx.progress(++this.#done, this.#total);
        return written;
      } catch (error) {
        const parts = isTooLong(error) ? halves(text) : undefined;
        if (parts === undefined) throw error;
        return this.#sumUpHalves(parts, order, maxTokens, isLast);
      }
    }
    throw new InvalidOutputError(this.#ctx.agent, [
      { path: 'summary', message: 'the model answered nothing, twice', expected: 'a summary', got: 'nothing' },
    ]);
  }

  async #answer(chat: ChatStream): Promise<string> {
    const { text, finishReason } = await chat.result();
    if (finishReason !== 'length') return text.trim();
    this.#isComplete = false;
    return withoutLastSentence(text);
  }

  /** Sentence by sentence, as long as the words last: a model that is told how many it may write does not count them. */
  async #lastAnswer(chat: ChatStream, words: number): Promise<string> {
    const length = new LengthLimit(words);
    const show = (text: string) => {
      if (text !== '') this.#ctx.emit(text);
    };
    for await (const { text } of chat) show(length.add(text));
    const { finishReason } = await chat.result();
    show(length.end(finishReason === 'length'));
    if (length.isExceeded) this.#isComplete = false;
    return length.text;
  }

  /** The text is longer than the model's context: its halves are parts of their own. */
  async #sumUpHalves(
    parts: [string, string],
    order: SummaryOrder,
    maxTokens: number,
    isLast: boolean,
  ): Promise<string> {
    this.#total += 2;
    const half = this.#order(Math.max(5, order.words >> 1), order.kind === 'whole' ? 'part' : order.kind);
    const tokens = Math.max(PART_TOKENS_MIN, maxTokens >> 1);
    const summaries = await mapParallel(parts, 2, (part) => this.#sumUp(part.trim(), half, tokens, false));
    const joined = summaries.join('\n\n');
    if (!isLast) return joined;
    return this.#sumUp(joined, this.#order(order.words, 'summaries'), maxTokens, true);
  }
}

function isTooLong(error: unknown): boolean {
  return isAgentyardError(error) && error.code === 'AY_PROMPT_TOO_LONG';
}
