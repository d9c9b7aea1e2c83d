// The service desk of a bank: many conversations at once, urgent ones first, a person where a machine should not answer, summaries behind.
// Usage: node examples/customer-service.mjs
// AGENTYARD_CHAT_MODEL and AGENTYARD_EMBEDDING_MODEL name GGUF files; without them generated stand-ins run, whose replies say nothing.
import { strict as assert } from 'node:assert';
import { tmpdir } from 'node:os';
import { defineAgent, ensureStandIn, ensureStandInEmbedder, Yard } from 'agentyard';
import { classification, conversation, preparationOf, sentiment, summary } from 'agentyard/agents';
import { z } from 'zod';

const intents = {
  stolen_card: [
    'My card was stolen',
    'I lost my card and want it blocked',
    'Someone took my wallet with my card',
    'Please block my card, it is gone',
    'My bank card was stolen on the train',
  ],
  unknown_payment: [
    'There is a payment that I did not make',
    'I do not recognise this payment on my account',
    'Somebody has taken money from my account',
    'A payment to a shop that I never visited',
    'Who took this money? It was not me',
  ],
  card_delivery: [
    'When does my new card arrive?',
    'My new card has not arrived yet',
    'How long does the delivery of a card take?',
    'Where is the card that I ordered?',
    'Can I track the delivery of my new card?',
  ],
  exchange_rate: [
    'What exchange rate do you use?',
    'How many dollars do I get for my euros?',
    'Is the exchange rate better at the weekend?',
    'The exchange rate for my cash in pounds was wrong',
    'Which rate do I get when I change euros to dollars?',
  ],
  new_address: [
    'I have a new address',
    'How do I change my address?',
    'I moved to another street, please update my address',
    'My phone number and my address have changed',
    'We moved and the address on my letters is wrong',
  ],
  close_account: [
    'I want to close my account',
    'How do I close my account with you?',
    'Please end my contract and close the account',
    'I am leaving the bank, close everything',
    'Delete my account please',
  ],
};
/** Loss grows by the minute: they go before everybody else. */
const URGENT = new Set(['stolen_card', 'unknown_payment']);
/** A person has to decide these. */
const PERSON_DECIDES = new Set(['close_account']);
const CONFIDENCE_MIN = 0.45;
const ANGER_BELOW = -0.6;

const customers = {
  Anna: ['Hello, how do I change my address? We moved.', 'Does the new address count for my card as well?'],
  Boris: ['My card was stolen on the train an hour ago!', 'I want the card blocked. Is it blocked now?'],
  Chloe: ['When does the new card arrive that I ordered?', 'How long does the delivery take to Graz?'],
  Daniel: ['I do not recognise a payment of 300 euros on my account.', 'So who took this money? It was not me.'],
  Elena: ['What exchange rate do I get for 200 euros in dollars?', 'Is the rate better at the weekend?'],
  Farid: ['I am leaving, please close my account.'],
  Grace: ['Do you like jazz?'],
  Hugo: ['My new card has not arrived yet.', 'This is terrible service, support ignored me for weeks!'],
  Irene: ['Which exchange rate do you use for pounds?', 'Is that rate wrong at the weekend?'],
  Jonas: [
    'Please update my address, I moved to another street.',
    'The address on my letters is wrong, can you change it?',
  ],
};

const intent = classification({ name: 'intent', labels: intents });
const mood = sentiment({ name: 'mood' });
const talk = conversation({
  name: 'talk',
  system:
    'You work at the service desk of a bank. Answer in one short, friendly sentence. Cards are blocked in the app. New cards take five days.',
  maxTokens: 32,
  temperature: 0,
});
const digest = summary({ name: 'digest', words: 20 });

/** One message: find out what it is about, then answer it, or hand it to a person. */
const desk = defineAgent({
  name: 'desk',
  version: '1',
  description: 'Answers a message of a customer, or hands it to a person.',
  input: z.object({ customer: z.string(), message: z.string().min(1) }),
  output: z.object({
    intent: z.enum(Object.keys(intents)),
    confidence: z.number(),
    isUrgent: z.boolean(),
    handOver: z.string().optional().describe('Why a person has to answer.'),
    reply: z.string(),
  }),
  run: async ({ customer, message }, ctx) => {
    const [about, tone] = await Promise.all([ctx.run(intent, { texts: message }), ctx.run(mood, { texts: message })]);
    const { label, confidence } = about.results[0];
    const isUrgent = URGENT.has(label) && confidence >= CONFIDENCE_MIN;
    const handOver = reasonForPerson(label, confidence, tone.results[0].score);
    if (handOver !== undefined) {
      return { intent: label, confidence, isUrgent, handOver, reply: 'A colleague will call you back in a moment.' };
    }
    const answer = await ctx.run(
      talk,
      { conversation: customer, message },
      { priority: isUrgent ? 2 : 0, onPart: (text) => ctx.emit(text) },
    );
    return { intent: label, confidence, isUrgent, reply: answer.reply };
  },
});

function reasonForPerson(label, confidence, score) {
  if (score < ANGER_BELOW && !URGENT.has(label)) return 'angry';
  if (confidence < CONFIDENCE_MIN) return 'not understood';
  return PERSON_DECIDES.has(label) ? 'a person decides' : undefined;
}

const { AGENTYARD_CHAT_MODEL: chat, AGENTYARD_EMBEDDING_MODEL: embedder } = process.env;
const yard = new Yard({
  models: {
    chat: { path: chat ?? (await ensureStandIn(tmpdir())), sequences: 4, contextTokens: 1_024 },
    embedder: embedder ?? (await ensureStandInEmbedder(tmpdir())),
  },
  agents: [desk, intent, mood, talk, digest],
});
await yard.ready();
for (const agent of [intent, mood]) await yard.run(preparationOf(agent), {});

// What is left of yesterday, for a machine that has nothing better to do: transcripts to be summed up.
const yesterday = Array.from(
  { length: 12 },
  (_, day) => `Case ${day + 1}. ${Object.values(customers)[day % 10].join(' ')} It was settled.`,
);
let summed = 0;
const summaries = Promise.all(
  yesterday.map((text) => yard.run(digest, { text }, { class: 'batch' }).then(() => summed++)),
);

const firstWords = { urgent: [], other: [] };
const lines = await Promise.all(
  Object.entries(customers).map(async ([customer, messages]) => {
    const told = [];
    for (const message of messages) {
      const begin = performance.now();
      let firstMs;
      const answer = await yard.run(
        desk,
        { customer, message },
        {
          class: 'interactive',
          onPart: () => {
            firstMs ??= performance.now() - begin;
          },
        },
      );
      told.push({ customer, message, ...answer });
      if (answer.handOver !== undefined) break;
      if (firstMs !== undefined) firstWords[answer.isUrgent ? 'urgent' : 'other'].push(firstMs);
    }
    return told;
  }),
);
const summedBefore = summed;

for (const { customer, message, intent: label, confidence, isUrgent, handOver, reply } of lines.flat()) {
  console.log(`${customer}: ${message}`);
  const fate = handOver === undefined ? (isUrgent ? 'urgent' : 'answered') : `to a person: ${handOver}`;
  console.log(`  [${label} ${confidence.toFixed(2)}, ${fate}] ${shorten(reply)}`);
}
const toPeople = lines.flat().filter(({ handOver }) => handOver !== undefined);
console.log(`${lines.flat().length} messages of ${lines.length} customers, ${toPeople.length} handed to a person`);
console.log(`${summedBefore} of ${yesterday.length} summaries were done when the last customer had an answer`);
for (const [kind, times] of Object.entries(firstWords)) {
  console.error(`first words, ${kind}: ${times.map((ms) => Math.round(ms)).join(', ')} ms`);
}
await summaries;
await yard.close();
// Whatever the models say: people who want to leave reach a person.
assert.ok(toPeople.some(({ customer }) => customer === 'Farid'));

function shorten(text) {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 100 ? `${line.slice(0, 99)}…` : line;
}
