import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type ConversationOptions,
  type ConversationStore,
  conversation,
  type Memory,
} from '../../../lib/agents/built-in/conversation/index.js';
import { chooseQuotes, statementsOf } from '../../../lib/agents/built-in/conversation/quotes.js';
import { type AnswerFunction, createTestYard, scriptedModel } from '../../../lib/testing/index.js';
import type { Yard } from '../../../lib/yard.js';
import { LONE_SURROGATE, NUL } from './support.js';

const open: Yard[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((yard) => yard.close()));
});

type Messages = readonly { role: string; content: string }[];

function isSummary(messages: Messages): boolean {
  return messages.at(-1)!.content.endsWith('Write the new notes.');
}

async function setUp(answers: AnswerFunction, options: ConversationOptions = {}) {
  const model = scriptedModel({ answers });
  const yard = await createTestYard({ models: { m: model } });
  open.push(yard);
  const agent = conversation(options);
  const say = (message: string, name = 'c', tenant = 'default') =>
    yard.run(agent, { conversation: name, message }, { tenant });
  return { model, yard, agent, say, replies: () => model.requests.filter(({ messages }) => !isSummary(messages)) };
}

it('shows the model the earlier turns, and names a conversation that has no name', async () => {
  const { yard, agent, model } = await setUp(({ call }) => ` answer ${call} `);
  const first = await yard.run(agent, { message: 'one' });
  expect(first).toMatchObject({ turn: 1, reply: ' answer 1 ', isComplete: true });
  const second = await yard.run(agent, { conversation: first.conversation, message: 'two' });
  expect(second).toMatchObject({ conversation: first.conversation, turn: 2, memory: { turns: 1, summedUp: 0 } });
  expect(model.requests[1]!.messages.map(({ role, content }) => `${role}: ${content}`).slice(1)).toEqual([
    'user: one',
    'assistant:  answer 1 ',
    'user: two',
  ]);
  const other = await yard.run(agent, { message: 'one' });
  expect(other.conversation).not.toBe(first.conversation);
});

it('streams the reply', async () => {
  const { yard, agent } = await setUp(() => 'several words of a reply');
  const parts: string[] = [];
  const { reply } = await yard.run(agent, { message: 'hello' }, { onPart: (text) => parts.push(text) });
  expect(parts.join('')).toBe(reply);
});

it('keeps conversations and tenants apart', async () => {
  const { say, model } = await setUp(({ lastMessage }) => `re ${lastMessage}`);
  await say('secret of a', 'a');
  await say('secret of b', 'b');
  await say('secret of another tenant', 'a', 'other');
  await say('what?', 'a');
  expect(
    model.requests
      .at(-1)!
      .messages.map(({ content }) => content)
      .slice(1),
  ).toEqual(['secret of a', 're secret of a', 'what?']);
});

describe('when the memory is full', () => {
  const long = (turn: number) => `My number ${turn} is ${turn * 1_000 + 7}. ${'And so on it goes. '.repeat(12)}`;

  it('puts notes in the place of the oldest turns, rarely, and grows the prompt at its end in between', async () => {
    const { say, model, replies } = await setUp(({ messages }) => (isSummary(messages) ? 'NOTES.' : 'fine then'), {
      memoryTokens: 600,
      keepTurns: 1,
    });
    for (let turn = 1; turn <= 24; turn++) {
      const { memory } = await say(long(turn));
      expect(memory.promptTokens).toBeLessThanOrEqual(600);
      expect(memory.turns + memory.summedUp).toBe(turn - 1);
    }
    const prompts = replies().map(({ messages }) => messages);
    const summaries = model.calls - prompts.length;
    expect(summaries).toBeGreaterThan(1);
    expect(summaries).toBeLessThanOrEqual(24 / 3);
    const isPrefix = (before: Messages, after: Messages) =>
      before.every(({ content }, at) => after[at]!.content === content);
    const breaks = prompts.slice(1).filter((prompt, at) => !isPrefix(prompts[at]!, prompt)).length;
    expect(breaks).toBe(summaries);
    expect(prompts.at(-1)![0]!.content).toContain('NOTES.');
  });

  it('says word for word what the notes lost', async () => {
    const { say, replies } = await setUp(
      ({ messages }) => (isSummary(messages) ? 'They talked about the weather.' : 'I see'),
      { memoryTokens: 400, keepTurns: 0 },
    );
    await say('My sister Clara lives in Lisbon, at number 43. Do you like it there?');
    for (let turn = 0; turn < 10; turn++)
      await say(`The weather is fine today. ${'It is warm and dry here. '.repeat(8)}`);
    const head = replies().at(-1)!.messages[0]!.content;
    expect(head).toContain('My sister Clara lives in Lisbon, at number 43.');
    expect(head).not.toContain('Do you like it there?');
  });

  it('never goes beyond the budget, whatever is said', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 60 })), {
          minLength: 1,
          maxLength: 15,
        }),
        fc.integer({ min: 0, max: 3 }),
        async (turns, keepTurns) => {
          const { say, yard } = await setUp(
            ({ messages, lastMessage }) =>
              isSummary(messages) ? 'note '.repeat(40) : 'word '.repeat(Number(lastMessage.split(' ')[0])),
            { memoryTokens: 256, keepTurns },
          );
          for (const [words, replyWords] of turns) {
            const { memory } = await say(`${replyWords} ${'said '.repeat(words)}`);
            expect(memory.promptTokens).toBeLessThanOrEqual(256);
          }
          await yard.close();
        },
      ),
      { numRuns: 20 },
    );
  });

  it('sums up as work of the class that it is told, else of the run', async () => {
    for (const summaryClass of [undefined, 'batch'] as const) {
      const { yard, agent, model } = await setUp(() => 'ok', { memoryTokens: 256, keepTurns: 0, summaryClass });
      const classes: string[] = [];
      yard.onSettled((record) => classes.push(record.class));
      for (let turn = 0; turn < 6; turn++) {
        await yard.run(agent, { conversation: 'c', message: long(turn) }, { class: 'interactive' });
      }
      expect(model.calls).toBeGreaterThan(6);
      expect(new Set(classes)).toEqual(new Set(['interactive', ...(summaryClass === undefined ? [] : [summaryClass])]));
    }
  });
});

describe('one turn at a time', () => {
  it('refuses a message that comes while another is answered, and keeps nothing of it', async () => {
    let release = () => {};
    const { say, model } = await setUp(({ lastMessage }) =>
      lastMessage === 'slow'
        ? new Promise<string>((resolve) => {
            release = () => resolve('done');
          })
        : 'ok',
    );
    const slow = say('slow');
    await expect(say('hasty')).rejects.toMatchObject({ code: 'AY_CONVERSATION_BUSY', retryable: true });
    await expect(say('elsewhere', 'd')).resolves.toMatchObject({ turn: 1 });
    release();
    await expect(slow).resolves.toMatchObject({ turn: 1 });
    await expect(say('next')).resolves.toMatchObject({ turn: 2 });
    expect(model.requests.at(-1)!.messages.map(({ content }) => content)).not.toContain('hasty');
  });

  it('leaves the conversation as it was when a turn fails or is cancelled', async () => {
    const { say, yard, agent, model } = await setUp(({ lastMessage }) => {
      if (lastMessage === 'bad') return { text: 'half an', error: new Error('broken') };
      return lastMessage === 'hangs' ? new Promise<never>(() => {}) : 'ok';
    });
    await say('one');
    await expect(say('bad')).rejects.toMatchObject({ code: expect.stringMatching(/^AY_/) });
    const leave = new AbortController();
    const hangs = yard.run(agent, { conversation: 'c', message: 'hangs' }, { signal: leave.signal });
    setImmediate(() => leave.abort());
    await expect(hangs).rejects.toMatchObject({ code: 'AY_CANCELLED' });
    await expect(say('two')).resolves.toMatchObject({ turn: 2 });
    expect(
      model.requests
        .at(-1)!
        .messages.map(({ content }) => content)
        .slice(1),
    ).toEqual(['one', 'ok', 'two']);
  });

  it('also when the notes fail', async () => {
    let isBroken = true;
    const { say } = await setUp(({ messages }) => (isSummary(messages) && isBroken ? new Error('broken') : 'ok'), {
      memoryTokens: 256,
      keepTurns: 0,
    });
    const message = 'said again '.repeat(20);
    let turn = 0;
    await expect(
      (async () => {
        for (;;) turn = (await say(message)).turn;
      })(),
    ).rejects.toMatchObject({ code: expect.stringMatching(/^AY_/) });
    isBroken = false;
    await expect(say(message)).resolves.toMatchObject({ turn: turn + 1 });
  });
});

describe('the store', () => {
  it('forgets the conversation that was silent longest', async () => {
    const { say } = await setUp(() => 'ok', { maxConversations: 2 });
    for (const name of ['a', 'b', 'a', 'c']) await say('hello', name);
    await expect(say('hello', 'a')).resolves.toMatchObject({ turn: 3 });
    await expect(say('hello', 'b')).resolves.toMatchObject({ turn: 1 });
  });

  it('may be anybody’s, and holds plain data', async () => {
    const kept = new Map<string, string>();
    const store: ConversationStore = {
      get: async (key) => (kept.has(key) ? (JSON.parse(kept.get(key)!) as Memory) : undefined),
      set: async (key, memory) => {
        kept.set(key, JSON.stringify(memory));
      },
    };
    const first = await setUp(() => 'ok', { store });
    await first.say('one');
    const second = await setUp(() => 'ok', { store });
    await expect(second.say('two')).resolves.toMatchObject({ turn: 2, memory: { turns: 1 } });
  });

  it('ends the turn when it fails', async () => {
    const store: ConversationStore = {
      get: () => undefined,
      set: () => {
        throw new Error('disk full');
      },
    };
    const { say } = await setUp(() => 'ok', { store });
    await expect(say('one')).rejects.toMatchObject({ code: 'AY_AGENT_FAILED' });
  });
});

describe('bad input', () => {
  it.each([['  '], [''], [NUL], [LONE_SURROGATE]])('is refused: %j', async (message) => {
    const { say, model } = await setUp(() => 'ok');
    await expect(say(message)).rejects.toMatchObject({
      code: 'AY_INVALID_INPUT',
      issues: expect.arrayContaining([expect.objectContaining({ path: 'message' })]),
    });
    expect(model.calls).toBe(0);
  });

  it('is refused when it is longer than the memory, with both figures', async () => {
    const { say, model } = await setUp(() => 'ok', { memoryTokens: 256 });
    await expect(say('word '.repeat(300))).rejects.toMatchObject({
      code: 'AY_INVALID_INPUT',
      issues: [{ path: 'message', message: expect.stringMatching(/\d+ tokens.*256/) }],
    });
    expect(model.calls).toBe(0);
    await expect(say('short')).resolves.toMatchObject({ turn: 1 });
  });

  it('is refused when the agent is made', () => {
    expect(() => conversation({ memoryTokens: 10 })).toThrow(/"memoryTokens"/);
    expect(() => conversation({ memoryTokens: 256, system: 'long '.repeat(100) })).toThrow(/system text/);
    expect(() => conversation({ store: {} as ConversationStore })).toThrow(/"store"/);
    expect(() => conversation({ memoryToken: 300 } as ConversationOptions)).toThrow(/Did you mean "memoryTokens"/);
  });
});

describe('quotes', () => {
  it('are statements, the telling ones first, within the room', () => {
    const statements = statementsOf([
      'Hi there! My dog is called Rex. What should I feed him?',
      'Tell me more about that.',
      'I was born on 3 May 1984 in Turin. Tell me more about food.',
    ]);
    expect(statements).not.toContain('What should I feed him?');
    const chosen = chooseQuotes(statements, 'The user asked about food.', (text) => text.length <= 60);
    expect(chosen).toEqual(['My dog is called Rex.', 'I was born on 3 May 1984 in Turin.']);
  });

  it('leave out what the notes hold', () => {
    expect(chooseQuotes(['My dog is called Rex.'], 'The user: my dog is called Rex', () => true)).toEqual([]);
  });
});
