/** The loop of an embedding model: one text a step, most urgent first, first come first served among equals. */
import type { LlamaEmbeddingContext } from 'node-llama-cpp';
import type { Prompt } from './prompt.js';
import type { Report } from './step-loop.js';
import { toWire } from './wire-error.js';

/** A text that waits for its step. */
export interface PendingEmbedding {
  task: number;
  rank: number;
  make: () => Promise<Prompt>;
}

export class EmbedLoop {
  readonly #context: LlamaEmbeddingContext;
  readonly #report: Report;
  readonly #waiting: PendingEmbedding[] = [];
  #isRunning = false;

  constructor(context: LlamaEmbeddingContext, report: Report) {
    this.#context = context;
    this.#report = report;
  }

  start(embedding: PendingEmbedding): void {
    this.#waiting.push(embedding);
    if (!this.#isRunning) void this.#run();
  }

  /** A text that is being computed ends by itself in some milliseconds; one that waits is taken out. */
  cancel(task: number): void {
    const at = this.#waiting.findIndex((waiting) => waiting.task === task);
    if (at < 0) return;
    this.#waiting.splice(at, 1);
    const usage = { promptTokens: 0, cachedTokens: 0, outputTokens: 0 };
    this.#report({
      type: 'step',
      tasks: [],
      prefilled: [],
      generated: [],
      texts: [],
      ended: [{ task, reason: 'cancelled', usage, heldTokens: 0 }],
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (let next = this.#takeMostUrgent(); next !== undefined; next = this.#takeMostUrgent()) {
      const { task } = next;
      try {
        const { tokens } = await next.make();
        const { vector } = await this.#context.getEmbeddingFor(tokens);
        this.#report({
          type: 'step',
          tasks: [task],
          prefilled: [tokens.length],
          generated: [0],
          texts: [''],
          ended: [],
        });
        this.#report({
          type: 'embedded',
          task,
          vector: toUnitLength(vector),
          usage: { promptTokens: tokens.length, cachedTokens: 0, outputTokens: 0 },
        });
      } catch (error) {
        this.#report({ type: 'failed', task, error: toWire(error, 'The text could not be embedded') });
      }
    }
    this.#isRunning = false;
  }

  #takeMostUrgent(): PendingEmbedding | undefined {
    let best = 0;
    for (let i = 1; i < this.#waiting.length; i++) {
      if (this.#waiting[i]!.rank > this.#waiting[best]!.rank) best = i;
    }
    return this.#waiting.splice(best, 1)[0];
  }
}

/** The engine's vectors come unnormalised; OpenAI's have length 1. A zero vector stays one. */
export function toUnitLength(vector: readonly number[]): Float32Array {
  const length = Math.hypot(...vector);
  return Float32Array.from(vector, (value) => (length === 0 ? 0 : value / length));
}
