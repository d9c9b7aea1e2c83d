/** Where conversations are kept between their turns. */
import { LRUCache } from 'lru-cache';

/** One message of a person and its answer, word for word. */
export interface KeptTurn {
  message: string;
  reply: string;
}

/** What is remembered of a conversation. Plain data that survives a trip through JSON. */
export interface Memory {
  /** The latest turns, oldest first, which the model is shown as they were. */
  turns: readonly KeptTurn[];
  /** What the model made of earlier ones; empty before the first time that turns had to go. */
  summary: string;
  /** What the person said in them that the summary does not hold, word for word, in the order in which it was said. */
  quotes: readonly string[];
  /** Turns that ended well, in all. */
  turnsDone: number;
  /** Tokens of the last prompt and its answer as the model counted them, when the next prompt begins with both. */
  prefixTokens: number | undefined;
  /** UTF-8 bytes to a token, as the model's counts have shown. */
  bytesPerToken: number;
}

/**
 * A place to keep conversations in, such as a database. Keys hold the tenant. One process at a time may answer a conversation.
 * What it throws or rejects with ends the turn, and the conversation stays as it was.
 */
export interface ConversationStore {
  get(key: string): Memory | undefined | Promise<Memory | undefined>;
  set(key: string, memory: Memory): void | Promise<void>;
}

/** In this process; the conversation that was silent longest is forgotten first. */
export function memoryStore(maxConversations: number): ConversationStore {
  const kept = new LRUCache<string, Memory>({ max: maxConversations });
  return {
    get: (key) => kept.get(key),
    set: (key, memory) => {
      kept.set(key, memory);
    },
  };
}
