// Tests of an agent without a model: scripted answers, time that is moved by hand, and the conformance kit.
import { strict as assert } from 'node:assert';
import { defineAgent } from 'agentyard';
import { conformance, createTestYard, scriptedModel, virtualClock, whenAsked } from 'agentyard/testing';
import { z } from 'zod';

const triage = defineAgent({
  name: 'triage',
  version: '1',
  description: 'Says how urgent a letter from a customer is.',
  input: z.object({ letter: z.string().min(1) }),
  output: z.object({ urgency: z.enum(['now', 'today', 'later']) }),
  run: ({ letter }, ctx) =>
    ctx.object({
      messages: [{ role: 'user', content: `How urgent is this?\n${letter}` }],
      schema: z.object({ urgency: z.enum(['now', 'today', 'later']) }),
    }),
});

// A model that takes four seconds for an answer, and that is ill when it is asked about Mondays.
const model = scriptedModel({
  latencyMs: 4_000,
  answers: whenAsked(
    [
      ['fire', '{"urgency":"now"}'],
      ['Monday', new Error('The model is ill.')],
    ],
    '{"urgency":"later"}',
  ),
});

// Time stands still until the test moves it: these three letters take four virtual seconds, and no real one.
const clock = virtualClock();
const yard = await createTestYard({ models: { chat: model }, agents: [triage], clock });
const letters = ['The kitchen is on fire!', 'I like your lamps.', 'Call me on Monday.'];
const answers = letters.map((letter) => yard.run(triage, { letter }).catch((error) => error.code));
console.log(await clock.until(Promise.all(answers)), `after ${clock.nowMs()} ms, ${model.calls} requests`);
assert.deepEqual(await answers[0], { urgency: 'now' });

// A caller who does not wait: the request to the model ends, too.
const late = yard.run(triage, { letter: 'Hello?' }, { timeoutMs: 500 }).catch((error) => error.code);
console.log(await clock.until(late), `after ${clock.nowMs()} ms, ${model.running} requests still run`);
await yard.close();
clock.restore();

// Everything that strangers may expect of an agent, in one call.
const report = await conformance(triage, {
  inputs: [{ letter: 'The kitchen is on fire!' }, { letter: 'I like your lamps.' }],
  invalidInputs: [{}, { letter: 7 }, { letter: '' }],
});
const made = report.checks.filter(({ skipped }) => !skipped);
console.log(`${report.agent}: ${made.filter(({ ok }) => ok).length} of ${made.length} checks passed`);

// One that goes on when nobody wants its answer any more.
const stubborn = defineAgent({
  name: 'stubborn',
  version: '1',
  description: 'Asks for every word of a letter, whatever happens.',
  input: z.object({ letter: z.string() }),
  output: z.object({ heard: z.number() }),
  run: async ({ letter }, ctx) => {
    let heard = 0;
    for (const word of letter.split(' ')) {
      try {
        await ctx.chat({ messages: [{ role: 'user', content: word }] }).result();
        heard++;
      } catch {}
    }
    return { heard };
  },
});
for (const { name, ok, detail } of (await conformance(stubborn, { inputs: [{ letter: 'one two three' }] })).checks) {
  if (!ok) console.log(`stubborn@1 fails ${name}. ${detail}`);
}
