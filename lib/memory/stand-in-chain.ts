/** The stand-in model as a Markov chain: tokens, the state that each token leads to, and what may follow in each state. */
import { cutIntoChunks, learnPieces, SPACE_MARK, splitUnits } from './stand-in-vocabulary.js';

/** Numbers of the control tokens. */
export const CONTROL_TOKENS = { unknown: 0, begin: 1, turnStart: 2, turnEnd: 3 } as const;

/** As GGUF's `tokenizer.ggml.token_type` has them. */
const TokenType = { normal: 1, unknown: 2, control: 3, byte: 6 } as const;

export interface ChainToken {
  text: string;
  type: number;
  /** Index into {@link Chain.followers}. */
  state: number;
}

/** A token that may come next: its chance is proportional to exp(-penalty). */
export interface Follower {
  token: number;
  penalty: number;
}

export interface Chain {
  tokens: readonly ChainToken[];
  /** By state. No state is without a follower. */
  followers: readonly (readonly Follower[])[];
  stateCount: number;
}

/**
 * Logit of a follower without penalty; tokens that may not follow have 0. At temperature 2, the highest that is served, all
 * of those together have a chance below 1e-9.
 */
export const LIKELY_LOGIT = 60;

/** Penalties: going on is likeliest everywhere, so that greedy decoding walks straight to the end. */
const PENALTY = { otherTopicAfterOpening: 1.5, endEarly: 2, changeTopic: 2.5, anotherTopic: 1 } as const;

/** A word that occurs in more topics than this says nothing about the topic. */
const MAX_TOPICS_OF_A_WORD = 3;

/** Builds the chain from texts of one opening sentence and several topics of at least one sentence each. */
export function buildChain(opening: string, topics: readonly (readonly string[])[]): Chain {
  const taken = new Set<string>();
  const openingChunks = cutIntoChunks(opening, taken);
  const topicChunks = topics.map((sentences) => sentences.map((sentence) => cutIntoChunks(sentence, taken)));

  const builder = new ChainBuilder();
  builder.addVocabulary([opening, ...topics.flat()], taken);
  builder.addSentence(openingChunks);
  for (const sentences of topicChunks) for (const chunks of sentences) builder.addSentence(chunks);

  const starts = topicChunks.map((sentences) => builder.id(sentences[0]![0]!));
  const start = (topic: number, penalty: number): Follower => ({ token: starts[topic % starts.length]!, penalty });

  builder.follow(openingChunks.at(-1)!, [
    start(0, 0),
    ...starts.slice(1).map((_, index) => start(index + 1, PENALTY.otherTopicAfterOpening)),
  ]);
  topicChunks.forEach((sentences, topic) => {
    sentences.forEach((chunks, index) => {
      const next = sentences[index + 1];
      // Two other topics, at distances that have no common period, so that long answers wander through all of them.
      const others = (penalty: number): Follower[] => [start(topic + 1, penalty), start(topic + 7, penalty)];
      const followers =
        next === undefined
          ? [{ token: CONTROL_TOKENS.turnEnd, penalty: 0 }, ...others(PENALTY.anotherTopic)]
          : [
              { token: builder.id(next[0]!), penalty: 0 },
              { token: CONTROL_TOKENS.turnEnd, penalty: PENALTY.endEarly },
              ...others(PENALTY.changeTopic),
            ];
      builder.follow(chunks.at(-1)!, followers);
    });
  });
  builder.leadIntoTopics(topics, starts);
  builder.leadIntoOpening(openingChunks[0]!);
  return builder.chain();
}

class ChainBuilder {
  readonly #tokens: ChainToken[] = [];
  readonly #ids = new Map<string, number>();
  readonly #followers: Follower[][] = [];
  /** Tokens whose state is settled; the others lead into the opening. */
  readonly #placed = new Set<number>();

  id(text: string): number {
    const id = this.#ids.get(text);
    if (id === undefined) throw new RangeError(`There is no token "${text}".`);
    return id;
  }

  /** Control tokens and bytes first, then single characters, then pieces by their use, then the chunks that are none of those. */
  addVocabulary(sentences: readonly string[], chunks: Iterable<string>): void {
    this.#add('<unk>', TokenType.unknown);
    for (const text of ['<s>', '<|im_start|>', '<|im_end|>']) this.#add(text, TokenType.control);
    for (let byte = 0; byte < 256; byte++) this.#add(byteToken(byte), TokenType.byte);
    this.#add(SPACE_MARK, TokenType.normal);
    for (let code = 0x21; code < 0x7f; code++) this.#add(String.fromCharCode(code), TokenType.normal);
    for (const piece of learnPieces(sentences.flatMap(splitUnits))) this.#add(piece, TokenType.normal);
    for (const chunk of chunks) this.#add(chunk, TokenType.normal);
    // The opening as it comes after a newline: without the space.
    const first = splitUnits(sentences[0]!)[0]!;
    this.#add(first.slice(SPACE_MARK.length), TokenType.normal);
  }

  #add(text: string, type: number): void {
    if (this.#ids.has(text)) return;
    this.#ids.set(text, this.#tokens.length);
    this.#tokens.push({ text, type, state: 0 });
  }

  /** A state for each chunk, each followed by the next; the last one's followers are left to {@link follow}. */
  addSentence(chunks: readonly string[]): void {
    chunks.forEach((chunk, index) => {
      const next = chunks[index + 1];
      this.#place(this.id(chunk), this.#addState(next === undefined ? [] : [{ token: this.id(next), penalty: 0 }]));
    });
  }

  /** Sets what may follow a chunk. */
  follow(chunk: string, followers: readonly Follower[]): void {
    this.#followers[this.#tokens[this.id(chunk)]!.state] = [...followers];
  }

  /** A word of the corpus at the end of a prompt leads to the first topic that has it, unless too many have. */
  leadIntoTopics(topics: readonly (readonly string[])[], starts: readonly number[]): void {
    const topicsOf = new Map<string, Set<number>>();
    topics.forEach((sentences, topic) => {
      for (const unit of sentences.flatMap(splitUnits)) {
        if (unit.startsWith(SPACE_MARK)) topicsOf.set(unit, (topicsOf.get(unit) ?? new Set()).add(topic));
      }
    });
    const states = starts.map((token) => this.#addState([{ token, penalty: 0 }]));
    for (const [unit, found] of topicsOf) {
      const id = this.id(unit);
      const [first] = found;
      if (found.size <= MAX_TOPICS_OF_A_WORD && !this.#placed.has(id)) this.#place(id, states[first!]!);
    }
  }

  /** Everything else leads into the opening: after a newline or a control token without a space, after other tokens with one. */
  leadIntoOpening(firstChunk: string): void {
    const spaced = this.id(firstChunk);
    const unspaced = this.id(firstChunk.slice(SPACE_MARK.length));
    this.#place(unspaced, this.#tokens[spaced]!.state);
    const afterText = this.#addState([{ token: spaced, penalty: 0 }]);
    const afterBreak = this.#addState([{ token: unspaced, penalty: 0 }]);
    const newline = this.id(byteToken(0x0a));
    this.#tokens.forEach((token, id) => {
      if (this.#placed.has(id)) return;
      this.#place(id, id === newline || token.type === TokenType.control ? afterBreak : afterText);
    });
  }

  chain(): Chain {
    return { tokens: this.#tokens, followers: this.#followers, stateCount: this.#followers.length };
  }

  #addState(followers: Follower[]): number {
    this.#followers.push(followers);
    return this.#followers.length - 1;
  }

  #place(id: number, state: number): void {
    this.#tokens[id]!.state = state;
    this.#placed.add(id);
  }
}

function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}
