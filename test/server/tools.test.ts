/** Tools in chats: OpenAI's client over a real yard whose model is scripted. */
import type { AddressInfo } from 'node:net';
import OpenAI from 'openai';
import { afterEach, describe, expect, it } from 'vitest';
import { toolCallText } from '../../lib/runtime/tool-prompt.js';
import { createServer } from '../../lib/server/index.js';
import { type AnswerFunction, createTestYard, type ScriptedAnswer, scriptedModel } from '../../lib/testing/index.js';

const open: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function serve(answers: readonly ScriptedAnswer[] | AnswerFunction) {
  const model = scriptedModel({ answers });
  const yard = await createTestYard({ models: { chat: model } });
  const server = createServer({ yard, log: false });
  open.push(
    () => yard.close(),
    () => server.close(),
  );
  await server.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.server.address() as AddressInfo;
  const client = new OpenAI({ baseURL: `http://127.0.0.1:${port}/v1`, apiKey: 'unused', maxRetries: 0 });
  return { client, model, yard };
}

const parameters = {
  type: 'object' as const,
  properties: { city: { type: 'string' as const }, unit: { type: 'string' as const, enum: ['C', 'F'] } },
  required: ['city'],
};
const WEATHER = {
  type: 'function' as const,
  function: { name: 'get_weather', description: 'The weather now.', parameters },
};
const TIME = { type: 'function' as const, function: { name: 'get_time', parameters } };
const messages = [{ role: 'user' as const, content: 'Is it warmer in Bern or in Oslo?' }];
const bern = toolCallText({ name: 'get_weather', arguments: { city: 'Bern' } });
const oslo = toolCallText({ name: 'get_weather', arguments: { city: 'Oslo', unit: 'C' } });

describe('an answer that calls tools', () => {
  const request = { model: 'chat', messages, tools: [WEATHER, TIME] };

  it('has the calls in the shape that clients know', async () => {
    const { client, model } = await serve([bern + oslo]);
    const answer = await client.chat.completions.create(request);
    const [choice] = answer.choices;
    expect(choice).toMatchObject({ finish_reason: 'tool_calls', message: { role: 'assistant', content: null } });
    const calls = choice!.message.tool_calls!;
    expect(calls).toEqual([
      { id: expect.any(String), type: 'function', function: { name: 'get_weather', arguments: '{"city":"Bern"}' } },
      {
        id: expect.any(String),
        type: 'function',
        function: { name: 'get_weather', arguments: '{"city":"Oslo","unit":"C"}' },
      },
    ]);
    expect(calls[0]!.id).not.toBe(calls[1]!.id);
    expect(model.requests[0]!.options!.toolBounds).toMatchObject({ choice: 'auto', callsMax: 1 });
  });

  it('keeps the text before the calls', async () => {
    const { client } = await serve([`Let me see. ${bern}`]);
    const [choice] = (await client.chat.completions.create(request)).choices;
    expect(choice).toMatchObject({ finish_reason: 'tool_calls', message: { content: 'Let me see. ' } });
    expect(choice!.message.tool_calls).toHaveLength(1);
  });

  it('is plain text when the model calls nothing', async () => {
    const { client } = await serve(['Bern, I think.']);
    const [choice] = (await client.chat.completions.create(request)).choices;
    expect(choice).toMatchObject({ finish_reason: 'stop', message: { content: 'Bern, I think.' } });
    expect(choice!.message).not.toHaveProperty('tool_calls');
  });

  it('streams text as it comes, then the name of each call before its arguments', async () => {
    const { client } = await serve([`One moment. ${bern}${oslo}`]);
    const stream = await client.chat.completions.create({
      ...request,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    const calls: { id: string; name: string; arguments: string; pieces: number }[] = [];
    const reasons: string[] = [];
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) {
      usage = chunk.usage;
      const choice = chunk.choices[0];
      if (choice?.finish_reason != null) reasons.push(choice.finish_reason);
      text += choice?.delta.content ?? '';
      for (const { index, id, function: fn, type } of choice?.delta.tool_calls ?? []) {
        if (id === undefined) {
          calls[index]!.arguments += fn!.arguments;
          calls[index]!.pieces++;
        } else {
          expect({ index, type, arguments: fn!.arguments }).toEqual({
            index: calls.length,
            type: 'function',
            arguments: '',
          });
          calls.push({ id, name: fn!.name!, arguments: '', pieces: 0 });
        }
      }
    }
    expect(text).toBe('One moment. ');
    expect(reasons).toEqual(['tool_calls']);
    expect(calls.map(({ name, arguments: args }) => [name, JSON.parse(args) as unknown])).toEqual([
      ['get_weather', { city: 'Bern' }],
      ['get_weather', { city: 'Oslo', unit: 'C' }],
    ]);
    expect(calls[1]!.pieces).toBeGreaterThan(1);
    expect(usage!.completion_tokens).toBeGreaterThan(calls.length);
  });

  it('says that it was cut off, and leaves out the call that is not whole', async () => {
    const { client } = await serve([bern + oslo]);
    const whole = await serve([bern + oslo]);
    const tokens = (await whole.client.chat.completions.create(request)).usage!.completion_tokens;
    const [choice] = (await client.chat.completions.create({ ...request, max_tokens: tokens - 1 })).choices;
    expect(choice!.finish_reason).toBe('length');
    expect(choice!.message.tool_calls).toHaveLength(1);
  });

  it('may hold what looks like a call as text when no tools were given', async () => {
    const { client } = await serve([bern]);
    const [choice] = (await client.chat.completions.create({ model: 'chat', messages })).choices;
    expect(choice).toMatchObject({ finish_reason: 'stop', message: { content: bern } });
  });

  it.each([
    ['none', 'none', [], 1],
    ['required', 'required', ['get_weather', 'get_time'], 1],
    [{ type: 'function', function: { name: 'get_time' } }, 'required', ['get_time'], 1],
  ] as const)('is bound by the choice %o', async (tool_choice, choice, names, callsMax) => {
    const { client, model } = await serve(['']);
    await client.chat.completions.create({ ...request, tool_choice });
    const bounds = model.requests[0]!.options!.toolBounds!;
    expect({ ...bounds, tools: bounds.tools.map(({ name }) => name) }).toEqual({ choice, tools: names, callsMax });
  });

  it('may hold several calls when calls in parallel are wanted', async () => {
    const { client, model } = await serve(['']);
    await client.chat.completions.create({ ...request, parallel_tool_calls: true });
    expect(model.requests[0]!.options!.toolBounds).toMatchObject({ choice: 'auto', callsMax: 8 });
  });

  it('is asked for by the same prompt whatever may be chosen, so that its prefix is found again', async () => {
    const { client, model } = await serve(() => '');
    for (const tool_choice of ['auto', 'none', 'required'] as const) {
      await client.chat.completions.create({ ...request, tool_choice });
    }
    const [first, ...others] = model.requests.map((one) => one.messages);
    for (const other of others) expect(other).toEqual(first);
    expect(first![0]).toMatchObject({ role: 'system', content: expect.stringContaining('"get_weather"') });
  });
});

describe("OpenAI's tool runner", () => {
  /** Calls both tools, and then says what they gave. */
  const answers: AnswerFunction = ({ messages: turns, lastMessage }) => {
    const roles = turns.map(({ role }) => role);
    expect(roles).toEqual(roles.map((_, at) => (at === 0 ? 'system' : at % 2 === 1 ? 'user' : 'assistant')));
    const results = [...lastMessage.matchAll(/<tool_response>\n(.*)\n<\/tool_response>/g)].map(([, result]) => result);
    return results.length === 0 ? `I look it up. ${bern}${oslo}` : `It is ${results.join(' and ')}.`;
  };
  const tool = (called: unknown[]) => ({
    type: 'function' as const,
    function: {
      name: 'get_weather',
      description: 'The weather now.',
      parameters,
      parse: (input: string) => JSON.parse(input) as { city: string },
      function: ({ city }: { city: string }) => {
        called.push(city);
        return { city, degrees: city.length };
      },
    },
  });

  it('gets an answer that uses what the tools gave', async () => {
    const { client, model, yard } = await serve(answers);
    const called: unknown[] = [];
    const runner = client.chat.completions.runTools({ model: 'chat', messages, tools: [tool(called)] });
    expect(await runner.finalContent()).toBe('It is {"city":"Bern","degrees":4} and {"city":"Oslo","degrees":4}.');
    expect(called).toEqual(['Bern', 'Oslo']);
    expect(model.calls).toBe(2);
    expect(yard.stats().outcomes).toMatchObject({ completed: 2, failed: 0 });
    const usage = await runner.totalUsage();
    const { promptTokens, outputTokens } = yard.stats().models.chat!;
    expect([usage.prompt_tokens, usage.completion_tokens]).toEqual([promptTokens, outputTokens]);
    // The second round begins with all of the first, and with its answer as the model wrote it.
    const [first, second] = model.requests.map((one) => one.messages);
    expect(second!.slice(0, first!.length)).toEqual(first);
    expect(second![first!.length]).toEqual({ role: 'assistant', content: `I look it up. ${bern}${oslo}` });
  });

  it('does so with streams', async () => {
    const { client } = await serve(answers);
    const called: unknown[] = [];
    const runner = client.chat.completions.runTools({ model: 'chat', messages, tools: [tool(called)], stream: true });
    let text = '';
    runner.on('content', (delta) => (text += delta));
    expect(await runner.finalContent()).toBe('It is {"city":"Bern","degrees":4} and {"city":"Oslo","degrees":4}.');
    expect(text).toBe('I look it up. It is {"city":"Bern","degrees":4} and {"city":"Oslo","degrees":4}.');
    expect(called).toEqual(['Bern', 'Oslo']);
  });
});

describe('a request with tools that is refused', () => {
  const call = { id: 'c1', type: 'function', function: { name: 'get_weather', arguments: '{"city":"Bern"}' } };
  const asked = { role: 'assistant', content: null, tool_calls: [call] };
  const given = { role: 'tool', tool_call_id: 'c1', content: '12' };
  const named = (name: unknown) => ({ type: 'function', function: { name } });
  const big = { type: 'object', description: 'x'.repeat(140_000) };
  const deep = (depth: number): object => (depth === 0 ? {} : { properties: { a: deep(depth - 1) } });

  it.each<[string, object, string, string]>([
    ['tools that are a text', { tools: 'all' }, 'tools', 'expected a list'],
    ['129 tools', { tools: Array.from({ length: 129 }, (_, n) => named(`t${n}`)) }, 'tools', 'at most 128'],
    ['a tool that is no function', { tools: [{ type: 'custom', custom: {} }] }, 'tools[0].type', 'got "custom"'],
    ['a tool without a name', { tools: [named(undefined)] }, 'tools[0].function.name', 'expected a string'],
    ['a name with a blank', { tools: [named('get weather')] }, 'tools[0].function.name', '1 to 64'],
    ['a name that is too long', { tools: [named('x'.repeat(65))] }, 'tools[0].function.name', '1 to 64'],
    ['a name used twice', { tools: [WEATHER, TIME, WEATHER] }, 'tools[2].function.name', 'tools[0]'],
    [
      'arguments that are a list',
      { tools: [{ type: 'function', function: { name: 'a', parameters: { type: 'array' } } }] },
      'tools[0].function.parameters',
      '"object"',
    ],
    [
      'arguments that are too deep',
      { tools: [{ type: 'function', function: { name: 'a', parameters: deep(100) } }] },
      'tools[0].function.parameters',
      '64 levels',
    ],
    [
      'tools that are too large',
      { tools: [{ type: 'function', function: { name: 'a', parameters: big } }] },
      'tools',
      'at most 131072 characters',
    ],
    ['a choice of nothing', { tool_choice: 'required' }, 'tool_choice', 'no tools are given'],
    ['a choice that is unknown', { tools: [WEATHER], tool_choice: 'any' }, 'tool_choice', '"required"'],
    [
      'a choice of a tool that is misspelt',
      { tools: [WEATHER], tool_choice: named('get_wether') },
      'tool_choice.function.name',
      'Did you mean "get_weather"?',
    ],
    ['a result without a call', { messages: [...messages, given] }, 'messages[1].tool_call_id', 'the id of a call'],
    [
      'a result of another call',
      { messages: [...messages, asked, { ...given, tool_call_id: 'c2' }] },
      'messages[2].tool_call_id',
      'the id of a call',
    ],
    [
      'a result after the turn is over',
      { messages: [...messages, asked, ...messages, given] },
      'messages[3].tool_call_id',
      'the id of a call',
    ],
    [
      'a second result',
      { messages: [...messages, asked, given, given] },
      'messages[3].tool_call_id',
      'answered already',
    ],
    [
      'a result without an id',
      { messages: [{ role: 'tool', content: '' }] },
      'messages[0].tool_call_id',
      'got nothing',
    ],
    [
      'two calls of one id',
      { messages: [...messages, { ...asked, tool_calls: [call, call] }] },
      'messages[1].tool_calls[1].id',
      'same id',
    ],
    [
      'arguments that are no JSON',
      { messages: [{ ...asked, tool_calls: [{ ...call, function: { name: 'a', arguments: '{' } }] }] },
      'messages[0].tool_calls[0].function.arguments',
      'as JSON text',
    ],
    [
      'a call by the user',
      { messages: [{ ...asked, role: 'user', content: 'x' }] },
      'messages[0].tool_calls',
      'only the assistant',
    ],
    [
      'a call in the old form',
      { messages: [{ role: 'assistant', content: '', function_call: { name: 'a', arguments: '' } }] },
      'messages[0].function_call',
      'use tool_calls',
    ],
  ])('%s', async (_what, change, param, message) => {
    const { client, model } = await serve(['never']);
    const error = await client.chat.completions
      .create({ model: 'chat', messages, ...change } as OpenAI.ChatCompletionCreateParamsNonStreaming)
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OpenAI.BadRequestError);
    expect(error).toMatchObject({ param, type: 'invalid_request_error', message: expect.stringContaining(message) });
    expect(model.calls).toBe(0);
  });
});
