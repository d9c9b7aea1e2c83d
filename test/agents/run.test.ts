/** One call is one task: what goes in, what comes out, and what can go wrong with either. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineAgent, withJsonSchema } from '../../lib/agents/index.js';
import { AgentFailedError, InvalidInputError, InvalidOutputError } from '../../lib/base/agent-errors.js';
import {
  CancelledError,
  DeadlineError,
  InvalidOptionError,
  InvalidRequestError,
  OverBudgetError,
  ParentEndedError,
  TaskTimeoutError,
  TooDeepError,
} from '../../lib/base/errors.js';
import type { TaskRecord } from '../../lib/runtime/service.js';
import { Yard } from '../../lib/yard.js';
import { errorOf, makeGate, settleMicrotasks } from '../support/gate.js';
import { shout, textAgent, textSchema } from './support.js';

let yard: Yard;
let records: TaskRecord[];

beforeEach(() => {
  yard = new Yard({ concurrency: 8, agents: [shout] });
  records = [];
  yard.onSettled((record) => records.push(record));
});

afterEach(async () => {
  await yard.close();
});

/** What the call rejects with; another call beside it is unharmed, and nothing is left over. */
async function harmless(call: () => Promise<unknown>): Promise<unknown> {
  const gate = makeGate();
  const waits = textAgent('beside', async ({ text }) => {
    await gate.run();
    return { text };
  });
  const beside = yard.run(waits, { text: 'fine' });
  const error = await errorOf(call());
  gate.open();
  expect(await beside).toEqual({ text: 'fine' });
  await settleMicrotasks();
  expect(yard.stats()).toMatchObject({ running: 0, queued: 0, pools: { slots: { leased: 0 } } });
  return error;
}

describe('a call', () => {
  it('is one task with one outcome, by object and by name', async () => {
    expect(await yard.run(shout, { text: 'hi' })).toEqual({ text: 'HI' });
    expect(await yard.run('shout', { text: 'hi' })).toEqual({ text: 'HI' });
    expect(await yard.run('shout@1', { text: 'hi' }, { tenant: 'a', class: 'batch', id: 'mine' })).toEqual({
      text: 'HI',
    });
    expect(records).toHaveLength(3);
    expect(records[2]).toMatchObject({ id: 'mine', tenant: 'a', class: 'batch', outcome: 'completed' });
    expect(yard.stats().outcomes).toEqual({ completed: 3, failed: 0, cancelled: 0, refused: 0, expired: 0 });
  });

  it('gives run what came out of the validation of its input, and its caller what came out of that of its output', async () => {
    const input = z.object({ words: z.string().transform((text) => text.split(' ')), times: z.number().default(2) });
    const output = withJsonSchema(
      z.number().transform((count) => `${count} words`),
      { type: 'string' },
    );
    const count = defineAgent({
      name: 'count',
      version: '1',
      description: 'Counts.',
      input,
      output,
      run: ({ words, times }) => words.length * times,
    });
    expect(await yard.run(count, { words: 'a b c' })).toBe('6 words');
  });

  it('takes what the agent says it takes of the pools, for as long as the agent says at most', async () => {
    const own = new Yard({ pools: { gpu: 4 } });
    const gate = makeGate();
    const wide = textAgent('wide', async (input) => gate.run().then(() => input), {
      demand: ({ text }) => ({ gpu: text.length }),
      timeoutMs: 20,
    });
    const call = own.run(wide, { text: 'abc' });
    expect(own.stats().pools).toMatchObject({ gpu: { leased: 3 }, slots: { leased: 1 } });
    expect(await errorOf(call)).toMatchObject({ code: 'AY_TASK_TIMEOUT', timeoutMs: 20 });
    expect(await errorOf(own.run(wide, { text: 'abcde' }))).toMatchObject({ code: 'AY_DEMAND_TOO_LARGE', pool: 'gpu' });
    gate.open();
  });

  it('with a key is made once for each agent', async () => {
    let calls = 0;
    const counted = textAgent('counted', ({ text }) => ({ text: `${text}${++calls}` }));
    const run = () => yard.run(counted, { text: 'x' }, { idempotencyKey: 'k' });
    expect(await run()).toEqual({ text: 'x1' });
    expect(await run()).toEqual({ text: 'x1' });
    expect(await yard.run(shout, { text: 'x' }, { idempotencyKey: 'k' })).toEqual({ text: 'X' });
  });

  it.each([
    // biome-ignore lint/suspicious/noThenProperty: a thenable of another make
    ['a thenable', (text: string) => ({ then: (resolve: (value: object) => void) => resolve({ text }) })],
    ['an object', (text: string) => ({ text })],
    ['a promise', async (text: string) => ({ text })],
  ])('takes what run returns: %s', async (_, make) => {
    const agent = textAgent('makes', ({ text }) => make(text) as { text: string });
    expect(await yard.run(agent, { text: 'x' })).toEqual({ text: 'x' });
  });

  it('may have schemas that answer later', async () => {
    const later = textSchema.refine(async ({ text }) => text !== 'bad', 'is bad');
    const agent = textAgent('later', ({ text }) => ({ text: text === 'odd' ? 'bad' : text }), {
      input: later,
      output: later,
    } as never);
    expect(await yard.run(agent, { text: 'good' })).toEqual({ text: 'good' });
    expect(await errorOf(yard.run(agent, { text: 'bad' }))).toBeInstanceOf(InvalidInputError);
    expect(await errorOf(yard.run(agent, { text: 'odd' }))).toBeInstanceOf(InvalidOutputError);
    expect(records.map(({ outcome }) => outcome)).toEqual(['completed', 'failed']);
  });

  it('waits its turn like any task, and is cancelled by its signal', async () => {
    const own = new Yard({ concurrency: 1, agents: [shout] });
    const gate = makeGate();
    const first = own.add(gate.run);
    const controller = new AbortController();
    const waiting = own.run(shout, { text: 'x' }, { signal: controller.signal, id: 'w' });
    expect(own.why('w')).toBeDefined();
    controller.abort('enough');
    expect(await errorOf(waiting)).toMatchObject({ code: 'AY_CANCELLED', cause: 'enough' });
    expect(await errorOf(own.run(shout, { text: 'x' }, { signal: controller.signal }))).toBeInstanceOf(CancelledError);
    gate.open();
    await first;
  });
});

describe('a wrong input', () => {
  const schema = z.object({
    items: z.array(z.object({ price: z.number() })),
    kind: z.enum(['a', 'b']).optional(),
    'odd key': z.union([z.string(), z.number()]).optional(),
  });
  const strict = defineAgent({
    name: 'strict',
    version: '2',
    description: 'Is strict.',
    input: schema,
    output: z.string(),
    run: () => 'ran',
  });
  const prices = [{ price: 1 }, { price: 2 }];

  it.each([
    [{ items: [...prices, { price: 'a secret' }] }, { path: 'items[2].price', expected: 'number', got: 'string' }],
    [{ items: [...prices, {}] }, { path: 'items[2].price', expected: 'number', got: 'missing' }],
    [{ items: null }, { path: 'items', expected: 'array', got: 'null' }],
    [
      { items: [], kind: 'a secret' },
      { path: 'kind', expected: 'one of "a", "b"', got: 'string' },
    ],
    [
      { items: [], 'odd key': true },
      { path: '["odd key"]', expected: 'string or number', got: 'boolean' },
    ],
    ['a secret', { path: '', expected: 'object', got: 'string' }],
    [undefined, { path: '', expected: 'object', got: 'undefined' }],
  ])('is told by path, what was expected and what came: %j', async (input, issue) => {
    const error = (await harmless(() => yard.run(strict, input as never))) as InvalidInputError;
    expect(error).toBeInstanceOf(InvalidInputError);
    expect(error).toMatchObject({ agent: 'strict@2', issues: [issue] });
    if (issue.path !== '')
      expect(error.message).toContain(`${issue.path}: expected ${issue.expected}, got ${issue.got}`);
    expect(JSON.stringify(error) + error.message).not.toContain('secret');
    // Nothing ran, and there was no task.
    expect(records).toHaveLength(1);
  });

  it('of a million mistakes is told with some of them', async () => {
    const items = Array.from({ length: 20_000 }, () => ({ price: 'x' }));
    const error = (await errorOf(yard.run(strict, { items } as never))) as InvalidInputError;
    expect(error.issues).toHaveLength(100);
    expect(error.message.length).toBeLessThan(500);
  });
});

describe('an agent that', () => {
  it.each([
    ['an error', new TypeError('its own'), 'its own'],
    ['a text', 'a text', 'it threw string'],
    ['nothing', undefined, 'it threw undefined'],
    ['null', null, 'it threw null'],
  ])('throws %s failed, with that as the cause', async (_, thrown, said) => {
    for (const isLate of [false, true]) {
      const agent = textAgent('throws', () => {
        if (isLate) return Promise.reject(thrown);
        throw thrown;
      });
      const error = await harmless(() => yard.run(agent, { text: 'x' }));
      expect(error).toBeInstanceOf(AgentFailedError);
      expect(error).toMatchObject({
        code: 'AY_AGENT_FAILED',
        agent: 'throws@1',
        message: expect.stringContaining(said),
      });
      expect((error as Error).cause).toBe(thrown);
    }
    expect(records.filter(({ outcome }) => outcome === 'failed')).toHaveLength(2);
  });

  it('throws an error of ours is told as it is', async () => {
    const ours = new InvalidRequestError('not like this');
    const agent = textAgent('throws', () => {
      throw ours;
    });
    expect(await harmless(() => yard.run(agent, { text: 'x' }))).toBe(ours);
  });

  it('gives what does not fit its output failed', async () => {
    const agent = textAgent('wrong', () => ({ text: 7 }) as never);
    const error = await harmless(() => yard.run(agent, { text: 'x' }));
    expect(error).toBeInstanceOf(InvalidOutputError);
    expect(error).toMatchObject({ agent: 'wrong@1', issues: [{ path: 'text', expected: 'string', got: 'number' }] });
    expect(records.map(({ outcome, errorCode }) => [outcome, errorCode])).toContainEqual([
      'failed',
      'AY_INVALID_OUTPUT',
    ]);
  });

  it('has schemas that throw failed', async () => {
    const broken = withJsonSchema(
      z.string().refine(() => {
        throw new Error('a bug in a check');
      }),
      { type: 'string' },
    );
    const define = (schemas: object) =>
      defineAgent({ ...shout, ...schemas } as never as Parameters<typeof defineAgent>[0]);
    const { name, version, description } = shout;
    const known = { name, version, description };
    const input = defineAgent({ ...known, input: broken, output: z.string(), run: () => 'x' });
    const output = defineAgent({ ...known, input: z.string(), output: broken, run: () => 'x' });
    expect(define).toBeDefined();
    expect(await harmless(() => yard.run(input, 'x'))).toMatchObject({ code: 'AY_AGENT_FAILED' });
    expect(await harmless(() => yard.run(output, 'x'))).toMatchObject({ code: 'AY_AGENT_FAILED' });
  });

  it('never ends is ended by its time-out, and told by its signal', async () => {
    let reason: unknown;
    const endless = textAgent(
      'endless',
      (input, ctx) =>
        new Promise((resolve) => {
          ctx.signal.addEventListener('abort', () => {
            reason = ctx.signal.reason;
            resolve(input);
          });
        }),
      { timeoutMs: 10 },
    );
    const error = await harmless(() => yard.run(endless, { text: 'x' }));
    expect(error).toBeInstanceOf(TaskTimeoutError);
    expect(reason).toBe(error);
    const late = await harmless(() => yard.run(endless, { text: 'x' }, { timeoutMs: 60_000, deadlineMs: 10 }));
    expect(late).toBeInstanceOf(DeadlineError);
  });

  it('calls itself without end is too deep', async () => {
    const deep = textAgent('deep', (input, ctx) => ctx.tool('deep', input) as never);
    const own = new Yard({ concurrency: 100, agents: [deep], maxDepth: 5 });
    expect(await errorOf(own.run(deep, { text: 'x' }))).toBeInstanceOf(TooDeepError);
    expect(await errorOf(own.run('deep', { text: 'x' }))).toMatchObject({ maxDepth: 5 });
    await settleMicrotasks();
    expect(own.stats()).toMatchObject({ running: 0, pools: { slots: { leased: 0 } } });
  });

  it('wants more of its children than its budget is over it', async () => {
    const child = textAgent('child', (input) => input, { weight: 3 });
    const spends = textAgent('spends', async (input, ctx) => {
      for (let i = 0; i < 5; i++) await ctx.run(child, input);
      return input;
    });
    expect(await harmless(() => yard.run(spends, { text: 'x' }, { budget: 10 }))).toBeInstanceOf(OverBudgetError);
    expect(await yard.run(spends, { text: 'x' }, { budget: 15 })).toEqual({ text: 'x' });
  });

  it('leaves a child behind takes it along', async () => {
    const childEnd: unknown[] = [];
    const gate = makeGate();
    const child = textAgent('child', async (input, ctx) => {
      ctx.signal.addEventListener('abort', () => gate.open());
      await gate.run();
      return input;
    });
    const leaks = textAgent('leaks', (input, ctx) => {
      ctx.run(child, input).catch((error: unknown) => childEnd.push(error));
      return input;
    });
    expect(await yard.run(leaks, { text: 'x' })).toEqual({ text: 'x' });
    await settleMicrotasks();
    expect(childEnd).toEqual([expect.any(ParentEndedError)]);
    expect(records.map(({ outcome }) => outcome).sort()).toEqual(['cancelled', 'completed']);
    expect(yard.stats()).toMatchObject({ running: 0, pools: { slots: { leased: 0 } } });
  });

  it('throws while a child runs takes it along', async () => {
    const child = textAgent(
      'child',
      (_, ctx) =>
        new Promise((_, reject) => {
          ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason));
        }),
    );
    const fails = textAgent('fails', (input, ctx) => {
      void ctx.run(child, input);
      throw new Error('no');
    });
    expect(await harmless(() => yard.run(fails, { text: 'x' }))).toBeInstanceOf(AgentFailedError);
    expect(records.map(({ errorCode }) => errorCode)).toContain('AY_PARENT_ENDED');
  });
});

describe('an option', () => {
  it.each([
    ['tennant', { tennant: 'a' }, 'Did you mean "tenant"?'],
    ['retry', { retry: 3 }, 'known: id, tenant'],
    ['model', { model: 7 }, 'the name of a model'],
    ['reuse', { reuse: 'no' }, 'true or false'],
    ['onPart', { onPart: 'me' }, 'a function'],
    ['priority', { priority: 'high' }, 'a finite number'],
    ['idempotencyKey', { idempotencyKey: 'x'.repeat(200) }, '128'],
    ['options', 'all of them', 'an object'],
    ['options', null, 'an object'],
  ])('that is wrong is refused: %s', async (option, options, said) => {
    const pure = textAgent('pure', (input) => input, { pure: true });
    for (const agent of [shout, pure]) {
      const error = await errorOf(yard.run(agent, { text: 'x' }, options as never));
      expect(error).toBeInstanceOf(InvalidOptionError);
      expect(error).toMatchObject({ option, message: expect.stringContaining(said) });
    }
  });

  it('of a run is none of a child', async () => {
    const parent = textAgent('parent', (input, ctx) => ctx.run(shout, input, { tenant: 'other' } as never));
    expect(await errorOf(yard.run(parent, { text: 'x' }))).toMatchObject({
      code: 'AY_INVALID_OPTION',
      option: 'tenant',
    });
  });

  it('that the agent makes out of its input is checked too', async () => {
    const light = textAgent('light', (input) => input, { weight: () => -1 });
    expect(await harmless(() => yard.run(light, { text: 'x' }))).toMatchObject({
      code: 'AY_INVALID_AGENT',
      field: 'weight',
    });
    const throws = textAgent('throws', (input) => input, {
      demand: () => {
        throw new Error('no demand');
      },
    });
    expect(await harmless(() => yard.run(throws, { text: 'x' }))).toMatchObject({ code: 'AY_AGENT_FAILED' });
  });
});

it('what is run is an agent', async () => {
  expect(await errorOf(yard.run({ ...shout } as never, { text: 'x' }))).toMatchObject({ code: 'AY_INVALID_AGENT' });
  expect(await errorOf(yard.run('shuot', {}))).toMatchObject({ code: 'AY_UNKNOWN_AGENT', suggestion: 'shout' });
  expect(() => new Yard({ agents: [{}] as never })).toThrow(InvalidOptionError);
});

it('a closed yard runs nothing', async () => {
  await yard.close();
  const pure = textAgent('pure', (input) => input, { pure: true });
  for (const agent of [shout, pure]) {
    expect(await errorOf(yard.run(agent, { text: 'x' }))).toMatchObject({ code: 'AY_CLOSED' });
  }
});
