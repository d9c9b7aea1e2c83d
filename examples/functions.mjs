// A yard of plain functions: two tenants share two slots fairly, urgent work goes first, and everything ends in one outcome.
import { setTimeout as wait } from 'node:timers/promises';
import { Yard } from 'agentyard';

const yard = new Yard({ concurrency: 2 });
const finished = [];
const work = (name) => async () => {
  await wait(2);
  finished.push(name);
};

// Tenant "bulk" was first and brings 100 tasks; "alice" brings 5.
const bulk = Array.from({ length: 100 }, (_, index) => yard.add(work(`bulk ${index}`), { tenant: 'bulk' }));
const alice = Array.from({ length: 5 }, (_, index) => yard.add(work(`alice ${index}`), { tenant: 'alice' }));
await Promise.all(alice);
console.log(`All 5 of alice are done after ${finished.filter((name) => name.startsWith('bulk')).length} of bulk.`);

// A time-out, a retry, and a caller who changes his mind.
await yard
  .add(({ signal }) => wait(60_000, undefined, { signal }), { timeoutMs: 20 })
  .catch((error) => console.log(`${error.code}: ${error.message}`));
let attempts = 0;
const answer = await yard.add(
  () => {
    if (++attempts < 3) throw new Error('not yet');
    return `it took ${attempts} attempts`;
  },
  { retry: { attempts: 5, minMs: 1 } },
);
console.log(answer);
const controller = new AbortController();
const unwanted = yard.add(() => 'never', { signal: controller.signal });
controller.abort();
await unwanted.catch((error) => console.log(`${error.code}: ${error.message}`));

await Promise.all(bulk);
const { outcomes, grantsByRule } = yard.stats();
console.log('outcomes', outcomes, 'grants by rule', grantsByRule);
await yard.close();
