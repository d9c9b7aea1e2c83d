// A chat that comes last and starts first: batch work fills the machine, and interactive work has a slot kept for it.
// Usage: node examples/priorities.mjs [model.gguf]
import { tmpdir } from 'node:os';
import { ensureStandIn, Yard } from 'agentyard';

const path = process.argv[2] ?? (await ensureStandIn(tmpdir()));

const yard = new Yard({ models: { m: { path, sequences: 4, keepInteractive: 1 } } });
await yard.ready();

const order = [];
const ask = (name, hints) => {
  const stream = yard.complete({ model: 'm', prompt: `${name}: tell me about queues`, maxTokens: 40, ...hints });
  return stream.started().then(({ waitMs }) => {
    order.push(name);
    console.error(`${name} started after ${Math.round(waitMs)} ms`);
    return stream.result();
  });
};

const batch = Array.from({ length: 8 }, (_, index) => ask(`batch ${index + 1}`, { class: 'batch', tenant: 'reports' }));
const chat = ask('chat', { class: 'interactive', tenant: 'alice' });
await Promise.all([...batch, chat]);

const place = order.indexOf('chat') + 1;
console.log(`The chat came last of 9 and started as number ${place}.`);
console.log('Grants by rule:', yard.stats().grantsByRule);
await yard.close();
if (place > 4) process.exitCode = 1;
