// Agents: defined with schemas, run with progress, calling each other, and called by a model as tools.
// Usage: node examples/agents.mjs [model.gguf]
import { tmpdir } from 'node:os';
import { defineAgent, ensureStandIn, Yard } from 'agentyard';
import { z } from 'zod';

const path = process.argv[2] ?? process.env.AGENTYARD_CHAT_MODEL ?? (await ensureStandIn(tmpdir()));

// A pure agent: equal calls become one run, and its results are kept.
const SKIES = { Bern: ['rain', 11], Lisbon: ['sun', 24], Oslo: ['snow', -2] };
let lookedUp = 0;
const weather = defineAgent({
  name: 'weather',
  version: '1',
  description: 'The weather in a city today.',
  input: z.object({ city: z.enum(['Bern', 'Lisbon', 'Oslo']) }),
  output: z.object({ sky: z.string(), celsius: z.number() }),
  pure: true,
  run: ({ city }) => {
    lookedUp++;
    const [sky, celsius] = SKIES[city];
    return { sky, celsius };
  },
});

// An agent that calls others. While it waits for them its slot is given back, so this works where one call runs at a time.
const packing = defineAgent({
  name: 'packing',
  version: '1',
  description: 'What to pack for a tour through some cities.',
  input: z.object({ cities: z.array(z.string()).min(1) }),
  output: z.object({ items: z.array(z.string()) }),
  run: async ({ cities }, ctx) => {
    let known = 0;
    const skies = await Promise.all(
      cities.map(async (city) => {
        const today = await ctx.run(weather, { city });
        ctx.progress(++known, cities.length, city);
        return today;
      }),
    );
    const items = new Set(['toothbrush']);
    for (const { sky, celsius } of skies) {
      if (sky === 'rain') items.add('umbrella');
      items.add(celsius < 5 ? 'coat' : celsius > 20 ? 'hat' : 'pullover');
    }
    return { items: [...items] };
  },
});

// A model chooses among agents. Its choice is bound by a grammar, so it is always a call that can be made.
const concierge = defineAgent({
  name: 'concierge',
  version: '1',
  description: 'Answers a question about the weather, by a model that may look it up.',
  input: z.object({ question: z.string().min(1) }),
  output: z.object({ called: z.string(), with: z.unknown(), result: z.unknown(), answer: z.string() }),
  run: async ({ question }, ctx) => {
    const tools = [weather].map(({ name, description, inputJsonSchema }) => ({
      name,
      description,
      parameters: inputJsonSchema,
    }));
    const messages = [{ role: 'user', content: question }];
    const asked = await ctx.chat({ messages, tools, toolChoice: 'required', temperature: 0, maxTokens: 80 }).result();
    const [call] = asked.toolCalls;
    const result = await ctx.tool(call.name, call.arguments);
    messages.push({ role: 'assistant', content: asked.text, toolCalls: asked.toolCalls });
    messages.push({ role: 'tool', toolCallId: call.id, content: JSON.stringify(result) });
    const stream = ctx.chat({ messages, tools, toolChoice: 'none', temperature: 0, maxTokens: 40 });
    for await (const { text } of stream) ctx.emit(text);
    const { text: answer } = await stream.result();
    return { called: call.name, with: call.arguments, result, answer: answer.trim() };
  },
});

const yard = new Yard({
  models: { chat: { path, sequences: 2, contextTokens: 1_024 } },
  agents: [weather, packing, concierge],
  concurrency: 1,
});
await yard.ready();
console.log(
  'agents:',
  yard.agents
    .list()
    .map(({ id }) => id)
    .join(', '),
);

const { items } = await yard.run(
  packing,
  { cities: ['Bern', 'Oslo', 'Lisbon', 'Bern'] },
  { onProgress: ({ done, total, message }) => console.log(`  ${done} of ${total}: ${message}`) },
);
console.log('pack:', items.join(', '), `(${lookedUp} look-ups for 4 cities)`);

// By name, as a face would call it: a wrong input says where, and nothing has run.
await yard.run('weather', { city: 'Atlantis' }).catch((error) => console.log(`${error.code}: ${error.message}`));
await yard.run('wether', {}).catch((error) => console.log(`${error.code}: ${error.message}`));
// A budget is for a call and all its children, in tokens of models and weights of agents. What is known already costs nothing.
const again = await yard.run('packing', { cities: ['Bern', 'Oslo'] }, { budget: 0 });
console.log('with no budget at all:', again.items.join(', '));
await yard
  .run('concierge', { question: 'Do I need a coat in Oslo?' }, { budget: 10 })
  .catch((error) => console.log(`${error.code}: ${error.message}`));

let streamed = 0;
const {
  called,
  with: input,
  result,
} = await yard.run(
  'concierge',
  { question: 'Do I need a coat in Oslo?' },
  { class: 'interactive', onPart: () => streamed++ },
);
console.log('the model called', called, input, 'which gave', result, `and answered in ${streamed} parts`);

const { outcomes, reuse } = yard.stats();
console.log('outcomes', outcomes, 'results reused', reuse.results.hits + reuse.results.joins);
await yard.close();
