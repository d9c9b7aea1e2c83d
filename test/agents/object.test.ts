/** Values out of a model: bound, checked, repaired once. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineAgent, structured, withJsonSchema } from '../../lib/agents/index.js';
import { errorOf } from '../support/gate.js';
import { type ModelYard, makeModelYard, until } from './support.js';

const schema = structured(z.object({ city: z.string(), people: z.number().max(1_000_000) }));

let models: ModelYard;

beforeEach(async () => {
  models = await makeModelYard();
});

afterEach(async () => {
  await models.yard.close();
});

const finds = (repairs?: number) =>
  defineAgent({
    name: 'finds',
    version: '1',
    description: 'Finds a city.',
    input: z.object({ maxTokens: z.number().optional() }),
    output: schema,
    run: ({ maxTokens }, ctx) =>
      ctx.object({
        schema,
        messages: [{ role: 'user', content: 'Which city?' }],
        repairs,
        ...(maxTokens !== undefined && { maxTokens }),
      }),
  });

function jobs() {
  return models.backends.get('chat')!.starts.map(({ job }) => {
    if (job.kind !== 'chat') throw new Error('no chat');
    return job;
  });
}

it('binds the answer to the schema, and gives what came out of its validation', async () => {
  models.answers.push('{"city": "Ulm", "people": 130000}');
  expect(await models.yard.run(finds(), {})).toEqual({ city: 'Ulm', people: 130_000 });
  expect(jobs()).toHaveLength(1);
  expect(jobs()[0]!.options.jsonSchema).toMatchObject({ type: 'object', required: ['city', 'people'] });
});

describe('an answer that does not fit', () => {
  it.each([
    ['does not fit its schema', '{"city": "Ulm", "people": 9000000}', '- people: '],
    ['is no JSON', 'Ulm, I think', '- The value: is not JSON'],
  ])('is shown to the model once, with what is wrong: it %s', async (_, wrong, said) => {
    models.answers.push(wrong, '{"city": "Ulm", "people": 130000}');
    expect(await models.yard.run(finds(), {})).toMatchObject({ people: 130_000 });
    const { messages } = jobs()[1]!;
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    expect(messages[1]!.content).toBe(wrong);
    expect(messages[2]!.content).toContain(said);
  });

  it('twice is a typed failure, of the agent that asked', async () => {
    models.answers.push('{"city": "Ulm"}', '{"city": 7, "people": 1}', 'not used');
    expect(await errorOf(models.yard.run(finds(), {}))).toMatchObject({
      code: 'AY_INVALID_OUTPUT',
      agent: 'finds@1',
      issues: [{ path: 'city', expected: 'string', got: 'number' }],
    });
    expect(models.answers).toEqual(['not used']);
  });

  it('is not repaired where nobody wants that', async () => {
    models.answers.push('{}', 'not used');
    expect(await errorOf(models.yard.run(finds(0), {}))).toMatchObject({ code: 'AY_INVALID_OUTPUT' });
    expect(models.answers).toEqual(['not used']);
    expect(await errorOf(models.yard.run(finds(2), {}))).toMatchObject({
      code: 'AY_INVALID_REQUEST',
      param: 'repairs',
    });
  });

  it('because its tokens ran out is not repaired, even when what there is would fit', async () => {
    const call = models.yard.run(finds(), { maxTokens: 1 });
    const backend = models.backends.get('chat')!;
    await until(() => backend.running.size === 1);
    backend.step('{"city": "Ulm", "people": 13}');
    expect(await errorOf(call)).toMatchObject({ code: 'AY_OUTPUT_TRUNCATED', agent: 'finds@1', outputTokens: 1 });
    expect(jobs()).toHaveLength(1);
  });
});

it('a schema that no grammar holds is refused before anything is asked', async () => {
  const odd = withJsonSchema(z.array(z.string()), { type: 'array', uniqueItems: true });
  const agent = defineAgent({
    name: 'odd',
    version: '1',
    description: 'Odd.',
    input: z.object({}),
    output: z.array(z.string()),
    run: (_, ctx) => ctx.object({ schema: odd, messages: [{ role: 'user', content: 'x' }] }),
  });
  expect(await errorOf(models.yard.run(agent, {}))).toMatchObject({ code: 'AY_INVALID_REQUEST' });
  expect(models.backends.get('chat')!.starts).toHaveLength(0);
});
