/** What pure agents have done is not done again, and nobody is harmed by another who wants the same. */
import { beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineAgent } from '../../lib/agents/index.js';
import { CancelledError, DeadlineError } from '../../lib/base/errors.js';
import { Yard } from '../../lib/yard.js';
import { errorOf, type Gate, makeGate, settleMicrotasks } from '../support/gate.js';
import { makeModelYard, textAgent, until } from './support.js';

let yard: Yard;
let gate: Gate;
let runs: string[];

beforeEach(() => {
  yard = new Yard({ concurrency: 100 });
  gate = makeGate();
  runs = [];
});

/** A pure agent that waits for the gate. */
const slow = (version = '1', more: object = {}) =>
  textAgent(
    'slow',
    async ({ text }, ctx) => {
      runs.push(`${text}@${version}`);
      ctx.emit('part');
      await gate.run();
      return { text: text.toUpperCase() };
    },
    { pure: true, version, ...more },
  );

const results = () => yard.stats().reuse.results;

describe('equal calls at once', () => {
  it('are one run and one task: 100 results of it', async () => {
    const agent = slow();
    const parts: string[] = [];
    const onPart = (text: string) => parts.push(text);
    const calls = Array.from({ length: 100 }, () => yard.run(agent, { text: 'a' }, { onPart }));
    await settleMicrotasks();
    expect(yard.pending).toBe(1);
    gate.open();
    const outputs = await Promise.all(calls);
    expect(outputs).toEqual(Array(100).fill({ text: 'A' }));
    expect(new Set(outputs).size).toBe(100);
    expect(runs).toEqual(['a@1']);
    expect(yard.stats().outcomes.completed).toBe(1);
    expect(results()).toMatchObject({ hits: 0, joins: 99, misses: 1, entries: 1 });
  });

  it('hear of the progress and the parts that come after they joined', async () => {
    const heard: string[] = [];
    const agent = textAgent(
      'tells',
      async (input, ctx) => {
        await gate.run();
        ctx.emit('x');
        ctx.progress(1);
        return input;
      },
      { pure: true },
    );
    const listen = (name: string) => ({
      onPart: (text: string) => heard.push(name + text),
      onProgress: ({ done }: { done: number }) => heard.push(name + done),
    });
    const calls = [yard.run(agent, { text: 'a' }, listen('1')), yard.run(agent, { text: 'a' }, listen('2'))];
    gate.open();
    await Promise.all(calls);
    expect(heard).toEqual(['1x', '2x', '11', '21']);
  });

  it('may leave, the first too; the run goes on for the others, and ends with the last', async () => {
    const agent = slow();
    const controllers = [0, 1, 2].map(() => new AbortController());
    const call = (controller: AbortController) => yard.run(agent, { text: 'a' }, { signal: controller.signal });
    const [first, second, third] = controllers.map(call);
    controllers[0]!.abort('enough');
    expect(await errorOf(first!)).toMatchObject({ code: 'AY_CANCELLED', cause: 'enough' });
    controllers[1]!.abort();
    expect(await errorOf(second!)).toBeInstanceOf(CancelledError);
    expect(yard.pending).toBe(1);
    const fourth = call(new AbortController());
    gate.open();
    expect(await third).toEqual({ text: 'A' });
    expect(await fourth).toEqual({ text: 'A' });

    gate = makeGate();
    const signals: AbortSignal[] = [];
    const watched = textAgent(
      'watched',
      async (input, ctx) => {
        signals.push(ctx.signal);
        return gate.run().then(() => input);
      },
      { pure: true },
    );
    const alone = new AbortController();
    const lonely = [0, 1].map(() => yard.run(watched, { text: 'b' }, { signal: alone.signal }));
    await until(() => signals.length === 1);
    alone.abort();
    for (const one of lonely) expect(await errorOf(one)).toBeInstanceOf(CancelledError);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    // Who comes now gets no part of what was given up.
    const late = yard.run(watched, { text: 'b' });
    gate.open();
    expect(await late).toEqual({ text: 'b' });
    expect(signals).toHaveLength(2);
  });

  it('keep their own deadlines', async () => {
    const agent = slow();
    const patient = yard.run(agent, { text: 'a' });
    const hasty = yard.run(agent, { text: 'a' }, { deadlineMs: 5 });
    expect(await errorOf(hasty)).toBeInstanceOf(DeadlineError);
    gate.open();
    expect(await patient).toEqual({ text: 'A' });
  });

  it('run again when it was the first one whose time was over, or who was cancelled', async () => {
    const agent = slow();
    const hasty = yard.run(agent, { text: 'a' }, { deadlineMs: 5 });
    const others = [1, 2, 3].map(() => yard.run(agent, { text: 'a' }));
    expect(await errorOf(hasty)).toBeInstanceOf(DeadlineError);
    await settleMicrotasks();
    // One of the three runs, the others have joined it.
    expect(runs).toHaveLength(2);
    gate.open();
    expect(await Promise.all(others)).toEqual(Array(3).fill({ text: 'A' }));
    expect(yard.stats().running).toBe(0);
  });

  it('share what the agent throws, and do not keep it', async () => {
    let calls = 0;
    const fails = textAgent(
      'fails',
      async (input) => {
        await gate.run();
        if (++calls === 1) throw new Error('the first time');
        return input;
      },
      { pure: true },
    );
    const both = [0, 1].map(() => errorOf(yard.run(fails, { text: 'a' })));
    gate.open();
    const [one, other] = await Promise.all(both);
    expect(one).toMatchObject({ code: 'AY_AGENT_FAILED' });
    expect(other).toBe(one);
    expect(await yard.run(fails, { text: 'a' })).toEqual({ text: 'a' });
  });

  it('of higher urgency do not wait for a run of lower', async () => {
    const agent = slow();
    const calls = [
      yard.run(agent, { text: 'a' }, { class: 'batch' }),
      yard.run(agent, { text: 'a' }, { class: 'interactive' }),
      yard.run(agent, { text: 'a' }, { class: 'interactive', priority: 1 }),
      yard.run(agent, { text: 'a' }, { class: 'standard', priority: 5 }),
    ];
    await settleMicrotasks();
    expect(runs).toHaveLength(3);
    expect(results().joins).toBe(1);
    gate.open();
    await Promise.all(calls);
  });

  it('of a parent that has ended are left, and nothing runs for nobody', async () => {
    const agent = slow();
    const signals: AbortSignal[] = [];
    const parent = textAgent('parent', async (input, ctx) => {
      signals.push(ctx.signal);
      return ctx.run(agent, input);
    });
    const parents = ['p1', 'p2'].map((id) => yard.run(parent, { text: 'a' }, { id }));
    await settleMicrotasks();
    expect(runs).toHaveLength(1);
    // The run is the child of the first: the second gets one of its own.
    yard.cancel('p1');
    expect(await errorOf(parents[0]!)).toBeInstanceOf(CancelledError);
    await until(() => runs.length === 2);
    yard.cancel('p2');
    expect(await errorOf(parents[1]!)).toBeInstanceOf(CancelledError);
    gate.open();
    await settleMicrotasks();
    expect(yard.stats()).toMatchObject({ running: 0, queued: 0 });
  });
});

describe('a kept result', () => {
  beforeEach(() => gate.open());

  it('is given to equal inputs, whatever the order of their keys', async () => {
    let calls = 0;
    const agent = defineAgent({
      name: 'pair',
      version: '1',
      description: 'A pair.',
      input: z.object({ a: z.number(), b: z.number().default(2) }),
      output: z.object({ list: z.array(z.number()) }),
      pure: true,
      run: ({ a, b }) => {
        calls++;
        return { list: [a, b] };
      },
    });
    const first = await yard.run(agent, { a: 1, b: 2 });
    expect(await yard.run(agent, { b: 2, a: 1 })).toEqual({ list: [1, 2] });
    // After validation it is equal too.
    expect(await yard.run(agent, { a: 1 })).toEqual({ list: [1, 2] });
    expect(calls).toBe(1);
    expect(results()).toMatchObject({ hits: 2, misses: 1, entries: 1 });
    expect(results().bytes).toBeGreaterThan(0);
    // Nobody changes another's.
    first.list.push(9);
    const second = await yard.run(agent, { a: 1 });
    expect(second).toEqual({ list: [1, 2] });
    second.list.push(9);
    expect(await yard.run(agent, { a: 1 })).toEqual({ list: [1, 2] });
    expect(await yard.run(agent, { a: 2 })).toEqual({ list: [2, 2] });
  });

  it('is of one version, one definition and one model', async () => {
    await yard.run(slow(), { text: 'a' });
    await yard.run(slow(), { text: 'a' });
    const agent = slow('2');
    await yard.run(agent, { text: 'a' });
    await yard.run(agent, { text: 'a' }, { model: 'm' });
    await yard.run(agent, { text: 'a' }, { model: 'm' });
    expect(runs).toEqual(['a@1', 'a@1', 'a@2', 'a@2']);
  });

  it('is passed over on demand, and for an agent that is not pure', async () => {
    const agent = slow();
    await yard.run(agent, { text: 'a' });
    await yard.run(agent, { text: 'a' }, { reuse: false });
    await yard.run(agent, { text: 'a' });
    expect(runs).toHaveLength(2);
    const impure = slow('1', { pure: false });
    await yard.run(impure, { text: 'a' });
    await yard.run(impure, { text: 'a' });
    expect(runs).toHaveLength(4);
  });

  it('is no way around a wrong option or an aborted signal', async () => {
    const agent = slow();
    await yard.run(agent, { text: 'a' });
    const run = (options: object) => errorOf(yard.run(agent, { text: 'a' }, options));
    expect(await run({ deadlineMs: -1 })).toBeInstanceOf(DeadlineError);
    expect(await run({ signal: AbortSignal.abort() })).toBeInstanceOf(CancelledError);
    expect(await run({ class: 'urgent' })).toMatchObject({ code: 'AY_INVALID_OPTION' });
  });

  it('goes when there is no room for it, the one first that was used longest ago', async () => {
    const small = new Yard({ reuse: { resultBytes: 4_000 } });
    const agent = slow();
    const long = (letter: string) => ({ text: letter.repeat(400) });
    for (const letter of ['a', 'b', 'a', 'c', 'a', 'd', 'a']) await small.run(agent, long(letter));
    expect(runs.map((run) => run[0])).toEqual(['a', 'b', 'c', 'd']);
    expect(small.stats().reuse.results.bytes).toBeLessThanOrEqual(4_000);
    const none = new Yard({ reuse: { resultBytes: 0 } });
    await none.run(agent, { text: 'x' });
    await none.run(agent, { text: 'x' });
    expect(none.stats().reuse.results).toMatchObject({ hits: 0, misses: 2, entries: 0, bytes: 0 });
  });

  it('is data: what cannot be copied is no output of a pure agent', async () => {
    const agent = defineAgent({
      name: 'odd',
      version: '1',
      description: 'Gives a function.',
      input: z.object({}),
      output: z.any(),
      pure: true,
      run: () => ({ inner: () => 1 }),
    });
    expect(await errorOf(yard.run(agent, {}))).toMatchObject({
      code: 'AY_INVALID_OUTPUT',
      issues: [{ expected: 'plain data', got: 'a function' }],
    });
  });

  it('of an input that is no data is not kept', async () => {
    let calls = 0;
    const agent = defineAgent({
      name: 'any',
      version: '1',
      description: 'Takes anything.',
      input: z.object({ of: z.any() }),
      output: z.number(),
      pure: true,
      run: () => ++calls,
    });
    const of = () => 1;
    expect(await yard.run(agent, { of })).toBe(1);
    expect(await yard.run(agent, { of })).toBe(2);
  });
});

describe('a circle of waiting', () => {
  it.each(['self', 'others'])('fails when it closes: of %s', async (kind) => {
    const circle = (name: string, next: string) =>
      textAgent(name, async (input, ctx) => (await ctx.tool(next, input)) as { text: string }, { pure: true });
    yard.agents.register(circle('a', kind === 'self' ? 'a' : 'b'), circle('b', 'c'), circle('c', 'a'));
    const error = await errorOf(yard.run('a', { text: 'x' }));
    expect(error).toMatchObject({ code: 'AY_AGENT_CYCLE', chain: kind === 'self' ? ['a@1'] : ['a@1', 'b@1', 'c@1'] });
    expect(yard.stats()).toMatchObject({ running: 0, queued: 0 });
  });

  it('is found also between two runs that were begun from outside', async () => {
    const gates = new Map([
      ['left', makeGate()],
      ['right', makeGate()],
    ]);
    const half = (name: string, other: string) =>
      textAgent(
        name,
        async (input, ctx) => {
          await gates.get(name)!.run();
          return (await ctx.tool(other, input)) as { text: string };
        },
        { pure: true },
      );
    yard.agents.register(half('left', 'right'), half('right', 'left'));
    const calls = ['left', 'right'].map((name) => errorOf(yard.run(name, { text: 'x' })));
    for (const one of gates.values()) one.open();
    for (const error of await Promise.all(calls)) expect(error).toMatchObject({ code: 'AY_AGENT_CYCLE' });
    expect(yard.stats()).toMatchObject({ running: 0, queued: 0 });
  });

  it('is none when two wait for a third, or one for another input of itself', async () => {
    const leaf = textAgent('leaf', async (input) => gate.run().then(() => input), { pure: true });
    const uses = (name: string) => textAgent(name, (input, ctx) => ctx.run(leaf, input), { pure: true });
    const both = textAgent(
      'both',
      async (input, ctx) => {
        await Promise.all([ctx.run(uses('one'), input), ctx.run(uses('two'), input)]);
        return input;
      },
      { pure: true },
    );
    const call = yard.run(both, { text: 'x' });
    gate.open();
    expect(await call).toEqual({ text: 'x' });
    const shrinks = textAgent(
      'shrinks',
      async ({ text }, ctx) =>
        (text === '' ? { text } : await ctx.tool('shrinks', { text: text.slice(1) })) as { text: string },
      { pure: true },
    );
    yard.agents.register(shrinks);
    expect(await yard.run(shrinks, { text: 'abcd' })).toEqual({ text: '' });
  });
});

describe('embeddings', () => {
  it('are kept by model and text, and copied', async () => {
    const { yard: models, backends } = await makeModelYard();
    const agent = defineAgent({
      name: 'embeds',
      version: '1',
      description: 'Embeds.',
      input: z.array(z.string()),
      output: z.array(z.array(z.number())),
      run: async (texts, ctx) => {
        const vectors = await ctx.embed(texts);
        const numbers = vectors.map((vector) => [...vector]);
        for (const vector of vectors) vector.fill(9);
        return numbers;
      },
    });
    const vector = [1, 0, 0];
    expect(await models.run(agent, ['a', 'b', 'a'])).toEqual([vector, vector, vector]);
    expect(await models.run(agent, ['b', 'c'.repeat(1_000)])).toEqual([vector, vector]);
    expect(await models.run(agent, ['c'.repeat(1_000)])).toEqual([vector]);
    expect(await models.run(agent, [])).toEqual([]);
    expect(backends.get('chat')!.starts).toHaveLength(3);
    expect(models.stats().reuse.embeddings).toMatchObject({ hits: 3, misses: 3, entries: 3 });
    await models.close();
  });
});
