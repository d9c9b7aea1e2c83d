/** How much of a conversation the next prompt may hold, and what has to go when that is exceeded. Pure. */
import { BYTES_PER_TOKEN } from '../common/token-estimate.js';
import { systemMessage } from './prompts.js';
import type { KeptTurn, Memory } from './store.js';

/** Roles and marks of the chat template around one message. ChatML takes 5. */
const TOKENS_PER_MESSAGE = 8;
/** Of the budget: what the notes (summary and quotes) may take. */
const NOTES_SHARE = 1 / 4;
/** Of the notes: what the summary may take. */
const SUMMARY_SHARE = 1 / 2;
/** After a summary the prompt is at most so much of the budget, so that many turns follow before the next. */
const LEFT_SHARE = 1 / 2;
/** Counts of one prompt say little of the next when its language changes. */
const CAUTION = 0.9;
/** Of a model whose tokens are words; what is measured may not go beyond. */
const BYTES_PER_TOKEN_MAX = 8;

export const NEW_MEMORY: Memory = {
  turns: [],
  summary: '',
  quotes: [],
  turnsDone: 0,
  prefixTokens: undefined,
  bytesPerToken: BYTES_PER_TOKEN,
};

export interface MemoryLimits {
  system: string;
  /** Tokens of a prompt, at most. */
  memoryTokens: number;
  /** The latest turns, which are summed up only where the prompt could not be made otherwise. */
  keepTurns: number;
}

export function noteTokens({ memoryTokens }: MemoryLimits): number {
  return Math.floor(memoryTokens * NOTES_SHARE);
}

export function summaryTokens(limits: MemoryLimits): number {
  return Math.floor(noteTokens(limits) * SUMMARY_SHARE);
}

/** Tokens of a text as far as this conversation's counts tell, rounded up. */
export function tokensIn(text: string, { bytesPerToken }: Pick<Memory, 'bytesPerToken'>): number {
  return Math.ceil(Buffer.byteLength(text) / bytesPerToken);
}

/** Is the message too long to be answered with nothing but the notes before it? */
export function leavesNoRoom(message: string, memory: Memory, limits: MemoryLimits): boolean {
  const fixed = tokensIn(limits.system, memory) + noteTokens(limits) + 2 * TOKENS_PER_MESSAGE;
  return fixed + tokensIn(message, memory) > limits.memoryTokens;
}

/** Tokens that the prompt with this message will have: counted by the model where that is possible, else estimated. */
export function expectedTokens(message: string, memory: Memory, { system }: MemoryLimits): number {
  const more = tokensIn(message, memory) + TOKENS_PER_MESSAGE;
  if (memory.prefixTokens !== undefined) return memory.prefixTokens + more;
  const head = tokensIn(systemMessage(system, memory).content, memory) + TOKENS_PER_MESSAGE;
  return head + sum(memory.turns.map((turn) => turnTokens(turn, memory))) + more;
}

function turnTokens({ message, reply }: KeptTurn, memory: Memory): number {
  return tokensIn(message, memory) + tokensIn(reply, memory) + 2 * TOKENS_PER_MESSAGE;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

/**
 * How many of the oldest turns have to go before this message is answered; 0 when the prompt fits. Many at once, so that prompts grow at their
 * end for a long time afterwards.
 */
export function turnsToFold(message: string, memory: Memory, limits: MemoryLimits): number {
  if (expectedTokens(message, memory, limits) <= limits.memoryTokens) return 0;
  const fixed =
    tokensIn(limits.system, memory) + noteTokens(limits) + tokensIn(message, memory) + 2 * TOKENS_PER_MESSAGE;
  let left = fixed;
  let kept = 0;
  for (const turn of memory.turns.toReversed()) {
    const tokens = turnTokens(turn, memory);
    const limit = kept < limits.keepTurns ? 1 : LEFT_SHARE;
    if (left + tokens > limits.memoryTokens * limit) break;
    left += tokens;
    kept++;
  }
  return memory.turns.length - kept;
}

/** The memory after a turn that ended well. */
export function remember(
  memory: Memory,
  turn: KeptTurn,
  usage: { promptTokens: number; outputTokens: number },
  promptBytes: number,
): Memory {
  // The template's own tokens are counted as if they were text: one more reason for a text to seem longer than it is, not shorter.
  const measured = (promptBytes / Math.max(1, usage.promptTokens)) * CAUTION;
  return {
    ...memory,
    turns: [...memory.turns, turn],
    turnsDone: memory.turnsDone + 1,
    prefixTokens: usage.promptTokens + usage.outputTokens,
    bytesPerToken: Math.min(BYTES_PER_TOKEN_MAX, Math.max(1, measured)),
  };
}
