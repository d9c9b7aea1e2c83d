// Personal recommendations with reasons, by what somebody liked or looks for; live visitors go before the nightly re-computation.
//
// Usage: node examples/recommendation.mjs [--load] [--written] [embedding-model.gguf] [chat-model.gguf]
// Without a model (or AGENTYARD_EMBEDDING_MODEL) a generated embedder compares the words of texts and knows nothing of what they mean.
// --load: only the part that shows what scheduling changes. --written: a chat model (AGENTYARD_CHAT_MODEL) writes the reasons.
import { tmpdir } from 'node:os';
import { ensureStandInEmbedder, Yard } from 'agentyard';
import { preparationOf, recommendation } from 'agentyard/agents';

const args = process.argv.slice(2);
const isLoadOnly = args.includes('--load');
const [embedderArg, chatArg] = args.filter((arg) => !arg.startsWith('--'));
const embedder = embedderArg ?? process.env.AGENTYARD_EMBEDDING_MODEL ?? (await ensureStandInEmbedder(tmpdir()));
const chat = args.includes('--written') ? (chatArg ?? process.env.AGENTYARD_CHAT_MODEL) : undefined;

// An evening school: id, title, what the course is about.
const COURSES = [
  [
    'bread',
    'Bread with sourdough',
    'Knead, rest and bake loaves of rye and wheat bread with your own sourdough starter.',
  ],
  ['pasta', 'Fresh pasta', 'Roll and fill fresh pasta, and cook the sauces of northern Italy that go with it.'],
  ['spices', 'Cooking with spices', 'Roast and grind spices and cook three Indian vegetable curries.'],
  ['pickles', 'Pickles and ferments', 'Ferment cabbage, cucumbers and carrots from the garden in brine.'],
  ['knives', 'Sharp knives', 'Sharpen kitchen knives on a stone and cut vegetables safely.'],
  ['roses', 'Pruning roses', 'When and how to prune roses in the garden, and how to feed the soil.'],
  ['tomatoes', 'Tomatoes on the balcony', 'Grow tomatoes and herbs in pots on a balcony, from seed to harvest.'],
  ['compost', 'Compost', 'Turn kitchen waste and leaves into compost and good soil for the garden.'],
  ['bees', 'Keeping bees', 'A year with bees: hives, swarms, honey, and flowers that feed them.'],
  ['trees', 'Fruit trees', 'Plant, graft and prune apple and pear trees in a small garden.'],
  ['stars', 'The night sky', 'Find stars, planets and constellations in the night sky without a telescope.'],
  [
    'telescope',
    'Your first telescope',
    'Choose a telescope, set it up, and look at the moon, Saturn and star clusters.',
  ],
  ['moon', 'Photographs of the moon', 'Take sharp photographs of the moon and planets with a camera and a telescope.'],
  ['weather', 'Reading the weather', 'Clouds, fronts and wind: read the sky and forecast tomorrow without a phone.'],
  ['tides', 'Tides and currents', 'Why the moon makes tides, and how sailors plan with currents.'],
  ['guitar', 'Guitar for beginners', 'First chords and rhythms on the guitar, and ten songs to sing with friends.'],
  ['choir', 'Singing in a choir', 'Breathe, listen and sing songs in four parts with others.'],
  ['drums', 'Drums and rhythm', 'Play rhythms of Cuba and Brazil on drums in a group.'],
  [
    'synth',
    'Sounds from a synthesizer',
    'Waves, filters and rhythm: make electronic music with a synthesizer and a computer.',
  ],
  ['piano', 'Jazz piano', 'Chords, scales and improvisation on the piano, from blues to bossa nova.'],
  ['python', 'Programming with Python', 'Write small computer programs in Python that sort files and draw charts.'],
  ['web', 'Your own web site', 'Build a web site with HTML and a little programming, and publish it.'],
  ['robots', 'Little robots', 'Solder, wire and program a robot with a small computer and sensors.'],
  ['data', 'Charts that tell the truth', 'Read and draw charts, and find the tricks that lie with data and averages.'],
  ['privacy', 'Private on the web', 'Passwords, backups and settings that keep your computer and phone private.'],
  ['bikes', 'Repairing bicycles', 'Fix brakes, gears and flat tyres of your bicycle with few tools.'],
  ['touring', 'Touring by bicycle', 'Plan a tour by bicycle: routes, bags, camping, and food on the road.'],
  ['running', 'Running without pain', 'Train for your first ten kilometres with good shoes, rest and strength.'],
  ['climbing', 'Climbing indoors', 'Knots, belaying and first routes on the climbing wall.'],
  ['swim', 'Swimming front crawl', 'Breathe and glide: learn to swim a kilometre of front crawl.'],
];
const items = COURSES.map(([id, title, text]) => ({ id, title, text }));

/** A yard that has learnt the courses. @param hasChat - with the chat model, which writes the reasons */
async function open(hasChat, options = {}) {
  const agent = recommendation({ items, count: 3, ...(hasChat && { reasons: 'model' }) });
  const models = {
    embedder: { path: embedder, sequences: 4, keepInteractive: 0, contextTokens: 256 },
    ...(hasChat && { chat: { path: chat, contextTokens: 1_024 } }),
  };
  const yard = new Yard({ models, agents: [agent], ...options });
  await yard.ready();
  await yard.run(preparationOf(agent), {});
  return { yard, recommend: (input, hints) => yard.run(agent, input, hints) };
}

async function recommendToVisitors() {
  const { yard, recommend } = await open(chat !== undefined);
  const visitors = [
    ['liked tomatoes and the telescope', { liked: ['tomatoes', 'telescope'] }],
    ['the same, less alike', { liked: ['tomatoes', 'telescope'], diversity: 0.6 }],
    ['liked the guitar and bread, not the pasta', { liked: ['guitar', 'bread'], disliked: ['pasta'] }],
    ['looks for “something with computers and music”', { text: 'something with computers and music' }],
  ];
  for (const [who, input] of visitors) {
    const { items: found } = await recommend(input, { class: 'interactive' });
    console.log(`\n${who}`);
    for (const { title, score, reason } of found) {
      console.log(`  ${score.toFixed(2).padStart(5)}  ${title.padEnd(26)} ${reason.text}`);
    }
  }
  await recommend({ liked: ['cheese'] }).catch(({ code, message }) => console.log(`\n${code}: ${message}\n`));
  await yard.close();
}

const PROFILES = 160;
const VISITORS = 8;

/**
 * The profiles of all members are computed anew in the night, all at once; meanwhile visitors come, one after so many profiles.
 * @param urgency - says whether the scheduler is told who waits before a screen
 */
async function measureLoad(name, urgency, options) {
  const { yard, recommend } = await open(false, options);
  const beginMs = performance.now();
  const live = [];
  const visit = async () => {
    const arrivedMs = performance.now();
    const text = `visitor ${live.length} looks for a course about ${COURSES[live.length * 3][0]}`;
    await recommend({ text }, urgency ? { class: 'interactive', tenant: 'visitors' } : {});
    return performance.now() - arrivedMs;
  };
  let profiles = 0;
  const nightly = Array.from({ length: PROFILES }, async (_, member) => {
    const liked = [COURSES[member % COURSES.length][0], COURSES[(member * 7 + 3) % COURSES.length][0]];
    const text = `member ${member}, who came for ${liked.join(' and ')} ${member % 12} times`;
    await recommend({ liked, text }, urgency ? { class: 'background', tenant: 'nightly' } : {});
    if (++profiles % 15 === 0 && live.length < VISITORS) live.push(visit());
  });
  await Promise.all(nightly);
  const nightSeconds = (performance.now() - beginMs) / 1_000;
  const waits = (await Promise.all(live)).sort((a, b) => a - b);
  const median = waits[Math.floor(waits.length / 2)];
  const ms = (value) => `${Math.round(value)} ms`.padStart(8);
  console.log(
    `${name.padEnd(24)} visitors: median ${ms(median)}, worst ${ms(waits.at(-1))}; ${PROFILES} profiles after ${nightSeconds.toFixed(1)} s`,
  );
  await yard.close();
  return median;
}

if (!isLoadOnly) await recommendToVisitors();
const firstCome = await measureLoad('first come, first served', false, { order: 'fcfs', share: 'none' });
const ours = await measureLoad('agentyard', true, {});
if (ours > firstCome / 2) process.exitCode = 1;
