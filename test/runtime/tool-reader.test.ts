/** Calls are told from text, however the answer is cut into pieces. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChatPart } from '../../lib/runtime/service.js';
import { toolCallText } from '../../lib/runtime/tool-prompt.js';
import { ToolCallReader } from '../../lib/runtime/tool-reader.js';

const NAMES = ['get_weather', 'search'];

/** Everything that a reader makes of an answer that comes in these pieces. */
function read(pieces: readonly string[]) {
  const reader = new ToolCallReader('a', NAMES);
  const parts: ChatPart[] = [...pieces.flatMap((piece) => reader.push(piece)), ...reader.finish()];
  const text = parts.map((part) => part.text).join('');
  const calls = parts.flatMap(({ toolCall }) => toolCall ?? []);
  const begun = calls.filter(({ id }) => id !== undefined).map(({ id, name }) => ({ id, name }));
  const texts = begun.map((_, at) =>
    calls
      .filter(({ index }) => index === at)
      .map((part) => part.arguments)
      .join(''),
  );
  return { text, begun, texts, calls: reader.calls, isCut: reader.isCut };
}

function cut(text: string, places: readonly number[]): string[] {
  const ends = [...new Set(places.map((place) => place % (text.length + 1)))].sort((a, b) => a - b);
  return [...ends, text.length].map((end, at) => text.slice(at === 0 ? 0 : ends[at - 1], end));
}

describe('an answer in pieces', () => {
  const call = fc.record({ name: fc.constantFrom(...NAMES), arguments: fc.dictionary(fc.string(), fc.jsonValue()) });
  const words = fc.string({
    unit: fc.constantFrom('a', '<', 't', '{', '"', '\\', ' ', '\n', '<tool', '</tool_call>', 'é'),
  });

  it('gives the same text and the same calls wherever it is cut', () => {
    fc.assert(
      fc.property(words, fc.array(call, { maxLength: 3 }), fc.array(fc.nat()), (before, calls, places) => {
        fc.pre(!before.includes('<tool_call>'));
        const whole = before + calls.map((one) => toolCallText(one as never)).join('');
        const { text, begun, texts, ...result } = read(cut(whole, places));
        // Blanks before a call are no text.
        expect(text).toBe(before.trim() === '' && calls.length > 0 ? '' : before);
        const expected = calls.map((one, at) => ({
          id: `call_a_${at}`,
          ...(JSON.parse(JSON.stringify(one)) as object),
        }));
        expect(JSON.parse(JSON.stringify(result.calls))).toEqual(expected);
        expect(begun).toEqual(calls.map(({ name }, at) => ({ id: `call_a_${at}`, name })));
        expect(texts.map((one) => JSON.parse(one) as unknown)).toEqual(
          expected.map((one) => (one as { arguments?: unknown }).arguments),
        );
        expect(result.isCut).toBe(false);
      }),
      { seed: 11, numRuns: 500 },
    );
  });

  it('gives text out as it comes, and holds back no more than what may be a tag', () => {
    const reader = new ToolCallReader('a', NAMES);
    expect(reader.push('Hello <')).toEqual([{ text: 'Hello ' }]);
    expect(reader.push('b> and <tool')).toEqual([{ text: '<b> and ' }]);
    expect(reader.push('box>')).toEqual([{ text: '<toolbox>' }]);
  });

  it('names the call before its arguments, and gives these out as they come', () => {
    const reader = new ToolCallReader('a', NAMES);
    expect(reader.push('<tool_call>{"name": "search", "argu')).toEqual([]);
    expect(reader.push('ments": {"q": "a')).toEqual([
      { text: '', toolCall: { index: 0, id: 'call_a_0', name: 'search', arguments: '' } },
      { text: '', toolCall: { index: 0, arguments: '{"q": "a' } },
    ]);
    expect(reader.push('}"}}</tool_')).toEqual([{ text: '', toolCall: { index: 0, arguments: '}"}' } }]);
    expect(reader.push('call>')).toEqual([]);
    expect(reader.calls).toEqual([{ id: 'call_a_0', name: 'search', arguments: { q: 'a}' } }]);
  });

  it('reads calls with blanks between them as other models space them', () => {
    const one = '<tool_call>\n{ "name" : "search" ,\n "arguments" : {} }\n</tool_call>';
    expect(read([`\n${one}\n${one}\n`])).toMatchObject({
      text: '',
      calls: [{ name: 'search', arguments: {} }, { name: 'search' }],
    });
  });
});

describe('what is no complete call', () => {
  it.each([
    ['in the tag', '\n<tool_c'],
    ['after the tag', '<tool_call>'],
    ['in its name', '<tool_call>{"name": "sea'],
    ['in its arguments', '<tool_call>{"name": "search", "arguments": {"q": "a'],
  ])('is left out when the answer ends %s', (_where, torso) => {
    const { text, calls, isCut } = read([`Wait. ${toolCallText({ name: 'search', arguments: {} })}${torso}`]);
    expect({ text, isCut }).toEqual({ text: 'Wait. ', isCut: true });
    expect(calls).toHaveLength(1);
  });

  it('is a call when only its closing tag is missing', () => {
    const { calls, isCut } = read(['<tool_call>{"name": "search", "arguments": {"q": 1}}</tool']);
    expect({ calls: calls.length, isCut }).toEqual({ calls: 1, isCut: false });
  });

  it.each([
    ['names a tool that was not offered', '<tool_call>{"name": "rm", "arguments": {}}</tool_call> done'],
    ['has arguments that are no object', '<tool_call>{"name": "search", "arguments": 1}</tool_call>'],
    ['is not in our form', '<tool_call>search(1)</tool_call>'],
    ['only speaks of the tag', 'Write <tool_call> first.'],
    ['never ends', `<tool_call>${'x'.repeat(1_000)}`],
  ])('is text when it %s', (_what, answer) => {
    expect(read([answer])).toEqual({ text: answer, begun: [], texts: [], calls: [], isCut: false });
    expect(read([...answer])).toEqual({ text: answer, begun: [], texts: [], calls: [], isCut: false });
  });

  it('is not counted when its arguments look like an object and are no JSON', () => {
    expect(read(['<tool_call>{"name": "search", "arguments": {q}}</tool_call>'])).toMatchObject({
      calls: [],
      isCut: true,
    });
  });
});
