// Watches a feed of financial news: every item is sorted and scored as it comes, alarms ring within a deadline, the archive is read behind.
// Usage: node examples/news-watch.mjs
// AGENTYARD_EMBEDDING_MODEL names a GGUF file; without it a generated stand-in runs, which knows words and not what they mean.
import { tmpdir } from 'node:os';
import { setTimeout as after } from 'node:timers/promises';
import { defineAgent, ensureStandInEmbedder, isAgentyardError, Yard } from 'agentyard';
import { classification, preparationOf, sentiment } from 'agentyard/agents';
import { z } from 'zod';

const topics = {
  earnings: [
    'The company reported its profit for the quarter',
    'Earnings per share beat the forecast',
    'The firm warns of a loss this year',
    'Quarterly profit and revenue rose',
    'The group cut its profit forecast',
  ],
  rates: [
    'The central bank raised interest rates',
    'Rates stay as they are, says the central bank',
    'Bond yields rose after the rate decision',
    'Inflation may force a higher interest rate',
    'The bank hints at a rate cut',
  ],
  mergers: [
    'The company will buy its rival',
    'Shareholders approved the merger',
    'A takeover bid for the firm',
    'The merger was blocked by the regulator',
    'Talks about buying the chain were broken off',
  ],
  trouble: [
    'The firm filed for bankruptcy',
    'Prosecutors search the offices after a fraud',
    'The lender cannot pay back its loans',
    'A fire stopped the plant',
    'Hackers stole the data of all clients',
  ],
};
const COMPANIES = [
  'Altona Steel',
  'Borealis Foods',
  'Cyan Air',
  'Delta Rail',
  'Elbe Bank',
  'Fjord Energy',
  'Gansey Retail',
  'Halden Chips',
];
// The first of each kind is good news, the last is bad.
const HEADLINES = {
  earnings: [
    'reported record profits and raised its forecast for the year',
    'reported its earnings for the quarter',
    'reported a heavy loss and cut its profit forecast for the year',
  ],
  rates: [
    'gains as the central bank cuts interest rates',
    'waits for the rate decision of the central bank',
    'suffers badly as the central bank raised interest rates again',
  ],
  mergers: [
    'welcomed the merger, investors praised the bid',
    'talks with a rival about a merger',
    'lost its takeover bid, the merger failed and investors are angry',
  ],
  trouble: [
    'recovered and paid back its loans ahead of time',
    'answers questions of prosecutors on Thursday',
    'filed for bankruptcy and cannot pay back its loans, a disaster for its employees',
  ],
};
/** Alarms: bad news of these companies. */
const WATCHED = new Set(['Altona Steel', 'Elbe Bank', 'Halden Chips']);
const ALARM_BELOW = -0.25;
const DEADLINE_MS = 3_000;
const ARCHIVE_ITEMS = 400;
const LIVE_ITEMS = 40;

const topic = classification({ name: 'topic', labels: topics });
const tone = sentiment({ name: 'tone' });

/** Both agents need the same vectors: the second finds them in the yard's cache. */
const assess = defineAgent({
  name: 'assess',
  version: '1',
  description: 'Says what news items are about, and how good or bad they are.',
  input: z.object({ texts: z.array(z.string().min(1)).min(1) }),
  output: z.object({
    items: z.array(z.object({ topic: z.enum(Object.keys(topics)), score: z.number().min(-1).max(1) })),
  }),
  run: async ({ texts }, ctx) => {
    const { results: about } = await ctx.run(topic, { texts });
    const { results: tones } = await ctx.run(tone, { texts });
    return { items: about.map(({ label }, at) => ({ topic: label, score: tones[at].score })) };
  },
});

const random = seeded(7);
const yard = new Yard({
  models: { embedder: process.env.AGENTYARD_EMBEDDING_MODEL ?? (await ensureStandInEmbedder(tmpdir())) },
  agents: [assess, topic, tone],
});
await yard.ready();
for (const agent of [topic, tone]) await yard.run(preparationOf(agent), {});

// The archive: hundreds of items at once, in calls of fifty, for whenever there is time.
const archive = Array.from({ length: ARCHIVE_ITEMS }, (_, day) => `Day ${day + 1}: ${item().text}`);
let isArchiveRead = false;
const calls = [];
for (let at = 0; at < archive.length; at += 50) {
  const texts = archive.slice(at, at + 50);
  calls.push(yard.run(assess, { texts }, { class: 'background' }));
}
const history = Promise.all(calls).then((parts) => {
  isArchiveRead = true;
  return parts.flatMap(({ items }) => items);
});

// The feed: an item every now and then.
const live = [];
for (let n = 0; n < LIVE_ITEMS; n++) {
  await after(random() * 60);
  live.push(watch(item()));
}
const watched = await Promise.all(live);
const wasArchiveRead = isArchiveRead;

console.log('alarms');
for (const { text, verdict, tookMs } of watched) {
  if (verdict === undefined || verdict.score > ALARM_BELOW || ![...WATCHED].some((name) => text.startsWith(name)))
    continue;
  console.log(`  ${verdict.score.toFixed(2)} ${verdict.topic.padEnd(8)} ${text}`);
  console.error(`  after ${Math.round(tookMs)} ms`);
}
const inTime = watched.filter(({ verdict }) => verdict !== undefined);
console.log(`${inTime.length} of ${watched.length} live items were assessed within ${DEADLINE_MS / 1_000} s`);
console.log(`right topic: ${inTime.filter(({ kind, verdict }) => kind === verdict.topic).length}`);
const ends = inTime.filter(({ mood }) => mood !== 0);
console.log(
  `right tone: ${ends.filter(({ mood, verdict }) => Math.sign(verdict.score) === mood).length} of ${ends.length} good or bad ones`,
);
console.error(`the archive was ${wasArchiveRead ? '' : 'not '}read when the feed ended`);

const read = await history;
console.log('\narchive     items  mean score');
for (const name of Object.keys(topics)) {
  const scores = read.filter((one) => one.topic === name).map(({ score }) => score);
  const mean = scores.reduce((sum, score) => sum + score, 0) / Math.max(1, scores.length);
  console.log(`  ${name.padEnd(9)} ${String(scores.length).padStart(5)}  ${mean.toFixed(2).padStart(10)}`);
}
await yard.close();
if (inTime.length === 0) process.exitCode = 1;

/** An item as it comes; `verdict` is undefined when there was none in time. */
async function watch(news) {
  const begin = performance.now();
  try {
    const { items } = await yard.run(assess, { texts: [news.text] }, { class: 'interactive', deadlineMs: DEADLINE_MS });
    return { ...news, verdict: items[0], tookMs: performance.now() - begin };
  } catch (error) {
    if (!isAgentyardError(error)) throw error;
    return { ...news, verdict: undefined, tookMs: performance.now() - begin };
  }
}

/** A made-up item whose topic and mood (-1, 0, 1) are known. */
function item() {
  const kind = pick(Object.keys(topics));
  const at = Math.floor(random() * 3);
  return { text: `${pick(COMPANIES)} ${HEADLINES[kind][at]}.`, kind, mood: 1 - at };
}

function pick(list) {
  return list[Math.floor(random() * list.length)];
}

/** Uniform in [0, 1), the same on every machine (mulberry32). */
function seeded(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
