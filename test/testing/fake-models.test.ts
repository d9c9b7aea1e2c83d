import Ajv2020 from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { ChatRequest } from '../../lib/runtime/service.js';
import { fittingValue } from '../../lib/testing/fitting-value.js';
import {
  createTestYard,
  type FakeModel,
  hashedEmbedder,
  hashedVector,
  scriptedModel,
  toolCall,
  type VirtualClock,
  virtualClock,
  whenAsked,
} from '../../lib/testing/index.js';
import type { Yard } from '../../lib/yard.js';
import { errorOf } from '../support/gate.js';

let clock: VirtualClock;
let yard: Yard;

async function open(models: Record<string, FakeModel>): Promise<Yard> {
  yard = await createTestYard({ models, clock });
  return yard;
}

function ask(content: string, extra: Partial<ChatRequest> = {}): ChatRequest {
  return { model: 'chat', messages: [{ role: 'user', content }], ...extra };
}

async function answer(content: string, extra: Partial<ChatRequest> = {}): Promise<string> {
  return (await clock.until(yard.chat(ask(content, extra)).result())).text;
}

beforeEach(() => {
  clock = virtualClock();
});

afterEach(async () => {
  await yard.close();
  clock.restore();
});

describe('a scripted model', () => {
  it('answers a list in order, and fails when there is no more of it', async () => {
    const chat = scriptedModel({ answers: ['one', 'two words'] });
    await open({ chat });
    expect([await answer('a'), await answer('b')]).toEqual(['one', 'two words']);
    const error = await errorOf(answer('c'));
    expect(error).toMatchObject({ code: 'AY_ENGINE_FAILED', message: 'The script has 2 answers; this was request 3.' });
    expect(chat.requests.map(({ lastMessage, call, kind }) => [lastMessage, call, kind])).toEqual([
      ['a', 1, 'chat'],
      ['b', 2, 'chat'],
      ['c', 3, 'chat'],
    ]);
  });

  it('begins its list anew in each yard', async () => {
    const chat = scriptedModel({ answers: ['first'] });
    await open({ chat });
    await answer('a');
    await yard.close();
    await open({ chat });
    expect(await answer('b')).toBe('first');
    expect(chat.calls).toBe(2);
  });

  it('answers by rules on the last message', async () => {
    const answers = whenAsked(
      [
        ['price', 'Ten.'],
        [/^how (\w+)/i, ({ lastMessage }) => `So ${lastMessage.split(' ')[1]}.`],
      ],
      'What?',
    );
    await open({ chat: scriptedModel({ answers }), strict: scriptedModel({ answers: whenAsked([['a', 'b']]) }) });
    expect(await answer('The price, please')).toBe('Ten.');
    expect(await answer('How far is it')).toBe('So far.');
    expect(await answer('hm')).toBe('What?');
    expect(await errorOf(answer('x', { model: 'strict' }))).toMatchObject({ code: 'AY_ENGINE_FAILED' });
  });

  it('fails as it is told: at once, after some text, with an error of ours or another', async () => {
    const seen: string[] = [];
    await open({
      chat: scriptedModel({ answers: [new Error('no memory'), { text: 'half of', error: new Error('lost') }, 'well'] }),
      broken: scriptedModel({
        fails: ({ call }) => (call === 1 ? new Error('cold') : undefined),
        answers: () => 'warm',
      }),
      thrower: scriptedModel({
        answers: () => {
          throw new Error('the script itself fails');
        },
      }),
    });
    expect(await errorOf(answer('a'))).toMatchObject({ code: 'AY_ENGINE_FAILED', message: 'no memory' });
    const stream = yard.chat(ask('b'));
    const reading = (async () => {
      for await (const { text } of stream) seen.push(text);
    })();
    expect(await clock.until(errorOf(reading))).toMatchObject({ message: 'lost' });
    expect(seen.join('')).toBe('half of');
    expect(await answer('c')).toBe('well');
    expect(await errorOf(answer('d', { model: 'broken' }))).toMatchObject({ message: 'cold' });
    expect(await answer('d', { model: 'broken' })).toBe('warm');
    expect(await errorOf(answer('e', { model: 'thrower' }))).toMatchObject({ message: 'the script itself fails' });
  });

  it('cuts an answer off at its limit of tokens, at a stop, and where the context ends', async () => {
    await open({ chat: scriptedModel({ answers: () => 'one two three four', contextTokens: 64 }) });
    const result = (extra: Partial<ChatRequest>, content = 'count') =>
      clock.until(yard.chat(ask(content, extra)).result());
    expect(await result({ maxTokens: 2 })).toMatchObject({
      text: 'one two',
      finishReason: 'length',
      usage: { outputTokens: 2 },
    });
    expect(await result({ maxTokens: 4 })).toMatchObject({ text: 'one two three four', finishReason: 'stop' });
    expect(await result({ stop: ['three', 'two'] })).toMatchObject({ text: 'one ', finishReason: 'stop' });
    const long = new Array(62).fill('word').join(' ');
    expect(await result({}, long)).toMatchObject({
      text: 'one two',
      finishReason: 'length',
      usage: { promptTokens: 62 },
    });
    expect(await errorOf(result({}, `${long} ${long}`))).toMatchObject({ code: 'AY_PROMPT_TOO_LONG' });
  });

  it('takes its time: latency first, then token by token', async () => {
    await open({ chat: scriptedModel({ answers: () => 'a b c', latencyMs: 500, tokensPerSecond: 10 }) });
    const seen: [string, number][] = [];
    const stream = yard.chat(ask('go'));
    const reading = (async () => {
      for await (const { text } of stream) seen.push([text, clock.nowMs()]);
    })();
    await clock.until(reading);
    expect(seen).toEqual([
      ['a', 500],
      [' b', 600],
      [' c', 700],
    ]);
    expect(await stream.result()).toMatchObject({ firstTokenMs: 500, finishReason: 'stop' });
  });

  it('runs as many requests at once as it has sequences', async () => {
    const chat = scriptedModel({ answers: () => 'ok', latencyMs: 1_000, sequences: 3 });
    await open({ chat });
    const all = Array.from({ length: 7 }, () => yard.chat(ask('x')).result());
    await clock.until(Promise.all(all));
    expect([chat.runningMax, chat.running, clock.nowMs()]).toEqual([3, 0, 3_000]);
  });

  it('ends at once when it is cancelled, and gives its slot back', async () => {
    const chat = scriptedModel({ answers: () => 'never said', latencyMs: 60_000, sequences: 1 });
    await open({ chat });
    const controller = new AbortController();
    const stream = yard.chat(ask('x', { signal: controller.signal }));
    await clock.settle();
    expect(chat.running).toBe(1);
    controller.abort();
    expect(await errorOf(stream.result())).toMatchObject({ code: 'AY_CANCELLED' });
    expect([chat.running, yard.stats().models.chat?.slotsUsed, clock.pending]).toEqual([0, 0, 0]);
  });

  it('is paused while nobody reads, and goes on where it was', async () => {
    const text = Array.from({ length: 50 }, (_, index) => `word${index}`).join(' ');
    yard = await createTestYard({
      clock,
      streamBufferBytes: 40,
      models: {
        chat: scriptedModel({ answers: () => text, tokensPerSecond: 100 }),
        quick: scriptedModel({ answers: () => text }),
      },
    });
    for (const model of ['chat', 'quick']) {
      const stream = yard.chat(ask('x', { model }));
      await clock.advance(5_000);
      expect(yard.pending).toBe(1);
      let read = '';
      const reading = (async () => {
        for await (const part of stream) read += part.text;
      })();
      await clock.until(reading);
      expect(read).toBe(text);
    }
  });

  it('is started again after a crash, and the yard serves on', async () => {
    const chat = scriptedModel({ answers: () => 'ok', latencyMs: 100 });
    await open({ chat });
    const interrupted = yard.chat(ask('x')).result();
    await clock.settle();
    chat.crash();
    await clock.settle();
    expect(yard.models()[0]?.state).toBe('restarting');
    const next = yard.chat(ask('y')).result();
    // Nothing of it had been said yet, so it is run again.
    const texts = (await clock.until(Promise.all([interrupted, next]))).map(({ text }) => text);
    expect(texts).toEqual(['ok', 'ok']);
    expect(yard.stats().models.chat).toMatchObject({ engineDeaths: 1, engineStarts: 2 });
  });

  it('waits for a promise of an answer', async () => {
    let say!: (text: string) => void;
    const said = new Promise<string>((resolve) => {
      say = resolve;
    });
    await open({ chat: scriptedModel({ answers: () => said }) });
    const result = yard.chat(ask('x')).result();
    await clock.advance(10_000);
    expect(yard.pending).toBe(1);
    say('at last');
    expect((await clock.until(result)).text).toBe('at last');
  });

  it('without a script says what fits: the schema that binds it, else what was asked', async () => {
    await open({ chat: scriptedModel() });
    expect(await answer('echo this')).toBe('echo this');
    const schema = z.object({ mood: z.enum(['good', 'bad']), why: z.string().min(2), score: z.number().min(1).max(5) });
    const text = await answer('judge', { jsonSchema: z.toJSONSchema(schema) });
    expect(schema.parse(JSON.parse(text))).toEqual({ mood: 'good', why: 'text', score: 1 });
  });

  it('calls tools, by script or because it has to', async () => {
    const tools = [{ name: 'weather', parameters: z.toJSONSchema(z.object({ city: z.string() })) }];
    const answers = [`Let me see. ${toolCall('weather', { city: 'Rome' })}`, toolCall('weather', { city: 'Oslo' })];
    await open({ chat: scriptedModel({ answers }), obliging: scriptedModel() });
    const result = (model: string, extra: Partial<ChatRequest> = {}) =>
      clock.until(yard.chat(ask('rain?', { model, tools, ...extra })).result());
    expect(await result('chat')).toMatchObject({
      text: expect.stringMatching(/^Let me see\./),
      toolCalls: [{ name: 'weather', arguments: { city: 'Rome' } }],
      finishReason: 'tool_calls',
    });
    expect((await result('chat')).toolCalls).toMatchObject([{ name: 'weather', arguments: { city: 'Oslo' } }]);
    const obliged = await result('obliging', { toolChoice: 'required' });
    expect(obliged.toolCalls).toMatchObject([{ name: 'weather', arguments: { city: 'text' } }]);
  });

  it('keeps other options and counts of its own when it is varied', async () => {
    const chat = scriptedModel({ answers: () => 'ok', latencyMs: 10 });
    const slow = chat.with({ latencyMs: 1_000 });
    await open({ chat, slow });
    await answer('x', { model: 'slow' });
    expect([clock.nowMs(), chat.calls, slow.calls]).toEqual([1_000, 0, 1]);
  });
});

describe('a hashed embedder', () => {
  it('gives vectors of unit length, the same for the same words, closer the more words are shared', async () => {
    await open({ embed: hashedEmbedder({ dims: 128, latencyMs: 5 }) });
    const input = ['The cat sat.', 'the CAT sat', 'a cat sat down', 'stocks fell sharply', '…'];
    const { vectors } = await clock.until(yard.embed({ model: 'embed', input }));
    const dot = (a: number, b: number) =>
      vectors[a]!.reduce((sum, value, index) => sum + value * vectors[b]![index]!, 0);
    expect(vectors.map((vector) => Math.hypot(...vector))).toEqual(vectors.map(() => expect.closeTo(1, 5)));
    expect(vectors.map(({ length }) => length)).toEqual(vectors.map(() => 128));
    expect(dot(0, 1)).toBeCloseTo(1, 5);
    expect(dot(0, 2)).toBeGreaterThan(dot(0, 3));
  });

  it('has unit length for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.integer({ min: 1, max: 64 }), (text, dims) => {
        expect(Math.hypot(...hashedVector(text, dims))).toBeCloseTo(1, 5);
      }),
      { seed: 3 },
    );
  });

  it('only embeds, as a scripted model only generates unless it is told', async () => {
    await open({ embed: hashedEmbedder(), chat: scriptedModel(), both: scriptedModel({ embeds: true, dims: 8 }) });
    expect(await errorOf(answer('x', { model: 'embed' }))).toMatchObject({ code: 'AY_INVALID_REQUEST' });
    expect(await errorOf(clock.until(yard.embed({ model: 'chat', input: 'x' })))).toMatchObject({
      code: 'AY_INVALID_REQUEST',
    });
    expect((await clock.until(yard.embed({ model: 'both', input: 'x' }))).vectors[0]).toHaveLength(8);
    expect(await answer('hello', { model: 'both' })).toBe('hello');
    expect(yard.models().map(({ generates, embeds }) => [generates, embeds])).toEqual([
      [false, true],
      [true, false],
      [true, true],
    ]);
  });

  it('fails as it is told', async () => {
    await open({
      embed: hashedEmbedder({ fails: ({ lastMessage }) => (lastMessage === 'bad' ? new Error('no') : undefined) }),
    });
    expect(await errorOf(clock.until(yard.embed({ model: 'embed', input: ['good', 'bad'] })))).toMatchObject({
      message: 'no',
    });
  });
});

describe('a fitting value', () => {
  beforeEach(async () => {
    await open({});
  });

  const leaf = fc.oneof(
    fc.constantFrom<z.ZodType>(
      z.string(),
      z.string().min(7).max(9),
      z.string().max(2),
      z.email(),
      z.iso.date(),
      z.number(),
      z.number().min(-3).max(-1),
      z.number().gt(2).lt(3),
      z.int().gt(4),
      z.int().lt(-4),
      z.number().min(3).multipleOf(4),
      z.boolean(),
      z.null(),
      z.enum(['a', 'b']),
      z.literal(7),
    ),
  );
  const { schema } = fc.letrec<{ schema: z.ZodType }>((tie) => ({
    schema: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'schema' },
      leaf,
      fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('schema')).map((shape) => z.object(shape)),
      tie('schema').map((inner) => z.array(inner).min(2)),
      tie('schema').map((inner) => z.array(inner).max(0)),
      tie('schema').map((inner) => inner.optional().or(z.null())),
      fc.tuple(tie('schema'), tie('schema')).map(([a, b]) => z.union([a, b])),
      fc.tuple(tie('schema'), tie('schema')).map(([a, b]) => z.tuple([a, b])),
      tie('schema').map((inner) => z.record(z.string(), inner)),
    ),
  }));

  it('fits, whatever the schema is made of', () => {
    const ajv = new Ajv2020.default({ strict: false, validateFormats: false });
    fc.assert(
      fc.property(schema, (one) => {
        const json = z.toJSONSchema(one, { unrepresentable: 'any' });
        const value = fittingValue(json);
        expect(ajv.validate(json, value), JSON.stringify([json, value])).toBe(true);
      }),
      { seed: 11, numRuns: 100 },
    );
  });

  it('ends where schemas go round in a circle', () => {
    const node = z.object({
      name: z.string(),
      get next() {
        return node.nullable();
      },
      get all() {
        return z.array(node).optional();
      },
    });
    expect(() => fittingValue(z.toJSONSchema(node))).not.toThrow();
    expect(fittingValue({ $ref: '#/$defs/a~1b', $defs: { 'a/b': { const: 5 } } })).toBe(5);
  });
});
