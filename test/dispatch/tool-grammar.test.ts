/** Every text of the grammar is text, or calls whose arguments fit; every answer that should be possible is. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { Random } from '../../lib/base/random.js';
import { toolGrammar } from '../../lib/dispatch/engine/tool-grammar.js';
import type { ToolBounds } from '../../lib/runtime/backend.js';
import { toolCallText } from '../../lib/runtime/tool-prompt.js';
import { ToolCallReader } from '../../lib/runtime/tool-reader.js';
import { Gbnf } from '../support/gbnf.js';

const WEATHER = {
  type: 'object',
  properties: {
    city: { type: 'string', maxLength: 20 },
    unit: { enum: ['celsius', 'fahrenheit'] },
    days: { type: 'array', items: { $ref: '#/$defs/day' }, maxItems: 3 },
  },
  required: ['city'],
  $defs: { day: { type: 'integer', minimum: 1, maximum: 7 } },
};
const TREE = {
  type: 'object',
  properties: { root: { $ref: '#/$defs/node' } },
  required: ['root'],
  additionalProperties: false,
  $defs: {
    node: {
      type: 'object',
      properties: { 'a[b] "c"': { type: 'boolean' }, child: { $ref: '#/$defs/node' } },
      additionalProperties: false,
    },
  },
};
const TOOLS = [
  { name: 'get_weather', parameters: WEATHER },
  { name: 'plant-tree', parameters: TREE },
  { name: 'now', parameters: { type: 'object', properties: {}, additionalProperties: false } },
];
const SCHEMAS = new Map(TOOLS.map(({ name, parameters }) => [name, new Ajv2020().compile(parameters)]));

const bounds = (choice: ToolBounds['choice'], callsMax = 3): ToolBounds => ({
  tools: choice === 'none' ? [] : TOOLS,
  choice,
  callsMax,
});

function read(answer: string) {
  const reader = new ToolCallReader('a', SCHEMAS.keys());
  const parts = [...reader.push(answer), ...reader.finish()];
  return { text: parts.map(({ text }) => text).join(''), calls: reader.calls, isCut: reader.isCut };
}

const now = toolCallText({ name: 'now', arguments: {} });
const bern = toolCallText({ name: 'get_weather', arguments: { city: 'Bern' } });
const tree = toolCallText({ name: 'plant-tree', arguments: { root: { 'a[b] "c"': true, child: {} } } });

describe('the grammar of an answer with tools', () => {
  it.each(['auto', 'required'] as const)('derives only calls that fit their schemas, choice %s', (choice) => {
    const grammar = new Gbnf(toolGrammar(bounds(choice), undefined));
    const random = new Random(5);
    const seen = new Set<string>();
    for (let round = 0; round < 300; round++) {
      const answer = grammar.derive(random);
      const { text, calls, isCut } = read(answer);
      expect(isCut, answer).toBe(false);
      expect(text, answer).not.toContain('<tool_call>');
      if (choice === 'required') expect({ text, some: calls.length > 0 }, answer).toEqual({ text: '', some: true });
      expect(calls.length).toBeLessThanOrEqual(3);
      for (const call of calls) {
        expect(SCHEMAS.get(call.name)!(call.arguments), answer).toBe(true);
        seen.add(call.name);
      }
    }
    // Random text hardly ever spells the tag; where calls are certain, each tool is called.
    if (choice === 'required') expect([...seen].sort()).toEqual(['get_weather', 'now', 'plant-tree']);
  });

  it.each([
    ['text', 'It is sunny.', true],
    ['nothing', '', true],
    ['text with half a tag', 'a <tool_cal and <<tool_call and <tool_call', true],
    ['JSON that is no call', '{"name": "now", "arguments": {}}', true],
    ['a call', bern, true],
    ['a call after text', `Let me see.\n${bern}`, true],
    ['a call after a slip', `<tool_<tool_call<${bern}`, true],
    [
      'a call with optional fields',
      toolCallText({ name: 'get_weather', arguments: { city: 'Bern', days: [1, 7] } }),
      true,
    ],
    ['calls', `${bern}\n${tree}${now}`, true],
    ['more calls than allowed', now.repeat(4), false],
    ['text after a call', `${now} Done.`, false],
    ['a call of no tool', toolCallText({ name: 'rm', arguments: {} }), false],
    ['arguments of another tool', toolCallText({ name: 'now', arguments: { city: 'Bern' } }), false],
    ['arguments that lack a field', toolCallText({ name: 'get_weather', arguments: { unit: 'celsius' } }), false],
    ['arguments out of range', toolCallText({ name: 'get_weather', arguments: { city: 'Bern', days: [8] } }), false],
    ['an open call', '<tool_call>', false],
    ['an open call after text', 'See <tool_call>{"name": "now"', false],
  ])('says of %s whether it is an answer', (_what, answer, isAnswer) => {
    expect(new Gbnf(toolGrammar(bounds('auto'), undefined)).accepts(answer)).toBe(isAnswer);
  });

  it('holds calls alone when they are required, and one where one is allowed', () => {
    const grammar = new Gbnf(toolGrammar(bounds('required', 1), undefined));
    expect([now, bern, tree].every((one) => grammar.accepts(one))).toBe(true);
    expect(['', 'Hello', `Hello ${now}`, now + now].some((one) => grammar.accepts(one))).toBe(false);
  });

  it('holds no call when none is wanted', () => {
    const grammar = new Gbnf(toolGrammar(bounds('none'), undefined));
    expect(['', 'Hello', '<tool_call', '<<b>tool_call>'].every((one) => grammar.accepts(one))).toBe(true);
    expect([now, `x${now}`, '<tool_call>', '<<tool_call> y'].some((one) => grammar.accepts(one))).toBe(false);
  });

  it('holds calls or a value of the schema when the answer has one', () => {
    const schema = { type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'] };
    const grammar = new Gbnf(toolGrammar(bounds('auto'), schema));
    expect([now, '{"ok":true}'].every((one) => grammar.accepts(one))).toBe(true);
    expect(['ok', `{"ok":true}${now}`, '{}'].some((one) => grammar.accepts(one))).toBe(false);
    const plain = new Gbnf(toolGrammar(bounds('none'), schema));
    expect([plain.accepts('{"ok":true}'), plain.accepts(now)]).toEqual([true, false]);
  });

  it('names the tool whose schema it cannot hold, and the place', () => {
    const parameters = { type: 'object', properties: { id: { not: { type: 'null' } } } };
    const refused = () =>
      toolGrammar({ tools: [...TOOLS, { name: 'odd', parameters }], choice: 'auto', callsMax: 1 }, undefined);
    expect(refused).toThrow(/Tool "odd": .*"not".*properties\.id/);
    expect(refused).toThrow(expect.objectContaining({ code: 'AY_INVALID_REQUEST', param: 'tools' }));
  });
});
