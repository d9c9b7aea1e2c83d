/**
 * What the official SDK must be able to do with a server of ours. Runs over any yard: it knows the server by its address alone.
 */
import OpenAI from 'openai';
import { beforeAll, describe, expect, it, vi } from 'vitest';

export interface ConformanceTarget {
  /** Ends in `/v1`. */
  baseURL: string;
  /** A model that chats. */
  chatModel: string;
  /** A model that embeds; undefined leaves the embedding cases out, and says so. */
  embedModel: string | undefined;
  apiKey?: string;
}

/** Registers the suite. `start` is called once, before the first case. */
export function openaiConformance(name: string, start: () => Promise<ConformanceTarget>): void {
  describe(`the OpenAI SDK over ${name}`, () => {
    let target: ConformanceTarget;
    let client: OpenAI;

    beforeAll(async () => {
      target = await start();
      client = new OpenAI({ baseURL: target.baseURL, apiKey: target.apiKey ?? 'unused', maxRetries: 0 });
      console.log(`models: chat "${target.chatModel}", embed "${target.embedModel ?? 'none'}"`);
    });

    const chat = () => ({
      model: target.chatModel,
      messages: [{ role: 'user' as const, content: 'Say hello.' }],
      max_tokens: 24,
      temperature: 0,
    });

    it('lists the served models and finds one by its name', async () => {
      const names: string[] = [];
      for await (const model of client.models.list()) names.push(model.id);
      expect(names).toContain(target.chatModel);
      const model = await client.models.retrieve(target.chatModel);
      expect(model).toMatchObject({ id: target.chatModel, object: 'model', owned_by: 'agentyard' });
      expect(model.created).toBeGreaterThan(0);
    });

    it('raises NotFoundError for a model that is not served', async () => {
      const wrong = { ...chat(), model: 'no-such-model' };
      const error = await client.chat.completions.create(wrong).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(OpenAI.NotFoundError);
      expect(error).toMatchObject({ status: 404, code: 'model_not_found', param: 'model' });
      await expect(client.models.retrieve('no-such-model')).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    });

    it('answers a chat with text, a finish reason and token counts that add up', async () => {
      const { data, response } = await client.chat.completions.create(chat()).withResponse();
      expect(data.object).toBe('chat.completion');
      expect(data.id).toMatch(/^chatcmpl-/);
      expect(data.choices).toHaveLength(1);
      expect(data.choices[0]?.message.role).toBe('assistant');
      expect(data.choices[0]?.message.content).not.toBe('');
      expect(['stop', 'length']).toContain(data.choices[0]?.finish_reason);
      const usage = data.usage as OpenAI.CompletionUsage;
      expect(usage.prompt_tokens).toBeGreaterThan(0);
      expect(usage.completion_tokens).toBeGreaterThan(0);
      expect(usage.total_tokens).toBe(usage.prompt_tokens + usage.completion_tokens);
      expect(Number(response.headers.get('x-agentyard-wait-ms'))).toBeGreaterThanOrEqual(0);
      expect(response.headers.get('x-agentyard-wait-ms')).not.toBeNull();
    });

    it('streams the role first, then text, then the finish reason, and usage when asked', async () => {
      const stream = await client.chat.completions.create({
        ...chat(),
        stream: true,
        stream_options: { include_usage: true },
      });
      const chunks: OpenAI.ChatCompletionChunk[] = [];
      for await (const chunk of stream) chunks.push(chunk);
      expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
      expect(chunks[0]?.choices[0]?.delta.role).toBe('assistant');
      const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
      expect(text).not.toBe('');
      const reasons = chunks.flatMap((chunk) => chunk.choices[0]?.finish_reason ?? []);
      expect(reasons).toHaveLength(1);
      const last = chunks.at(-1);
      expect(last?.choices).toEqual([]);
      expect(last?.usage?.total_tokens).toBeGreaterThan(0);
      expect(chunks.slice(0, -1).every((chunk) => chunk.usage === null)).toBe(true);
      expect(last).toHaveProperty('agentyard.wait_ms');
    });

    it('streams the same text that it answers whole, when the seed and temperature leave no choice', async () => {
      const whole = await client.chat.completions.create(chat());
      const stream = client.chat.completions.stream(chat());
      expect(await stream.finalContent()).toBe(whole.choices[0]?.message.content);
    });

    it('completes a text, whole and as a stream', async () => {
      const request = { model: target.chatModel, prompt: 'One, two', max_tokens: 8, temperature: 0 };
      const whole = await client.completions.create(request);
      expect(whole.object).toBe('text_completion');
      const stream = await client.completions.create({ ...request, stream: true });
      let text = '';
      for await (const chunk of stream) text += chunk.choices[0]?.text ?? '';
      expect(text).toBe(whole.choices[0]?.text);
      expect(text).not.toBe('');
    });

    it('frees the slot when the client aborts a stream', async () => {
      const stream = await client.chat.completions.create({
        ...chat(),
        max_tokens: 2_000,
        temperature: 1,
        stream: true,
      });
      for await (const _ of stream) break;
      stream.controller.abort();
      const origin = target.baseURL.replace(/\/v1$/, '');
      await vi.waitFor(
        async () => {
          const metrics = await (await fetch(`${origin}/metrics`, { headers: authorization(target) })).text();
          expect(metrics).toMatch(
            new RegExp(`^agentyard:num_requests_running\\{model_name="${target.chatModel}"\\} 0$`, 'm'),
          );
        },
        { timeout: 10_000 },
      );
    });

    it('raises BadRequestError that names the field', async () => {
      const error = await client.chat.completions
        .create({ ...chat(), temperature: 9 })
        .catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(OpenAI.BadRequestError);
      expect(error).toMatchObject({ param: 'temperature', type: 'invalid_request_error' });
    });

    it('embeds texts to unit vectors, by default in base64 and the same in floats', async (context) => {
      if (target.embedModel === undefined) return context.skip('no model that embeds was given');
      const request = { model: target.embedModel, input: ['The cat sat on the mat.', 'Stock markets fell.'] };
      const base64 = await client.embeddings.create(request);
      const float = await client.embeddings.create({ ...request, encoding_format: 'float' });
      expect(base64.data.map(({ index }) => index)).toEqual([0, 1]);
      expect(base64.usage.prompt_tokens).toBeGreaterThan(0);
      base64.data.forEach(({ embedding }, index) => {
        expect(Math.hypot(...embedding)).toBeCloseTo(1, 4);
        const same = float.data[index]?.embedding ?? [];
        expect(same).toHaveLength(embedding.length);
        embedding.forEach((value, at) => {
          expect(value).toBeCloseTo(same[at] as number, 3);
        });
      });
      expect(base64.data[0]?.embedding).not.toEqual(base64.data[1]?.embedding);
    });
  });
}

function authorization({ apiKey }: ConformanceTarget): Record<string, string> {
  return apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
}
