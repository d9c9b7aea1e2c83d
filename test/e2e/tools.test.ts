/** Tools on real engines: from OpenAI's client through the server to the grammar in the child process, and back. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { FastifyInstance } from 'fastify';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureStandIn } from '../../lib/memory/index.js';
import { createServer } from '../../lib/server/index.js';
import { Yard } from '../../lib/yard.js';
import { requireCompiledEngine } from '../support/engine.js';
import { SMOLLM2 } from '../support/shared.js';

const folder = mkdtempSync(join(tmpdir(), 'agentyard-tools-'));
let yard: Yard;
let server: FastifyInstance;
let client: OpenAI;

console.log(
  SMOLLM2 === undefined
    ? 'Tools are called by the generated stand-in alone: real models are not here (AGENTYARD_SHARED).'
    : 'Tools are called by the generated stand-in and by SmolLM2-135M-Instruct Q8_0.',
);

beforeAll(async () => {
  requireCompiledEngine();
  yard = new Yard({
    models: {
      standIn: { path: await ensureStandIn(folder), sequences: 1, contextTokens: 2_048 },
      ...(SMOLLM2 !== undefined && { smollm2: { path: SMOLLM2, sequences: 1, contextTokens: 2_048 } }),
    },
  });
  server = createServer({ yard, log: false });
  const baseURL = `${await server.listen({ port: 0, host: '127.0.0.1' })}/v1`;
  client = new OpenAI({ baseURL, apiKey: 'unused', maxRetries: 0 });
  await yard.ready();
});

afterAll(async () => {
  await server.close();
  await yard.close();
  rmSync(folder, { recursive: true, force: true });
});

const PARAMETERS = {
  get_weather: {
    type: 'object',
    properties: { city: { type: 'string', maxLength: 24 }, unit: { enum: ['celsius', 'fahrenheit'] } },
    required: ['city'],
    additionalProperties: false,
  },
  set_alarm: {
    type: 'object',
    properties: {
      hour: { type: 'integer', minimum: 0, maximum: 23 },
      days: { type: 'array', items: { enum: ['mon', 'tue', 'wed'] }, maxItems: 3 },
    },
    required: ['hour'],
    additionalProperties: false,
  },
} as const;
type ToolName = keyof typeof PARAMETERS;
const FITS = {
  get_weather: new Ajv2020().compile(PARAMETERS.get_weather),
  set_alarm: new Ajv2020().compile(PARAMETERS.set_alarm),
};
const TOOLS = (Object.keys(PARAMETERS) as ToolName[]).map((name) => ({
  type: 'function' as const,
  function: {
    name,
    description: name.replace('_', ' '),
    parameters: PARAMETERS[name] as unknown as Record<string, unknown>,
  },
}));
const QUESTION = { role: 'user' as const, content: 'What is the weather in Paris?' };

function expectValid(calls: readonly OpenAI.ChatCompletionMessageToolCall[] | undefined): void {
  expect(calls?.length).toBeGreaterThan(0);
  for (const call of calls!) {
    if (call.type !== 'function') throw new Error('no call of a function');
    const fits = FITS[call.function.name as ToolName];
    expect(fits(JSON.parse(call.function.arguments)), call.function.arguments).toBe(true);
  }
}

describe.each([
  ['the stand-in', 'standIn', false],
  ['SmolLM2', 'smollm2', SMOLLM2 === undefined],
] as const)('%s', (_what, model, isMissing) => {
  describe.skipIf(isMissing)('with tools', () => {
    const request = { model, messages: [QUESTION], tools: TOOLS, max_tokens: 200, seed: 3 };

    it('makes valid calls when it must, at any temperature', async () => {
      for (const temperature of [0, 1]) {
        const answer = await client.chat.completions.create({
          ...request,
          temperature,
          tool_choice: 'required',
        });
        expect(answer.choices[0]!.finish_reason).toBe('tool_calls');
        expect(answer.choices[0]!.message.content).toBeNull();
        expectValid(answer.choices[0]!.message.tool_calls);
      }
    });

    it('calls the tool that was named', async () => {
      const tool_choice = { type: 'function' as const, function: { name: 'set_alarm' } };
      const stream = client.chat.completions.stream({ ...request, temperature: 1, tool_choice });
      const answer = await stream.finalChatCompletion();
      expect(
        answer.choices[0]!.message.tool_calls!.map((call) => call.type === 'function' && call.function.name),
      ).toEqual(['set_alarm']);
      expectValid(answer.choices[0]!.message.tool_calls);
    });

    it('goes on with what the tool gave, and computes only what is new', async () => {
      const first = await client.chat.completions.create({
        ...request,
        temperature: 0,
        tool_choice: 'required',
      });
      const { message } = first.choices[0]!;
      const results = message.tool_calls!.map(({ id }) => ({
        role: 'tool' as const,
        tool_call_id: id,
        content: '{"sky":"clear"}',
      }));
      const second = await client.chat.completions.create({
        ...request,
        messages: [QUESTION, message, ...results],
        temperature: 0,
        max_tokens: 24,
        tool_choice: 'none',
      });
      expect(second.choices[0]!.message.tool_calls).toBeUndefined();
      expect(second.choices[0]!.message.content).not.toBe('');
      const cached = second.usage!.prompt_tokens_details!.cached_tokens!;
      expect(cached).toBeGreaterThanOrEqual(first.usage!.prompt_tokens);
    });

    it('is free to answer, and what it answers is text or a valid call', async () => {
      const answer = await client.chat.completions.create({ ...request, temperature: 0, max_tokens: 40 });
      const { message } = answer.choices[0]!;
      if (message.tool_calls !== undefined) expectValid(message.tool_calls);
      else expect(message.content).toMatch(/\w/);
    });

    it('is refused, by name and place, with a schema that no grammar holds', async () => {
      const parameters = { type: 'object', properties: { id: { not: { type: 'null' } } } };
      const error = await client.chat.completions
        .create({ ...request, tools: [...TOOLS, { type: 'function', function: { name: 'odd', parameters } }] })
        .catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(OpenAI.BadRequestError);
      expect(error).toMatchObject({ param: 'tools', message: expect.stringMatching(/"odd".*properties\.id/) });
    });
  });
});
