/** Every built-in agent is one that the conformance kit lets pass. */
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import * as answering from '../../lib/agents/built-in/answers/index.js';
import * as classifying from '../../lib/agents/built-in/classification/index.js';
import * as conversing from '../../lib/agents/built-in/conversation/index.js';
import * as extracting from '../../lib/agents/built-in/extraction/index.js';
import * as recommending from '../../lib/agents/built-in/recommendation/index.js';
import * as feeling from '../../lib/agents/built-in/sentiment/index.js';
import * as summing from '../../lib/agents/built-in/summary/index.js';
import * as translating from '../../lib/agents/built-in/translation/index.js';
import { type AnyAgent, isAgent } from '../../lib/agents/index.js';
import {
  type ConformanceOptions,
  describeConformance,
  hashedEmbedder,
  scriptedModel,
} from '../../lib/testing/index.js';

const FOLDER = 'lib/agents/built-in';

const embed = hashedEmbedder();

const documents = [
  { id: 'cats', text: 'Cats sleep for most of the day. They hunt at dawn.' },
  { id: 'ships', text: '# Ships\n\nA ship floats because it pushes water away.\n\n## Sails\n\nSails catch the wind.' },
];

const items = [
  { id: 'tea', title: 'Green tea', text: 'A light tea from the hills, with leaves picked in spring.' },
  { id: 'coffee', title: 'Coffee', text: 'Strong and dark, roasted beans for the morning.' },
  { id: 'pot', title: 'Tea pot', text: 'A pot for tea leaves, made of clay.' },
];

const labels = {
  card: ['my card is lost', 'the card does not work', 'send me a new card'],
  transfer: ['a transfer is late', 'where is my transfer', 'cancel the transfer'],
};

/** Named after the factory, and after the option that makes it another agent. */
const rows: readonly (readonly [name: string, agent: AnyAgent, options: ConformanceOptions])[] = [
  [
    'retrieval',
    answering.retrieval({ documents }),
    {
      models: { embed },
      inputs: [{ question: 'When do cats hunt?' }, { question: 'Why does a ship float on water?' }],
      invalidInputs: [{}, { question: 5 }, { question: '' }],
      refinedInputs: [{ question: 'Why?', documents }],
    },
  ],
  [
    'answers',
    answering.answers(),
    {
      models: { embed, chat: scriptedModel({ answers: () => 'They hunt at dawn [1].', tokensPerSecond: 50 }) },
      inputs: [
        { question: 'When do cats hunt?', documents },
        { question: 'What do sails catch?', documents },
      ],
      invalidInputs: [{ documents }, { question: 'Why?', documents: [{ id: 'a' }] }],
      refinedInputs: [{ question: 'When do cats hunt?' }],
    },
  ],
  [
    'classification',
    classifying.classification({ labels }),
    {
      models: { embed },
      inputs: [{ texts: 'the card is lost' }, { texts: ['where is the transfer', 'a new card, please'] }],
      invalidInputs: [{}, { texts: [] }, { texts: [1] }],
    },
  ],
  [
    'classification with a language model',
    classifying.classification({ labels, llm: 'close', closeMargin: 1 }),
    { models: { embed, chat: scriptedModel() }, inputs: [{ texts: ['card or transfer', 'neither of them'] }] },
  ],
  [
    'conversation',
    conversing.conversation(),
    {
      models: {
        chat: scriptedModel({ answers: ({ lastMessage }) => `You said: ${lastMessage}`, tokensPerSecond: 100 }),
      },
      // Without a name each is a conversation of its own, with a name that is made up.
      inputs: [{ message: 'Good morning, who are you?' }, { message: 'What can you do for me?' }],
      invalidInputs: [{}, { message: '' }, { message: 'hello', conversation: 5 }],
      sameOutput: (a, b) => isDeepStrictEqual({ ...a, conversation: '' }, { ...b, conversation: '' }),
      partsOf: (output) => output.reply,
    },
  ],
  [
    'extraction',
    extracting.extraction({
      schema: z.object({ name: z.string(), price: z.number().nullable(), tags: z.array(z.string()).optional() }),
      chunkTokens: 64,
    }),
    {
      models: {
        chat: scriptedModel({
          answers: ({ lastMessage }) =>
            JSON.stringify({ name: /[A-Z]\w+/.exec(lastMessage)?.[0] ?? 'none', price: null, tags: ['lamp'] }),
          tokensPerSecond: 100,
        }),
      },
      inputs: [{ text: 'Anna sells a lamp.' }, { text: `Bert sells a lamp. ${'It is a good one. '.repeat(20)}` }],
      invalidInputs: [{}, { text: '' }, { text: 5 }],
    },
  ],
  [
    'recommendation',
    recommending.recommendation({ items }),
    {
      models: { embed },
      inputs: [{ liked: ['tea'] }, { text: 'something for the morning', count: 2 }],
      invalidInputs: [{ liked: 'tea' }, { liked: ['tea'], count: 0 }],
      refinedInputs: [{}, { liked: ['no such item'] }],
    },
  ],
  [
    'recommendation with reasons of a model',
    recommending.recommendation({ items, reasons: 'model' }),
    {
      models: { embed, chat: scriptedModel({ answers: ({ messages }) => `Because of ${messages.length} things.` }) },
      inputs: [{ liked: ['tea'] }],
    },
  ],
  [
    'sentiment',
    feeling.sentiment(),
    {
      models: { embed },
      inputs: [{ texts: 'a wonderful day' }, { texts: ['terrible losses again', 'a good year'] }],
      invalidInputs: [{}, { texts: {} }],
    },
  ],
  [
    'summary',
    summing.summary({ chunkTokens: 128 }),
    {
      models: {
        chat: scriptedModel({ answers: ({ messages }) => `In short, ${messages.length}.`, tokensPerSecond: 100 }),
      },
      inputs: [{ text: 'A short text about nothing.' }, { text: 'A long text goes on and on. '.repeat(40), words: 10 }],
      invalidInputs: [{}, { text: '' }, { text: 'a', words: 0 }],
      partsOf: (output) => output.summary,
    },
  ],
  [
    'translation',
    translating.translation({ languages: ['fr'] }),
    {
      models: { chat: scriptedModel({ answers: ({ lastMessage }) => `${lastMessage} en bref`, tokensPerSecond: 100 }) },
      inputs: [
        { texts: ['Hello {name}, you have 3 messages.', 'Good morning'] },
        { texts: ['See https://example.com/a for more.'], languages: ['de', 'es'], source: 'en' },
      ],
      invalidInputs: [{}, { texts: [] }, { texts: ['a'], languages: [] }],
    },
  ],
];

describe.each(rows)('%s', (_, agent, options) => {
  describeConformance(agent, options, { describe, it });
});

it('no built-in agent is left out', async () => {
  const folders = readdirSync(FOLDER).filter((name) => existsSync(join(FOLDER, name, 'index.ts')));
  const factories: string[] = [];
  for (const folder of folders) {
    const exported = (await import(pathToFileURL(resolve(FOLDER, folder, 'index.ts')).href)) as Record<string, unknown>;
    factories.push(...Object.keys(exported).filter((name) => typeof exported[name] === 'function'));
  }
  expect(factories.length).toBeGreaterThan(4);
  expect(factories.filter((name) => !rows.some(([row]) => row === name))).toEqual([]);
  expect(rows.every(([, agent]) => isAgent(agent))).toBe(true);
});
