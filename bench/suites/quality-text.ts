/** Rows of the table of quality for agents that write: translation, summary, extraction and conversation. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Memory } from '../../lib/agents/built-in/conversation/store.js';
import { loadProduct } from '../product.js';
import type { QualityContext, QualityRow } from './quality-row.js';
import {
  type OrderData,
  type OrderText,
  orderText,
  smallTalk,
  textToTranslate,
  textWithFacts,
  toldFact,
} from './support/generated-texts.js';

type Library = typeof import('../../lib/index.js');
type BuiltIn = typeof import('../../lib/agents/built-in/index.js');
type Testing = typeof import('../../lib/testing/index.js');
type Chance = typeof import('../../lib/base/random.js');
type Yard = InstanceType<Library['Yard']>;

const MODEL = 'models/smollm2-135m-instruct/smollm2-135m-instruct-q8_0.gguf';
const MODEL_NAME = 'SmolLM2-135M Q8_0';
const SEQUENCES = 8;
const CONTEXT_TOKENS = 4_096;
const GENERATED = 'generated texts';
/** All at once, on a machine that may be slow: it is no matter of time. */
const PATIENT = { class: 'batch' } as const;

export async function textRows(context: QualityContext): Promise<QualityRow[]> {
  const { Random } = await loadProduct<Chance>('base/random.js');
  const builtIn = await loadProduct<BuiltIn>('agents/built-in/index.js');
  const chance = () => new Random(context.seed);
  const rows = [await translationRow(context, builtIn, chance())];
  const path = context.shared === undefined ? undefined : join(context.shared, MODEL);
  if (path === undefined || !existsSync(path)) {
    for (const row of ['summary', 'extraction', 'conversation']) {
      context.skip(row, 'the real model is not here (set AGENTYARD_SHARED)');
    }
    return rows;
  }
  const { Yard } = await loadProduct<Library>('index.js');
  const yard = new Yard({
    models: { m: { path, sequences: SEQUENCES, contextTokens: CONTEXT_TOKENS, keepInteractive: 0 } },
  });
  try {
    await yard.ready();
    rows.push(await summaryRow(context, yard, builtIn, chance()));
    rows.push(await extractionRow(context, yard, builtIn, chance()));
    rows.push(...(await conversationRows(context, yard, builtIn, chance())));
  } finally {
    await yard.close();
  }
  return rows;
}

type Random = InstanceType<Chance['Random']>;

function shareOf<T>(items: readonly T[], holds: (item: T) => boolean): number {
  return items.filter(holds).length / items.length;
}

/** A model that "translates" by adding a letter to words, and spoils one answer of three. */
async function translationRow(context: QualityContext, { translation }: BuiltIn, random: Random): Promise<QualityRow> {
  const { createTestYard, scriptedModel } = await loadProduct<Testing>('testing/index.js');
  const texts = Array.from({ length: context.smoke ? 40 : 500 }, () => textToTranslate(random));
  const mustStand = [...new Set(texts.flatMap((one) => one.mustStand))].toSorted((a, b) => b.length - a.length);
  const model = scriptedModel({
    answers: ({ messages }) => {
      const answer = pretendToTranslate(messages[1]!.content);
      return random.below(3) === 0 ? spoil(answer, mustStand, random) : answer;
    },
    sequences: SEQUENCES,
  });
  const yard = await createTestYard({ models: { m: model } });
  try {
    const { translations } = await yard.run(translation(), { texts: texts.map(({ text }) => text), languages: ['de'] });
    const isDelivered = (at: number) => {
      const one = translations[at]!;
      return one.status === 'translated' && isIntact(one.text, texts[at]!.mustStand) && one.text !== texts[at]!.text;
    };
    const calls = model.calls;
    const once = await Promise.all(
      texts.map(({ text }) => {
        const messages = [
          { role: 'system' as const, content: 'Translate.' },
          { role: 'user' as const, content: text },
        ];
        return yard.chat({ model: 'm', messages }).result();
      }),
    );
    return {
      agent: 'translation',
      task: 'texts with placeholders, tags, addresses and numbers, by a model that drops or alters one of them in a third of its answers',
      data: GENERATED,
      split: `${texts.length} texts, one language`,
      seed: context.seed,
      metric: 'delivered translated and intact',
      value: shareOf([...texts.keys()], isDelivered),
      baseline: {
        name: 'one call each, unchecked',
        value: shareOf([...texts.keys()], (at) => isIntact(once[at]!.text, texts[at]!.mustStand)),
      },
      note: `${(calls / texts.length).toFixed(2)} calls a text; scripted model`,
    };
  } finally {
    await yard.close();
  }
}

function pretendToTranslate(text: string): string {
  return text.replace(/(?<![\p{L}\p{N}{%$:</@.&⟦])\b[a-z]{3,}\b(?![\w}>:@/.;])/gu, (word) => `${word}o`);
}

/** Drops one of what must stand (or a mark in its place), changes a letter or a digit of it, or says it twice. */
function spoil(text: string, mustStand: readonly string[], random: Random): string {
  const marks = [...text.matchAll(/⟦\d+⟧/g)].map(({ 0: mark }) => mark);
  const there = marks.length > 0 ? marks : mustStand.filter((one) => text.includes(one));
  if (there.length === 0) return text;
  const one = random.pick(there);
  const altered = one.replace(/[a-z0-9](?=[^a-z0-9]*$)/i, (last) =>
    /\d/.test(last) ? String((Number(last) + 1) % 10) : `${last}x`,
  );
  return text.replace(one, () => random.pick(['', altered, `${one} ${one}`]));
}

/** Is each thing there as often as it should, and no other number? Knows nothing of how the agent checks. */
function isIntact(text: string, mustStand: readonly string[]): boolean {
  let rest = text;
  for (const one of mustStand.toSorted((a, b) => b.length - a.length)) {
    if (!rest.includes(one)) return false;
    rest = rest.replace(one, '\u0001');
  }
  return !/[\d{}<>@%]|:\w+:/.test(rest.replaceAll('%', (sign, at: number) => (rest[at - 1] === '\u0001' ? '' : sign)));
}

async function summaryRow(
  context: QualityContext,
  yard: Yard,
  { summary }: BuiltIn,
  random: Random,
): Promise<QualityRow> {
  const words = 100;
  const texts = Array.from({ length: context.smoke ? 2 : 12 }, () => textWithFacts(random, 60));
  const agent = summary({ words });
  const results = await Promise.all(texts.map(({ text }) => yard.run(agent, { text }, PATIENT)));
  const kept = (text: string, facts: readonly string[]) =>
    shareOf(facts, (fact) => new RegExp(`(?<!\\d)${fact}(?!\\d)`).test(text.replace(/(?<=\d),(?=\d{3})/g, '')));
  const mean = (shares: readonly number[]) => shares.reduce((sum, one) => sum + one, 0) / shares.length;
  context.note(`summary: ${mean(results.map((one) => one.summary.split(/\s+/).length)).toFixed(0)} words on average`);
  return {
    agent: 'summary',
    task: `reports of some 800 words in which five sentences say something, in ${words} words`,
    data: GENERATED,
    split: `${texts.length} texts, ${texts.length * 5} facts`,
    seed: context.seed,
    metric: 'facts kept (their number)',
    value: mean(texts.map(({ facts }, at) => kept(results[at]!.summary, facts))),
    baseline: {
      name: 'first sentences, as many words',
      value: mean(
        texts.map(({ text, facts }, at) => kept(leadOf(text, results[at]!.summary.split(/\s+/).length), facts)),
      ),
    },
    note: MODEL_NAME,
  };
}

/** The first sentences of a text with at least so many words in all. */
function leadOf(text: string, words: number): string {
  let lead = '';
  for (const sentence of text.split(/(?<=\.)\s+/)) {
    if (lead !== '' && lead.split(/\s+/).length >= words) break;
    lead = lead === '' ? sentence : `${lead} ${sentence}`;
  }
  return lead;
}

const orderSchema = z.object({
  number: z.string().max(20).describe('number of the order, invoice or appointment'),
  customer: z.string().max(60).describe('full name of the person'),
  total: z.number().nullable().describe('amount of money'),
  email: z.string().max(60).nullable().describe('e-mail address'),
  city: z.string().max(40).nullable().describe('town where the person is'),
});

const FIELDS = Object.keys(orderSchema.shape) as (keyof OrderData)[];

async function extractionRow(
  context: QualityContext,
  yard: Yard,
  { extraction }: BuiltIn,
  random: Random,
): Promise<QualityRow> {
  const texts = Array.from({ length: context.smoke ? 4 : 60 }, () => orderText(random));
  const agent = extraction({ schema: orderSchema, maxTokens: 256 });
  const results = await Promise.all(
    texts.map(async ({ text }) => {
      try {
        return (await yard.run(agent, { text }, PATIENT)).data;
      } catch (error) {
        context.note(`extraction: ${error instanceof Error ? error.message : String(error)}`);
        return undefined;
      }
    }),
  );
  const right = (found: Partial<Record<keyof OrderData, unknown>> | undefined, { data }: OrderText) =>
    shareOf(FIELDS, (field) => (found?.[field] ?? undefined) === data[field]);
  const mean = (finds: readonly (Partial<Record<keyof OrderData, unknown>> | undefined)[]) =>
    texts.reduce((sum, text, at) => sum + right(finds[at], text), 0) / texts.length;
  for (const field of FIELDS) {
    const ours = shareOf([...texts.keys()], (at) => (results[at]?.[field] ?? undefined) === texts[at]!.data[field]);
    context.note(`extraction: ${field} ${ours.toFixed(2)}`);
  }
  return {
    agent: 'extraction',
    task: 'number, person, amount, e-mail and town of orders, invoices and appointments in five wordings; a third of the last three is not there',
    data: GENERATED,
    split: `${texts.length} texts, ${texts.length * FIELDS.length} fields`,
    seed: context.seed,
    metric: 'fields right, or rightly missing',
    value: mean(results),
    baseline: { name: 'regular expressions', value: mean(texts.map(({ text }) => byPatterns(text))) },
    note: MODEL_NAME,
  };
}

/** As one writes them after a look at some of the texts: exact where the form is fixed, by key words where it is not. */
function byPatterns(text: string): Partial<Record<keyof OrderData, unknown>> {
  const total = /(?:€\s*|total:?\s*|costs\s+)(\d+(?:\.\d+)?)/i.exec(text)?.[1];
  return {
    number: /\b[A-Z]{1,3}-\d{4}\b/.exec(text)?.[0],
    customer: /(?:customer:|this is|\bto|\bfor)\s+(\p{Lu}\p{L}+ \p{Lu}\p{L}+)/iu.exec(text)?.[1],
    total: total === undefined ? undefined : Number(total),
    email: /[\w.]+@[\w.]+\w/.exec(text)?.[0],
    city: /(?:city:|\bfrom|\bin)\s+(\p{Lu}\p{L}+)/u.exec(text)?.[1],
  };
}

const MEMORY_TOKENS = 512;
const REPLY_TOKENS = 48;
const TURNS = 10;

async function conversationRows(
  context: QualityContext,
  yard: Yard,
  { conversation }: BuiltIn,
  random: Random,
): Promise<QualityRow[]> {
  const kept = new Map<string, Memory>();
  const agent = conversation({
    memoryTokens: MEMORY_TOKENS,
    maxTokens: REPLY_TOKENS,
    temperature: 0,
    store: {
      get: (key) => kept.get(key),
      set: (key, memory) => {
        kept.set(key, memory);
      },
    },
  });
  const talks = Array.from({ length: context.smoke ? 2 : 16 }, (_, at) => {
    const fact = toldFact(random);
    const messages = smallTalk(random, context.smoke ? 4 : TURNS);
    const turn = random.below(3);
    messages[turn] = `${fact.told} ${messages[turn]}`;
    return { name: `talk-${at}`, fact, messages };
  });
  const outcomes = await Promise.all(
    talks.map(async ({ name, fact, messages }) => {
      const turns: { message: string; reply: string }[] = [];
      for (const message of messages) {
        const { reply } = await yard.run(agent, { conversation: name, message }, PATIENT);
        turns.push({ message, reply });
      }
      const { reply, memory } = await yard.run(agent, { conversation: name, message: fact.asked }, PATIENT);
      const state = kept.get(JSON.stringify(['default', name]))!;
      const shown = [state.summary, ...state.quotes, ...state.turns.slice(0, -1).map((turn) => turn.message)].join(
        '\n',
      );
      const plain = await truncated(yard, turns, fact.asked);
      return {
        holds: shown.includes(fact.key),
        answers: reply.includes(fact.key),
        plainHolds: plain.prompt.includes(fact.key),
        plainAnswers: plain.reply.includes(fact.key),
        summedUp: memory.summedUp,
      };
    }),
  );
  const row = {
    agent: 'conversation',
    data: 'generated talks',
    split: `${talks.length} conversations of ${talks[0]!.messages.length} turns`,
    seed: context.seed,
    note: `${MODEL_NAME}; prompts of at most ${MEMORY_TOKENS} tokens`,
  };
  context.note(
    `conversation: ${shareOf(outcomes, ({ summedUp }) => summedUp > 2).toFixed(2)} of them had summed up the turn with the fact`,
  );
  const baseline = 'the latest turns that fit';
  return [
    {
      ...row,
      task: 'something that the person said in one of the first three turns, when they ask for it later',
      metric: 'still in the prompt',
      value: shareOf(outcomes, ({ holds }) => holds),
      baseline: { name: baseline, value: shareOf(outcomes, ({ plainHolds }) => plainHolds) },
    },
    {
      ...row,
      task: 'the same',
      metric: 'answered right',
      value: shareOf(outcomes, ({ answers }) => answers),
      baseline: { name: baseline, value: shareOf(outcomes, ({ plainAnswers }) => plainAnswers) },
    },
  ];
}

/** The same question after the same talk, with as many of the latest turns as the budget holds by the model's own count. */
async function truncated(
  yard: Yard,
  turns: readonly { message: string; reply: string }[],
  question: string,
): Promise<{ prompt: string; reply: string }> {
  for (let from = 0; ; from++) {
    const messages = [
      { role: 'system' as const, content: 'You are a helpful assistant. Answer briefly and clearly.' },
      ...turns.slice(from).flatMap(({ message, reply }) => [
        { role: 'user' as const, content: message },
        { role: 'assistant' as const, content: reply },
      ]),
      { role: 'user' as const, content: question },
    ];
    const stream = yard.chat({ model: 'm', messages, maxTokens: REPLY_TOKENS, temperature: 0, ...PATIENT });
    const { promptTokens } = await stream.accepted();
    if (promptTokens > MEMORY_TOKENS) {
      stream.cancel();
      continue;
    }
    const { text } = await stream.result();
    return {
      prompt: messages
        .slice(0, -1)
        .map(({ content }) => content)
        .join('\n'),
      reply: text,
    };
  }
}
