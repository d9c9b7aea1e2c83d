/** A stream whose answer may call tools, for readers that keep up and for those that do not. */
import { describe, expect, it } from 'vitest';
import { AnswerStream } from '../../lib/runtime/answer-stream.js';
import type { FinishReason } from '../../lib/runtime/backend.js';
import type { ChatPart } from '../../lib/runtime/service.js';
import { toolCallText } from '../../lib/runtime/tool-prompt.js';
import { ToolCallReader } from '../../lib/runtime/tool-reader.js';

const SEARCH = toolCallText({ name: 'search', arguments: { q: 'bern' } });

function open(bufferBytes = 1_000) {
  const asked: string[] = [];
  const controls = {
    cancel: () => asked.push('cancel'),
    pause: () => asked.push('pause'),
    resume: () => asked.push('resume'),
  };
  return { stream: new AnswerStream('s', controls, bufferBytes, new ToolCallReader('s', ['search'])), asked };
}

function finish(stream: AnswerStream, finishReason: FinishReason): void {
  const usage = { promptTokens: 1, cachedTokens: 0, outputTokens: 1 };
  stream.finish({ id: 's', text: '', finishReason, usage, waitMs: 0, firstTokenMs: 0, totalMs: 0 });
}

async function read(stream: AnswerStream): Promise<ChatPart[]> {
  const parts: ChatPart[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

describe('an answer with a call', () => {
  it('keeps text and pieces of calls in order for a reader that comes late, and joins only text', async () => {
    const { stream } = open();
    for (const piece of ['Let ', 'me ', 'see. ', SEARCH.slice(0, -24), SEARCH.slice(-24)]) stream.push(piece);
    finish(stream, 'stop');
    const parts = await read(stream);
    expect(parts[0]).toEqual({ text: 'Let me see. ' });
    expect(parts[1]).toEqual({ text: '', toolCall: { index: 0, id: 'call_s_0', name: 'search', arguments: '' } });
    expect(
      parts
        .slice(2)
        .map(({ toolCall }) => toolCall!.arguments)
        .join(''),
    ).toBe('{"q": "bern"}');
    expect(parts.length).toBeGreaterThan(3);
    expect(await stream.result()).toMatchObject({
      text: 'Let me see. ',
      finishReason: 'tool_calls',
      toolCalls: [{ id: 'call_s_0', name: 'search', arguments: { q: 'bern' } }],
    });
  });

  it('gives each piece to a reader that waits for it', async () => {
    const { stream } = open();
    const parts = read(stream);
    for (const character of `Yes. ${SEARCH}`) stream.push(character);
    finish(stream, 'stop');
    const text = (await parts).map((part) => part.text).join('');
    expect(text).toBe('Yes. ');
  });

  it('asks for a pause when arguments pile up, and for more when they are read', async () => {
    const { stream, asked } = open(8);
    stream.push(SEARCH);
    expect(asked).toEqual(['pause']);
    finish(stream, 'stop');
    await read(stream);
    expect(asked).toEqual(['pause', 'resume']);
  });

  it.each([
    ['stop', SEARCH, 'tool_calls', 1],
    ['length', SEARCH, 'tool_calls', 1],
    ['length', SEARCH + SEARCH.slice(0, 40), 'length', 1],
    ['length', SEARCH.slice(0, 40), 'length', undefined],
    ['cancelled', SEARCH, 'cancelled', 1],
    ['stop', 'No.', 'stop', undefined],
  ] as const)('that ends by %s after %j ends by %s', async (reason, answer, end, calls) => {
    const { stream } = open();
    stream.push(answer);
    finish(stream, reason);
    const result = await stream.result();
    expect([result.finishReason, result.toolCalls?.length]).toEqual([end, calls]);
  });
});
