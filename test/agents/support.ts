/** Agents and yards that the tests of agents share. */
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { defineAgent } from '../../lib/agents/index.js';
import type { GgufHeader } from '../../lib/memory/index.js';
import type { StartOrder } from '../../lib/runtime/backend.js';
import { Yard } from '../../lib/yard.js';
import type { YardOptions } from '../../lib/yard-options.js';
import { FakeBackend } from '../support/fake-backend.js';

const FILE = fileURLToPath(import.meta.url);

export const textSchema = z.object({ text: z.string() });

/** Trivial, and in three of everything. */
export const shout = defineAgent({
  name: 'shout',
  version: '1',
  description: 'Says it loudly.',
  input: textSchema,
  output: textSchema,
  run: ({ text }) => ({ text: text.toUpperCase() }),
});

type Run = Parameters<typeof defineAgent<typeof textSchema, typeof textSchema>>[0]['run'];
type Definition = Parameters<typeof defineAgent<typeof textSchema, typeof textSchema>>[0];

/** An agent from text to text. */
export function textAgent(name: string, run: Run, more: Partial<Definition> = {}) {
  return defineAgent({
    name,
    version: '1',
    description: `For a test: ${name}.`,
    input: textSchema,
    output: textSchema,
    run,
    ...more,
  });
}

/** A model that says what it is told, in order, or waits for the test when nothing is left to say. */
export class ScriptedBackend extends FakeBackend {
  readonly answers: string[] = [];

  override start(order: StartOrder): void {
    super.start(order);
    if (order.job.kind === 'embedding') {
      queueMicrotask(() => this.step());
      return;
    }
    const answer = this.answers.shift();
    if (answer !== undefined) queueMicrotask(() => this.finish(order.task, answer));
  }
}

export interface ModelYard {
  yard: Yard;
  /** By the name of their model; made when its file was read. */
  backends: Map<string, ScriptedBackend>;
  /** What the first model says, in order. */
  answers: string[];
}

/** A yard with one model, "chat", that generates and embeds. */
export async function makeModelYard(options: Partial<YardOptions> = {}): Promise<ModelYard> {
  const backends = new Map<string, ScriptedBackend>();
  const yard = new Yard(
    { models: { chat: { path: FILE, sequences: 2 } }, ...options },
    {
      createBackend: (backendOptions) => {
        const backend = new ScriptedBackend(backendOptions);
        backends.set(backendOptions.model, backend);
        return backend;
      },
      readHeader: async () => ({ contextTokens: 1_000 }) as GgufHeader,
      readMemory: () => ({ totalBytes: 2 ** 33, availableBytes: 2 ** 33 }) as never,
    },
  );
  await yard.ready();
  return { yard, backends, answers: [...backends.values()][0]!.answers };
}

/** Turns of the event loop until `condition` holds. Fails when it never does. */
export async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1_000; turn++) {
    if (condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('It never happened.');
}
