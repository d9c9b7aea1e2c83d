/** Answers of real engines under schemas, judged by ajv. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ensureStandIn } from '../../lib/memory/index.js';
import type { Yard } from '../../lib/yard.js';
import { validator } from '../support/ajv.js';
import { openYard } from '../support/engine.js';
import { SMOLLM2 } from '../support/shared.js';

const folder = mkdtempSync(join(tmpdir(), 'agentyard-structured-'));
let yard: Yard;

console.log(
  SMOLLM2 === undefined
    ? 'SmolLM2 is not here (AGENTYARD_SHARED): the generated stand-in answers under schemas.'
    : 'Model used under schemas: SmolLM2-135M-Instruct Q8_0.',
);

beforeAll(async () => {
  yard = await openYard({ path: SMOLLM2 ?? (await ensureStandIn(folder)), sequences: 4, contextTokens: 1_024 });
});
afterAll(async () => {
  await yard.close();
  rmSync(folder, { recursive: true, force: true });
});

const SCHEMAS = [
  {
    type: 'object',
    properties: {
      kind: { enum: ['bug', 'question', 'praise'] },
      score: { type: 'number', minimum: 0, maximum: 1 },
      note: { type: 'string', maxLength: 40 },
      due: { type: 'string', format: 'date' },
      tags: { type: 'array', items: { enum: ['a', 'b', 'c'] }, uniqueItems: true },
    },
    required: ['kind'],
    additionalProperties: false,
  },
  {
    type: 'array',
    minItems: 1,
    maxItems: 3,
    items: {
      type: 'object',
      properties: {
        name: { type: 'string', minLength: 2, maxLength: 12 },
        age: { type: ['integer', 'null'], minimum: 0, maximum: 130 },
      },
      required: ['age'],
    },
  },
  { type: 'integer', minimum: 100, maximum: 9_999 },
];

it('are valid whenever they ended by themselves, and optional properties are absent at times', async () => {
  const answers = await Promise.all(
    SCHEMAS.flatMap((jsonSchema, index) =>
      Array.from({ length: 4 }, async (_, seed) => {
        const content =
          'Somebody writes that the door of the shop squeaks. Answer with one JSON value about the message.';
        const request = { model: 'm', messages: [{ role: 'user', content } as const], maxTokens: 120 };
        return { index, ...(await yard.chat({ ...request, jsonSchema, temperature: 0.8, seed }).result()) };
      }),
    ),
  );
  const ended = answers.filter(({ finishReason }) => finishReason === 'stop');
  for (const { index, text } of ended) {
    const isValid = validator(SCHEMAS[index]!);
    expect(isValid(JSON.parse(text)), text).toBe(true);
    expect(text.trim()).toBe(text);
  }
  for (const { finishReason } of answers) expect(['stop', 'length']).toContain(finishReason);
  expect(ended.length).toBeGreaterThanOrEqual(0.8 * answers.length);
  const objects = ended.filter(({ index }) => index === 0).map(({ text }) => JSON.parse(text) as object);
  expect(objects.some((one) => Object.keys(one).length < 5)).toBe(true);
}, 120_000);
