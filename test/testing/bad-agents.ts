/** Agents with one fault each, as people make them, and the check that must find it. */
import { promises } from 'node:timers';
import { z } from 'zod';
import {
  type AgentContext,
  type AgentDefinition,
  type AnyAgent,
  defineAgent,
  withJsonSchema,
} from '../../lib/agents/index.js';
import type { AgentSchema } from '../../lib/agents/schema.js';
import { isAgentyardError } from '../../lib/base/errors.js';
import type { CheckName, ConformanceOptions } from '../../lib/testing/index.js';
import { judge, shout } from './good-agents.js';

export interface BadAgent {
  fault: string;
  fails: CheckName;
  agent: AnyAgent;
  options?: Partial<ConformanceOptions>;
}

const text = z.object({ text: z.string() });
type Text = z.infer<typeof text>;

type Definition<I extends AgentSchema, O extends AgentSchema> = Partial<AgentDefinition<I, O>>;
type Run = (input: Text, ctx: AgentContext) => Text | Promise<Text>;

/** An agent from text to text that does nothing wrong but what is given. */
function fromText(run: Run, definition: Definition<typeof text, typeof text> = {}): AnyAgent {
  const base = { name: 'bad', version: '1', description: 'Does something wrong.', input: text, output: text };
  return defineAgent({ ...base, ...definition, run });
}

function agentOf<I extends AgentSchema, O extends AgentSchema>(
  definition: Pick<AgentDefinition<I, O>, 'input' | 'output' | 'run'> & Definition<I, O>,
): AnyAgent {
  return defineAgent({ name: 'bad', version: '1', description: 'Does something wrong.', ...definition });
}

const echo: Run = (input) => ({ text: input.text });

function said(ctx: AgentContext, content: string): Promise<string> {
  return ctx
    .chat({ messages: [{ role: 'user', content }] })
    .result()
    .then((result) => result.text);
}

function codeOf(error: unknown): string | undefined {
  return isAgentyardError(error) ? error.code : undefined;
}

/** A child that is not told to stop. */
const deaf = defineAgent({
  name: 'deaf',
  version: '1',
  description: 'Waits, and hears nobody.',
  input: text,
  output: text,
  run: async (input) => {
    await promises.setTimeout(10_000);
    return input;
  },
});

let runsSoFar = 0;
let current = '';

export const badAgents: readonly BadAgent[] = [
  { fault: 'says nothing about itself', fails: 'well-described', agent: fromText(echo, { description: 'Stuff' }) },
  {
    fault: 'refuses what it is made for',
    fails: 'accepts-inputs',
    agent: agentOf({ input: z.object({ text: z.string().max(3) }), output: text, run: echo }),
  },
  {
    fault: 'accepts anything',
    fails: 'refuses-invalid-inputs',
    agent: agentOf({ input: z.any(), output: text, run: (input) => ({ text: String(input?.text) }) }),
  },
  {
    fault: 'tells callers of a field by another name',
    fails: 'input-json-form-agrees',
    agent: agentOf({
      input: withJsonSchema(text, {
        type: 'object',
        properties: { content: { type: 'string' } },
        required: ['content'],
      }),
      output: text,
      run: echo,
    }),
  },
  {
    fault: 'keeps a rule from callers',
    fails: 'input-json-form-agrees',
    agent: agentOf({ input: withJsonSchema(text, { type: 'object' }), output: text, run: echo }),
  },
  { fault: 'weighs NaN', fails: 'declarations-in-range', agent: fromText(echo, { weight: () => Number.NaN }) },
  {
    fault: 'asks for less than nothing',
    fails: 'declarations-in-range',
    agent: fromText(echo, { demand: () => ({ slots: -1 }) }),
  },
  {
    fault: 'cannot say how long it takes',
    fails: 'declarations-in-range',
    agent: fromText(echo, {
      estimateMs: () => {
        throw new Error('no idea');
      },
    }),
  },
  {
    fault: 'weighs what chance says',
    fails: 'declarations-steady',
    agent: fromText(echo, { weight: () => 1 + Math.random() }),
  },
  {
    fault: 'takes longer on some days',
    fails: 'declarations-steady',
    agent: fromText(echo, { estimateMs: () => 1 + new Date().getUTCDate() }),
  },
  {
    fault: 'asks for more later in the life of the process',
    fails: 'declarations-steady',
    agent: fromText(echo, { demand: () => ({ slots: 1 + Math.floor(performance.now() / 86_400_000) }) }),
  },
  {
    fault: 'sorts the input to weigh it',
    fails: 'declarations-keep-input',
    agent: agentOf({
      input: z.object({ items: z.array(z.number()) }),
      output: z.object({ least: z.number() }),
      weight: ({ items }) => items.sort((a, b) => a - b).length,
      run: ({ items }) => ({ least: Math.min(...items) }),
    }),
    options: { inputs: [{ items: [3, 1, 2] }] },
  },
  { fault: 'never settles', fails: 'ends', agent: fromText(() => new Promise(() => {})) },
  {
    fault: 'polls for what never comes',
    fails: 'ends',
    agent: fromText(async (input, ctx) => {
      for (;;) await promises.setTimeout(1_000, input, { signal: ctx.signal });
    }),
  },
  {
    fault: 'asks a model without end',
    fails: 'ends',
    agent: fromText(async (_, ctx) => {
      for (;;) await said(ctx, 'again');
    }),
  },
  {
    fault: 'forgets a field of its output',
    fails: 'output-fits',
    agent: fromText((input) => (input.text.length > 12 ? ({} as Text) : input)),
  },
  {
    fault: 'fails for what it is made for',
    fails: 'output-fits',
    agent: fromText(() => {
      throw new Error('not today');
    }),
  },
  {
    fault: 'gives a date',
    fails: 'output-is-json',
    agent: agentOf({ input: text, output: z.object({ at: z.any() }), run: () => ({ at: new Date(0) }) }),
  },
  {
    fault: 'gives a circle',
    fails: 'output-is-json',
    agent: agentOf({
      input: text,
      output: z.any(),
      run: () => {
        const node: { next?: unknown } = {};
        node.next = node;
        return node;
      },
    }),
  },
  {
    fault: 'gives other than it tells',
    fails: 'output-json-form-agrees',
    agent: agentOf({
      input: text,
      output: withJsonSchema(text, { type: 'object', properties: { text: { type: 'number' } } }),
      run: echo,
    }),
  },
  {
    fault: 'changes its input',
    fails: 'input-kept',
    agent: fromText((input) => {
      input.text = input.text.trim().concat('!');
      return { text: input.text };
    }),
  },
  {
    fault: 'counts backwards',
    fails: 'progress-grows',
    agent: fromText((input, ctx) => {
      for (const left of [3, 2, 1]) ctx.progress(left, 3);
      return input;
    }),
  },
  {
    fault: 'does more than there is to do',
    fails: 'progress-within-total',
    agent: fromText((input, ctx) => {
      for (let done = 0; done <= 3; done++) ctx.progress(done, 2);
      return input;
    }),
  },
  {
    fault: 'streams other than it answers',
    fails: 'parts-add-up',
    agent: fromText((input, ctx) => {
      for (const word of input.text.split(' ')) ctx.emit(word);
      return input;
    }),
    options: { partsOf: (output: Text) => output.text },
  },
  {
    fault: 'leaves a child alone',
    fails: 'no-open-child',
    agent: fromText((input, ctx) => {
      void ctx.run(judge, input);
      return input;
    }),
  },
  {
    fault: 'does not wait for its embeddings',
    fails: 'no-open-child',
    agent: fromText((input, ctx) => {
      ctx.embed([input.text]).catch(() => {});
      return input;
    }),
  },
  {
    fault: 'leaves an answer unread',
    fails: 'no-open-child',
    agent: fromText(async (input, ctx) => {
      await ctx.chat({ messages: [{ role: 'user', content: input.text }] }).started();
      return input;
    }),
  },
  {
    fault: 'reports after its end',
    fails: 'silent-after-end',
    agent: fromText((input, ctx) => {
      setImmediate(() => ctx.progress(1, 1));
      return input;
    }),
  },
  {
    fault: 'leaves a timer',
    fails: 'no-timer-left',
    agent: fromText(async (input, ctx) => {
      setInterval(() => {}, 1_000);
      return { text: await said(ctx, input.text) };
    }),
  },
  {
    fault: 'loses a race against a timer that it leaves',
    fails: 'no-timer-left',
    agent: fromText(async (input, ctx) => {
      const late = new Promise<string>((_, reject) => {
        setTimeout(() => reject(new Error('too late')), 3_000_000);
      });
      return { text: await Promise.race([said(ctx, input.text), late]) };
    }),
  },
  {
    fault: 'calls itself pure and throws dice',
    fails: 'pure-is-pure',
    agent: fromText((input) => ({ text: `${input.text} ${Math.random()}` }), { pure: true }),
  },
  {
    fault: 'calls itself pure and tells the date',
    fails: 'pure-is-pure',
    agent: fromText((input) => ({ text: `${input.text} ${new Date().toISOString()}` }), { pure: true }),
  },
  {
    fault: 'counts its runs',
    fails: 'no-state-between-runs',
    agent: fromText((input) => ({ text: `${input.text} ${++runsSoFar}` })),
  },
  {
    fault: 'keeps its work where other runs keep theirs',
    fails: 'runs-side-by-side',
    agent: fromText(async (input, ctx) => {
      current = input.text;
      await said(ctx, 'think');
      return { text: current };
    }),
  },
  {
    fault: 'does not hear that it is cancelled',
    fails: 'cancel-honoured',
    agent: fromText(async (input) => {
      await promises.setTimeout(10_000);
      return input;
    }),
  },
  {
    fault: 'takes its cancellation for a failure of one of many',
    fails: 'no-call-after-cancel',
    agent: fromText(async (input, ctx) => {
      const answers: string[] = [];
      for (const word of input.text.split(' ')) {
        try {
          answers.push(await said(ctx, word));
        } catch (error) {
          if (codeOf(error) === 'AY_OVER_BUDGET') throw error;
        }
      }
      return { text: answers.join(' ') };
    }),
  },
  {
    fault: 'has a child that does not hear',
    fails: 'cancel-leaves-nothing',
    agent: fromText((input, ctx) => ctx.run(deaf, input)),
  },
  {
    fault: 'tries again when its time is up',
    fails: 'timeout-honoured',
    agent: fromText(async (input, ctx) => {
      try {
        return { text: await said(ctx, input.text) };
      } catch (error) {
        if (codeOf(ctx.signal.reason) !== 'AY_TASK_TIMEOUT') throw error;
        return { text: await said(ctx, 'be brief') };
      }
    }),
  },
  {
    fault: 'waits on when its time is up',
    fails: 'timeout-honoured',
    agent: fromText(async (input, ctx) => {
      const end = new AbortController();
      ctx.signal.addEventListener('abort', () => {
        if (codeOf(ctx.signal.reason) === 'AY_CANCELLED') end.abort();
      });
      await promises.setTimeout(10_000, undefined, { signal: end.signal });
      return input;
    }),
  },
  {
    fault: 'hides that its budget is spent',
    fails: 'budget-kept',
    agent: fromText(async (input, ctx) => {
      try {
        return await ctx.run(shout, input);
      } catch {
        throw new Error('something went wrong');
      }
    }),
    options: { pools: { voice: 2 } },
  },
  {
    fault: 'tries until its budget has room',
    fails: 'budget-kept',
    agent: fromText(async (input, ctx) => {
      for (;;) {
        try {
          return await ctx.run(shout, input);
        } catch (error) {
          if (codeOf(error) !== 'AY_OVER_BUDGET') throw error;
        }
      }
    }),
    options: { pools: { voice: 2 } },
  },
  {
    fault: 'tries until the model is well',
    fails: 'model-failure-settles',
    agent: fromText(async (input, ctx) => {
      for (;;) {
        try {
          return { text: await said(ctx, input.text) };
        } catch (error) {
          if (codeOf(error) !== 'AY_ENGINE_FAILED') throw error;
          await promises.setTimeout(1_000, undefined, { signal: ctx.signal });
        }
      }
    }),
  },
  {
    fault: 'asks until it gets what it wants',
    fails: 'nonsense-settles',
    agent: fromText(async (input, ctx) => {
      for (;;) {
        const answer = await said(ctx, input.text);
        if (answer === input.text) return { text: answer };
      }
    }),
  },
  {
    fault: 'throws a text',
    fails: 'throws-errors',
    agent: fromText(async (input, ctx) => {
      try {
        return { text: await said(ctx, input.text) };
      } catch (error) {
        if (codeOf(error) !== 'AY_ENGINE_FAILED') throw error;
        throw 'the model is ill';
      }
    }),
  },
  {
    fault: 'has its input in its errors',
    fails: 'errors-tell-no-input',
    agent: fromText(async (input, ctx) => {
      try {
        return { text: await said(ctx, input.text) };
      } catch (cause) {
        throw new Error(`Nothing can be said about "${input.text}".`, { cause });
      }
    }),
  },
  {
    fault: 'does not look at a promise of its own',
    fails: 'no-unhandled-rejection',
    agent: fromText((input) => {
      void (async () => {
        throw new Error('nobody sees this');
      })();
      return input;
    }),
  },
];
