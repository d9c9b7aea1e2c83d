import { afterEach, describe, expect, it } from 'vitest';
import { type TranslationOptions, translation } from '../../../lib/agents/built-in/translation/index.js';
import { Random } from '../../../lib/base/random.js';
import { type AnswerFunction, createTestYard, scriptedModel } from '../../../lib/testing/index.js';
import type { Yard } from '../../../lib/yard.js';

const open: Yard[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((yard) => yard.close()));
});

async function setUp(answers: AnswerFunction, options: TranslationOptions = {}) {
  const model = scriptedModel({ answers, contextTokens: 100_000 });
  const yard = await createTestYard({ models: { m: model } });
  open.push(yard);
  const agent = translation(options);
  return { model, yard, agent };
}

/** "Translates" word by word, keeping all that must stand: every lower-case word gets a letter more. */
function pretend(text: string): string {
  return text.replace(/(?<![\p{L}\p{N}{%$:</@.&])\b[a-z]{3,}\b(?![\w}>:@/.;])/gu, (word) => `${word}o`);
}

/** The text that is to be translated: later messages only complain. */
function textOf(messages: readonly { role: string; content: string }[]): string {
  return messages[1]!.content;
}

it('answers every text in every language, texts first, in their order, whatever the order of the answers', async () => {
  const { yard, agent, model } = await setUp(({ messages }) => ({
    text: `${/into (\w+)/.exec(messages[0]!.content)![1]}: ${pretend(textOf(messages))}`,
    latencyMs: textOf(messages).length % 7,
  }));
  const texts = Array.from({ length: 12 }, (_, at) => `the house has ${at + 20} rooms${'!'.repeat(at % 5)}`);
  const progress: number[] = [];
  const { translations } = await yard.run(
    agent,
    { texts, languages: ['de', 'fr'] },
    { onProgress: ({ done, total }) => progress.push(done / total!) },
  );
  expect(translations.map(({ index, language }) => `${index} ${language}`)).toEqual(
    texts.flatMap((_, at) => [`${at} de`, `${at} fr`]),
  );
  for (const one of translations) {
    expect(one).toMatchObject({ status: 'translated', intact: true, attempts: 1, way: 'plain' });
    const name = one.language === 'de' ? 'German' : 'French';
    expect((one as { text: string }).text).toBe(`${name}: ${pretend(texts[one.index]!)}`);
  }
  expect(progress.at(-1)).toBe(1);
  expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  expect(model.calls).toBe(24);
  expect(model.runningMax).toBeGreaterThan(1);
});

it('translates the same text once, and what has no words not at all', async () => {
  const { yard, agent, model } = await setUp(({ messages }) => pretend(textOf(messages)));
  const { translations } = await yard.run(agent, {
    texts: ['same text', 'same text', ' {name}: 1,234.50\n'],
    languages: ['de'],
    source: 'en',
  });
  expect(model.calls).toBe(1);
  expect(translations.map((one) => 'text' in one && one.text)).toEqual([
    'sameo texto',
    'sameo texto',
    ' {name}: 1.234,50\n',
  ]);
});

describe('when the model loses something', () => {
  it('names what was lost, and takes the answer that has it', async () => {
    const { yard, agent, model } = await setUp(({ messages }) =>
      messages.length === 2 ? 'Hallo, 6 Briefe' : 'Hallo {name}, 5 Briefe',
    );
    const { translations } = await yard.run(agent, { texts: ['Hello {name}, 5 letters'], languages: ['de'] });
    expect(translations[0]).toMatchObject({ text: 'Hallo {name}, 5 Briefe', attempts: 2, way: 'plain' });
    const complaint = model.requests[1]!.lastMessage;
    for (const lost of ['{name}', '5', '6']) expect(complaint).toContain(lost);
    // The first prompt stands, so its tokens are not read again.
    expect(model.requests[1]!.messages.slice(0, 2)).toEqual(model.requests[0]!.messages);
  });

  it('puts marks in its place after the attempts', async () => {
    const { yard, agent, model } = await setUp(
      ({ messages }) => (textOf(messages).includes('⟦') ? 'Hallo ⟦1⟧, ⟦2⟧ Briefe' : 'Hallo'),
      { attempts: 3 },
    );
    const { translations } = await yard.run(agent, { texts: ['Hello {name}, 5 letters'], languages: ['de'] });
    expect(translations[0]).toMatchObject({ text: 'Hallo {name}, 5 Briefe', attempts: 4, way: 'masked' });
    expect(model.requests.at(-1)!.lastMessage).toBe('Hello ⟦1⟧, ⟦2⟧ letters');
  });

  it('puts it together itself in the end', async () => {
    const { yard, agent } = await setUp(
      ({ messages }) => (/^(Hello|letters)$/.test(textOf(messages)) ? `${textOf(messages)}o` : 'nothing'),
      { attempts: 1 },
    );
    const { translations } = await yard.run(agent, { texts: [' Hello {name}, 5 letters '], languages: ['de'] });
    expect(translations[0]).toMatchObject({ status: 'translated', way: 'pieces' });
  });

  it.each([
    [undefined, { status: 'failed', code: 'AY_TRANSLATION_LOST' }],
    ['source', { status: 'source', intact: false, text: 'Hello {name} again' }],
  ] as const)('says so when nothing helps (onLoss %s), and the other texts are unharmed', async (onLoss, expected) => {
    const { yard, agent } = await setUp(
      ({ messages }) => (textOf(messages) === 'fine words' ? 'gute Worte' : '{bad} 7'),
      {
        onLoss,
        attempts: 1,
      },
    );
    const { translations } = await yard.run(agent, { texts: ['Hello {name} again', 'fine words'], languages: ['de'] });
    expect(translations[0]).toMatchObject({
      ...expected,
      losses: expect.arrayContaining([{ kind: 'placeholder', problem: 'lost', text: '{name}' }]),
    });
    expect(translations[1]).toMatchObject({ status: 'translated', text: 'gute Worte' });
  });

  it('enforces the glossary, of the agent and of the call', async () => {
    const { yard, agent, model } = await setUp(
      ({ messages }) => (messages.length === 2 ? 'Die Faktura der Firma' : 'Die Rechnung des Betriebs'),
      { glossary: { invoice: { de: 'Rechnung' } } },
    );
    const { translations } = await yard.run(agent, {
      texts: ['The invoice of the company'],
      languages: ['de-AT'],
      glossary: { company: { de: 'Betrieb' } },
    });
    expect(translations[0]).toMatchObject({ text: 'Die Rechnung des Betriebs', attempts: 2 });
    expect(model.requests[0]!.messages[0]!.content).toContain('"invoice" as "Rechnung"');
  });

  it('gives an answer that was cut off more room', async () => {
    const { yard, agent, model } = await setUp(({ call }) =>
      call === 1 ? { text: 'Guten', finishReason: 'length' } : 'Guten Tag',
    );
    const { translations } = await yard.run(agent, { texts: ['Good day'], languages: ['de'] });
    expect(translations[0]).toMatchObject({ text: 'Guten Tag', attempts: 2 });
    expect(model.requests[1]!.options!.maxTokens).toBeGreaterThan(model.requests[0]!.options!.maxTokens);
  });

  it('delivers 500 texts intact though one answer of three is spoilt', async () => {
    const random = new Random(11);
    const { yard, agent } = await setUp(({ messages }) => {
      const text = pretend(textOf(messages));
      if (random.next() > 1 / 3) return text;
      const must = [...text.matchAll(/\{\w+\}|%\d\$s|<\/?b>|⟦\d+⟧|\d+/g)];
      if (must.length === 0) return text;
      const { 0: one, index } = random.pick(must);
      const instead = random.next() < 0.5 || !/^\d/.test(one) ? '' : String(Number(one) + 1);
      return text.slice(0, index) + instead + text.slice(index + one.length);
    });
    const texts = Array.from(
      { length: 500 },
      (_, at) =>
        `Dear {name}, order ${1_000 + at} of <b>${random.below(90) + 2} pieces</b> costs %1$s, sent on 2024-05-${10 + (at % 20)}.`,
    );
    const { translations } = await yard.run(agent, { texts, languages: ['de'] });
    expect(translations.map(({ status }) => status)).toEqual(texts.map(() => 'translated'));
    for (const [at, one] of translations.entries()) expect((one as { text: string }).text).toBe(pretend(texts[at]!));
    expect(translations.some(({ attempts }) => attempts > 1)).toBe(true);
  });
});

it('translates a text that is longer than a segment part by part, and keeps the space between', async () => {
  const { yard, agent, model } = await setUp(({ messages }) => pretend(textOf(messages)), { segmentTokens: 64 });
  const text = `  ${'this is one sentence of many. '.repeat(20)}\n\n\tand {name} ends here\n`;
  const { translations } = await yard.run(agent, { texts: [text], languages: ['de'] });
  expect((translations[0] as { text: string }).text).toBe(pretend(text));
  expect(model.calls).toBeGreaterThan(3);
});

describe('what cannot be translated', () => {
  it.each([
    [{ texts: [] }, 'texts'],
    [{ texts: ['ok', '  '] }, 'texts[1]'],
    [{ texts: ['a\u0000b'] }, 'texts[0]'],
    [{ texts: ['a\ud800b'] }, 'texts[0]'],
    [{ texts: ['x'.repeat(1_000_001)] }, 'texts[0]'],
    [{ texts: ['ok'], languages: ['german'] }, 'languages[0]'],
    [{ texts: ['ok'], languages: ['not a tag'] }, 'languages[0]'],
  ])('is refused by its path: %#', async (input, path) => {
    const { yard, agent, model } = await setUp(() => 'x');
    await expect(yard.run(agent, { languages: ['de'], ...input })).rejects.toMatchObject({
      code: 'AY_INVALID_INPUT',
      issues: [{ path }],
    });
    expect(model.calls).toBe(0);
  });

  it('is refused when nobody says into what', async () => {
    const { yard, agent } = await setUp(() => 'x');
    await expect(yard.run(agent, { texts: ['ok'] })).rejects.toMatchObject({ issues: [{ path: 'languages' }] });
  });

  it('fails for itself when it does not fit the model, and for all when the model is not there', async () => {
    const model = scriptedModel({ answers: () => 'kurz', contextTokens: 120 });
    const yard = await createTestYard({ models: { m: model } });
    open.push(yard);
    const texts = ['short words', 'long '.repeat(150)];
    const { translations } = await yard.run(translation(), { texts, languages: ['de'] });
    expect(translations).toMatchObject([{ status: 'translated' }, { status: 'failed', code: 'AY_PROMPT_TOO_LONG' }]);
    const lost = translation({ model: 'nowhere' });
    await expect(yard.run(lost, { texts, languages: ['de'] })).rejects.toMatchObject({ code: 'AY_UNKNOWN_MODEL' });
  });

  it('ends when its caller leaves', async () => {
    const { yard, agent } = await setUp(() => new Promise<never>(() => {}));
    const leave = new AbortController();
    const run = yard.run(agent, { texts: ['one', 'two'], languages: ['de'] }, { signal: leave.signal });
    setImmediate(() => leave.abort());
    await expect(run).rejects.toMatchObject({ code: 'AY_CANCELLED' });
  });
});

it('refuses wrong options by name', () => {
  expect(() => translation({ attempts: 0 })).toThrow(/"attempts"/);
  expect(() => translation({ attemps: 3 } as TranslationOptions)).toThrow(/Did you mean "attempts"/);
  expect(() => translation({ languages: ['xx-nope-'] })).toThrow(/"languages.0"/);
});
