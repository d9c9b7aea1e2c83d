import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineAgent, structured, withJsonSchema } from '../../lib/agents/index.js';
import { InvalidAgentError } from '../../lib/base/agent-errors.js';
import { InvalidRequestError } from '../../lib/base/errors.js';
import { Yard } from '../../lib/yard.js';
import { shout, textSchema } from './support.js';

const whole = {
  name: 'shout',
  version: '1',
  description: 'Says it loudly.',
  input: textSchema,
  output: textSchema,
  run: ({ text }: { text: string }) => ({ text }),
};

function refusal(change: object): InvalidAgentError {
  try {
    defineAgent({ ...whole, ...change } as never);
  } catch (error) {
    if (error instanceof InvalidAgentError) return error;
    throw error;
  }
  throw new Error('It was defined.');
}

describe('a definition', () => {
  it('becomes a frozen agent that is known by name and version', () => {
    expect(shout).toMatchObject({ id: 'shout@1', name: 'shout', version: '1', pure: false, deprecated: undefined });
    expect(Object.isFrozen(shout)).toBe(true);
  });

  it.each([
    ['name', 'Shout'],
    ['name', '1st'],
    ['name', ''],
    ['name', 'a'.repeat(65)],
    ['name', undefined],
    ['version', '1.2.3.4'],
    ['version', 'v1'],
    ['version', '01'],
    ['version', 2],
    ['description', ' '],
    ['weight', 0],
    ['weight', Number.NaN],
    ['weight', Number.POSITIVE_INFINITY],
    ['estimateMs', -1],
    ['timeoutMs', 0],
    ['demand', { slots: -1 }],
    ['pure', 'yes'],
    ['model', ''],
    ['deprecated', ''],
    ['run', 'later'],
    ['input', undefined],
    ['output', { type: 'object' }],
  ])('is refused by its %s: %s', (field, value) => {
    const error = refusal({ [field]: value });
    expect(error).toMatchObject({ code: 'AY_INVALID_AGENT', field });
    expect(error.message).toContain(`"${field}"`);
  });

  it('is refused for a field that there is not, with the one that was meant', () => {
    expect(refusal({ desription: 'x' }).message).toContain('Did you mean "description"?');
    expect(() => defineAgent(undefined as never)).toThrow(InvalidAgentError);
  });

  it('may be an object whose run is a method of it', async () => {
    const definition = {
      ...whole,
      run(): { text: string } {
        return { text: this.description };
      },
    };
    const agent = defineAgent(definition);
    definition.run = () => ({ text: 'another one, later' });
    expect(await new Yard().run(agent, { text: 'x' })).toEqual({ text: whole.description });
  });
});

describe('the JSON Schema of an agent', () => {
  it('is that of what callers send, and of what they get', () => {
    const schema = z.object({ text: z.string(), loud: z.boolean().default(true) });
    const agent = defineAgent({ ...whole, input: schema, output: schema } as never);
    expect(agent.inputJsonSchema).toMatchObject({ type: 'object', required: ['text'] });
    expect(agent.outputJsonSchema).toMatchObject({ type: 'object', required: ['text', 'loud'] });
    expect(Object.isFrozen((agent.inputJsonSchema as { properties: object }).properties)).toBe(true);
  });

  it.each([
    ['zod', textSchema],
    ['valibot', toStandardJsonSchema(v.object({ text: v.string() }))],
    ['arktype', type({ text: 'string' })],
  ])('comes from %s', (_, schema) => {
    const agent = defineAgent({ ...whole, input: schema, output: schema } as never);
    for (const json of [agent.inputJsonSchema, agent.outputJsonSchema]) {
      expect(json).toMatchObject({ type: 'object', properties: { text: { type: 'string' } }, required: ['text'] });
    }
  });

  it.each([
    ['a date', z.object({ at: z.date() })],
    ['a custom check', z.custom<string>()],
    ['a map', z.map(z.string(), z.string())],
  ])('is missed with the cure: %s', (_, schema) => {
    const error = refusal({ input: schema });
    expect(error.field).toBe('input');
    expect(error.message).toContain('withJsonSchema');
  });

  it('is missed with the wrapper that valibot needs', () => {
    expect(refusal({ output: v.object({ text: v.string() }) }).message).toContain('toStandardJsonSchema(schema)');
  });

  it('can be given by hand, for one side or for both', () => {
    const date = z.date();
    const both = withJsonSchema(date, { type: 'string', format: 'date-time' });
    expect(defineAgent({ ...whole, input: both, output: both } as never)).toMatchObject({
      inputJsonSchema: { format: 'date-time' },
      outputJsonSchema: { format: 'date-time' },
    });
    const each = withJsonSchema(date, { input: { type: 'number' }, output: { type: 'string' } });
    expect(defineAgent({ ...whole, input: each, output: each } as never)).toMatchObject({
      inputJsonSchema: { type: 'number' },
      outputJsonSchema: { type: 'string' },
    });
    expect(each['~standard'].validate(5)).toHaveProperty('issues');
  });
});

describe('structured', () => {
  it('gives the schema back when a grammar can hold it', () => {
    expect(structured(textSchema)).toBe(textSchema);
  });

  it('refuses where the agent is defined what no grammar can hold', () => {
    const hard = withJsonSchema(z.array(z.string()), { type: 'array', uniqueItems: true, items: { type: 'string' } });
    expect(() => structured(hard)).toThrow(InvalidRequestError);
    expect(() => structured(z.object({ at: z.date() }))).toThrow(InvalidAgentError);
  });
});
