/** The whole way, from OpenAI's client through the server and the scheduler to real engines. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureStandIn } from '../../lib/memory/index.js';
import type { ChatMessage } from '../../lib/runtime/backend.js';
import type { ChatResult } from '../../lib/runtime/service.js';
import { createServer } from '../../lib/server/index.js';
import { Yard } from '../../lib/yard.js';
import { openaiConformance } from '../server/openai-conformance.js';
import { requireCompiledEngine } from '../support/engine.js';
import { MINILM, SMOLLM2 } from '../support/shared.js';

const folder = mkdtempSync(join(tmpdir(), 'agentyard-e2e-'));
let yard: Yard;
let server: FastifyInstance;
let baseURL: string;

console.log(
  SMOLLM2 === undefined || MINILM === undefined
    ? 'Real models are not here (AGENTYARD_SHARED): the generated stand-in is used, embeddings are skipped.'
    : 'Models used: SmolLM2-135M-Instruct Q8_0 and all-MiniLM-L6-v2 Q8_0.',
);

beforeAll(async () => {
  requireCompiledEngine();
  const chat = SMOLLM2 ?? (await ensureStandIn(folder));
  yard = new Yard({
    models: {
      chat: { path: chat, sequences: 4, contextTokens: 1_024 },
      ...(MINILM !== undefined && { embed: { path: MINILM, sequences: 2 } }),
    },
  });
  server = createServer({ yard, log: false });
  baseURL = `${await server.listen({ port: 0, host: '127.0.0.1' })}/v1`;
  await yard.ready();
});

afterAll(async () => {
  await server.close();
  await yard.close();
  rmSync(folder, { recursive: true, force: true });
});

openaiConformance('real engines', async () => ({
  baseURL,
  chatModel: 'chat',
  embedModel: MINILM === undefined ? undefined : 'embed',
}));

describe('conversations that share one slot', () => {
  const TURNS = 3;

  it('go on as if each had had it for itself', async () => {
    const path = SMOLLM2 ?? (await ensureStandIn(folder));
    // Chunks and threads are fixed: with others the last bit of a sum differs, and with it now and then a word.
    const model = { path, sequences: 1, contextTokens: 1_024, keepInteractive: 0, chunkTokens: 64, threads: 1 };
    const conversations = new Yard({
      models: { saving: { ...model, savedSessionBytes: 64 * 2 ** 20 }, alone: { ...model, savedSessionBytes: 0 } },
    });
    await conversations.ready();
    const ask = (name: string, session: string, messages: ChatMessage[]) =>
      conversations.chat({ model: name, messages, session, temperature: 0, maxTokens: 16 }).result();
    const topics = ['a lost bank card', 'a refund for a train ticket'].map((topic) => {
      const opening: ChatMessage[] = [
        {
          role: 'system',
          content: `You advise people about ${topic}. ${'Be patient, friendly and short. '.repeat(8)}`,
        },
        { role: 'user', content: 'What should I do first, and what after that?' },
      ];
      return { topic, prompts: [opening], answers: [] as ChatResult[] };
    });
    for (const { topic, prompts, answers } of topics) {
      for (let turn = 0; turn < TURNS; turn++) {
        const answer = await ask('alone', topic, prompts[turn]!);
        answers.push(answer);
        const next = { role: 'user', content: 'Why? And what then?' } as const;
        prompts.push([...prompts[turn]!, { role: 'assistant', content: answer.text }, next]);
      }
    }
    for (let turn = 0; turn < TURNS; turn++) {
      for (const { topic, prompts, answers } of topics) {
        const { text, usage } = await ask('saving', topic, prompts[turn]!);
        expect(text).toBe(answers[turn]!.text);
        // A model that reads faster than it saves, as the stand-in may, is right not to save.
        if (SMOLLM2 !== undefined && turn > 0) expect(usage).toEqual(answers[turn]!.usage);
      }
    }
    const { savedSessions } = conversations.stats().models.saving!;
    if (SMOLLM2 !== undefined) expect(savedSessions).toMatchObject({ sessions: 2, loads: 2 * (TURNS - 1) });
    await conversations.close();
  }, 120_000);
});

describe.skipIf(SMOLLM2 === undefined)('SmolLM2', () => {
  const messages = [{ role: 'user', content: 'What is the capital of France?' } as const];

  it('answers Paris at temperature 0', async () => {
    const { text } = await yard.chat({ model: 'chat', messages, temperature: 0 }).result();
    expect(text).toContain('Paris');
  });

  it('computes less than a fifth of the earlier turns again', async () => {
    const first = await yard.chat({ model: 'chat', messages, temperature: 0 }).result();
    const earlier = first.usage.promptTokens + first.usage.outputTokens;
    const second = await yard
      .chat({
        model: 'chat',
        messages: [...messages, { role: 'assistant', content: first.text }, { role: 'user', content: 'And of Italy?' }],
        temperature: 0,
      })
      .result();
    expect(second.usage.cachedTokens / earlier).toBeGreaterThan(0.8);
  });

  it('keeps to a JSON schema', async () => {
    const { text, finishReason } = await yard
      .chat({
        model: 'chat',
        messages: [{ role: 'user', content: 'Name a city and its country as JSON.' }],
        jsonSchema: {
          type: 'object',
          properties: { city: { type: 'string' }, country: { type: 'string' } },
          required: ['city', 'country'],
        },
        temperature: 0,
        maxTokens: 200,
      })
      .result();
    expect(finishReason).toBe('stop');
    expect(Object.keys(JSON.parse(text) as object)).toEqual(['city', 'country']);
  });

  it('gives the same text for the same seed', async () => {
    const ask = () => yard.chat({ model: 'chat', messages, temperature: 1, seed: 7, maxTokens: 24 }).result();
    expect((await ask()).text).toBe((await ask()).text);
  });
});

describe.skipIf(MINILM === undefined)('all-MiniLM-L6-v2', () => {
  const sentences = [
    'How do I reset my card PIN?',
    'I forgot the PIN of my card and want a new one',
    'The weather is sunny today',
    'What is the exchange rate to euros?',
    'Shares of the company fell after weak earnings',
  ];
  /** Cosines of the original float32 weights, as the model's page in the shared folder gives them. */
  const expected: Readonly<Record<string, number>> = {
    '0-1': 0.805,
    '0-2': -0.023,
    '0-3': 0.092,
    '0-4': -0.032,
    '1-2': 0.017,
    '1-3': 0.085,
    '1-4': -0.006,
    '2-3': 0.015,
    '2-4': 0.082,
    '3-4': -0.01,
  };

  it('gives unit vectors whose cosines are within 0.01 of the original model', async () => {
    const { vectors } = await yard.embed({ model: 'embed', input: sentences });
    const cosine = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
    for (const vector of vectors) expect(cosine(vector, vector)).toBeCloseTo(1, 5);
    for (const [pair, value] of Object.entries(expected)) {
      const [a, b] = pair.split('-').map(Number);
      expect(Math.abs(cosine(vectors[a!]!, vectors[b!]!) - value)).toBeLessThan(0.01);
    }
  });
});
