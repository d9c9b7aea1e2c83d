/** What an agent may ask for while it runs, and how its slot goes while it waits. */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { type AgentHost, AgentRunner, defineAgent, type Progress } from '../../lib/agents/index.js';
import { CancelledError, ParentEndedError } from '../../lib/base/errors.js';
import { Yard } from '../../lib/yard.js';
import { errorOf, makeGate, settleMicrotasks } from '../support/gate.js';
import { makeModelYard, shout, textAgent, until } from './support.js';

describe('a run', () => {
  it('knows itself, its run and its caller; a child inherits tenant, class, deadline and budget', async () => {
    const yard = new Yard({ concurrency: 8 });
    const seen: Record<string, unknown>[] = [];
    const child = textAgent('child', (input, ctx) => {
      const { limit, spent, left } = ctx.budget;
      const { agent, runId, tenant, deadlineMs } = ctx;
      seen.push({ agent, runId, tenant, isNamed: ctx.id === 'outer', deadlineMs, limit, spent, left });
      return input;
    });
    const middle = textAgent('middle', (input, ctx) => ctx.run(child, input, { budget: 4 }));
    const outer = textAgent('outer', async (input, ctx) => {
      const before = ctx.budget;
      expect(before).toMatchObject({ limit: 10, spent: 0, left: 10 });
      await ctx.run(middle, input, { class: 'batch' });
      // A live view: the two that ran below are spent.
      expect(before).toMatchObject({ limit: 10, spent: 2, left: 8 });
      return input;
    });
    const classes: string[] = [];
    yard.onSettled(({ class: name }) => classes.push(name));
    await yard.run(outer, { text: 'x' }, { id: 'outer', tenant: 'me', deadlineMs: 60_000, budget: 10 });
    expect(seen).toEqual([
      expect.objectContaining({
        agent: 'child@1',
        runId: 'outer',
        tenant: 'me',
        isNamed: false,
        limit: 4,
        spent: 0,
        left: 4,
      }),
    ]);
    expect(seen[0]!.deadlineMs).toBeLessThanOrEqual(60_000);
    expect(classes).toEqual(['batch', 'batch', 'standard']);
    const free = textAgent('free', (input, ctx) => {
      expect(ctx.budget).toMatchObject({ limit: Number.POSITIVE_INFINITY, spent: 0, left: Number.POSITIVE_INFINITY });
      expect(ctx.deadlineMs).toBeUndefined();
      return input;
    });
    await yard.run(free, { text: 'x' });
  });

  it('hands on progress that grows, and parts, until its outcome is out', async () => {
    const yard = new Yard();
    const reports: Progress[] = [];
    const parts: string[] = [];
    const gate = makeGate();
    const agent = textAgent('reports', async (input, ctx) => {
      for (const done of [1, 1, 0, Number.NaN, 2]) ctx.progress(done, 4, 'on');
      ctx.progress(3, Number.NaN);
      ctx.emit('a');
      ctx.emit('');
      ctx.emit(7 as never);
      ctx.emit('b');
      ctx.signal.addEventListener('abort', () => {
        ctx.progress(4);
        ctx.emit('late');
        gate.open();
      });
      await gate.run();
      return input;
    });
    const onProgress = (progress: Progress) => reports.push(progress);
    const onPart = (text: string) => parts.push(text);
    const call = yard.run(agent, { text: 'x' }, { id: 'it', onProgress, onPart });
    await settleMicrotasks();
    yard.cancel('it');
    expect(await errorOf(call)).toBeInstanceOf(CancelledError);
    expect(reports).toEqual([
      { done: 1, total: 4, message: 'on' },
      { done: 2, total: 4, message: 'on' },
      { done: 3, total: undefined, message: undefined },
    ]);
    expect(parts).toEqual(['a', 'b']);
  });

  it('is not harmed by a listener that throws', async () => {
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const agent = textAgent('reports', (input, ctx) => {
      ctx.emit('a');
      return input;
    });
    const onPart = () => {
      throw new Error('of the listener');
    };
    expect(await new Yard().run(agent, { text: 'x' }, { onPart })).toEqual({ text: 'x' });
    expect(warned).toHaveBeenCalledOnce();
    warned.mockRestore();
  });

  it('starts nothing any more when it is over', async () => {
    const yard = new Yard({ agents: [shout] });
    let late: (() => Promise<unknown>)[] = [];
    const agent = textAgent('late', (input, ctx) => {
      late = [
        () => ctx.run(shout, input),
        () => ctx.tool('shout', input),
        () => ctx.embed(['x']),
        async () => ctx.chat({ messages: [] }),
        () => ctx.object({ schema: z.string(), messages: [] }),
      ];
      return input;
    });
    await yard.run(agent, { text: 'x' });
    for (const call of late) expect(await errorOf(call())).toBeInstanceOf(ParentEndedError);
  });
});

/** A host that keeps a record of its slot; takeAgain waits for the test. */
function recordingHost() {
  const yard = new Yard({ concurrency: 100 });
  const log: string[] = [];
  const waiting: (() => void)[] = [];
  const host = {
    isClosed: false,
    add: (fn, options) => yard.add(fn, options),
    giveBack: () => {
      log.push('give');
    },
    takeAgain: () => {
      log.push('take');
      return new Promise<void>((resolve) => {
        waiting.push(() => {
          log.push('taken');
          resolve();
        });
      });
    },
    endChildren: () => {
      log.push('end children');
    },
    budgetOf: () => ({ limit: Number.POSITIVE_INFINITY, spent: 0 }),
    modelFor: () => 'none',
    chat: () => {
      throw new Error('no models');
    },
    embed: async (_call, _model, texts) => texts.map(() => new Float32Array(1)),
  } satisfies AgentHost;
  return { runner: new AgentRunner({ host }), log, grant: () => waiting.shift()!(), waiting };
}

describe('the slot of a run', () => {
  it('is given back with the first child, and taken before the last one settles', async () => {
    const { runner, log, grant, waiting } = recordingHost();
    const gates = [makeGate(), makeGate()];
    const child = textAgent('child', async (input) => gates[Number(input.text)]!.run().then(() => input));
    const parent = textAgent('parent', async (input, ctx) => {
      const one = ctx.run(child, { text: '0' }).then(() => log.push('0 known'));
      const other = ctx.run(child, { text: '1' }).then(() => log.push('1 known'));
      await Promise.all([one, other]);
      await ctx.embed(['x']);
      return input;
    });
    const call = runner.run(parent, { text: 'x' });
    expect(log).toEqual(['give']);
    gates[0]!.open();
    await settleMicrotasks();
    expect(log).toEqual(['give', '0 known']);
    gates[1]!.open();
    await settleMicrotasks();
    expect(log).toEqual(['give', '0 known', 'take']);
    grant();
    await until(() => waiting.length > 0);
    expect(log.slice(3)).toEqual(['taken', '1 known', 'give', 'take']);
    grant();
    await call;
    expect(log).not.toContain('end children');
  });

  it('is given back anew when a child was started while it was being taken', async () => {
    const { runner, log, grant, waiting } = recordingHost();
    const gates = [makeGate(), makeGate()];
    const child = textAgent('child', async (input) => gates[Number(input.text)]!.run().then(() => input));
    let startSecond!: () => void;
    const parent = textAgent('parent', async (input, ctx) => {
      const second = new Promise<void>((resolve) => {
        startSecond = resolve;
      }).then(() => ctx.run(child, { text: '1' }));
      await ctx.run(child, { text: '0' });
      log.push('0 known');
      await second;
      return input;
    });
    const call = runner.run(parent, { text: 'x' });
    gates[0]!.open();
    await until(() => waiting.length > 0);
    startSecond();
    await settleMicrotasks();
    expect(log).toEqual(['give', 'take']);
    grant();
    await settleMicrotasks();
    expect(log).toEqual(['give', 'take', 'taken', 'give', '0 known']);
    gates[1]!.open();
    await until(() => waiting.length > 0);
    grant();
    expect(await call).toEqual({ text: 'x' });
  });

  it('is held whenever no child is awaited, whatever children come and go in whatever order', async () => {
    const step = fc.oneof(
      fc.record({ start: fc.nat({ max: 4 }) }),
      fc.record({ end: fc.nat({ max: 4 }) }),
      fc.constant({ grant: true }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const { runner, log, grant, waiting } = recordingHost();
        const gates = Array.from({ length: 5 }, makeGate);
        const child = textAgent('child', async (input) => gates[Number(input.text)]!.run().then(() => input));
        const end = makeGate();
        let open = 0;
        let start!: (index: number) => void;
        const parent = textAgent('parent', async (input, ctx) => {
          start = (index) => {
            open++;
            void ctx.run(child, { text: String(index) }).then(() => {
              open--;
              // Nobody learns of the last child's end without the slot.
              if (open === 0) expect(log.at(-1)).toBe('taken');
            });
          };
          await end.run();
          return input;
        });
        const call = runner.run(parent, { text: 'x' });
        for (const one of steps) {
          if ('start' in one) start(one.start);
          else if ('end' in one) gates[one.end]!.open();
          else if (waiting.length > 0) grant();
          await settleMicrotasks();
        }
        for (const gate of gates) gate.open();
        await settleMicrotasks();
        while (waiting.length > 0) {
          grant();
          await settleMicrotasks();
        }
        expect(open).toBe(0);
        // Give and take by turns, and never two at a time.
        const turns = log.filter((line) => line !== 'end children');
        for (const [index, line] of turns.entries()) expect(line).toBe(['give', 'take', 'taken'][index % 3]);
        end.open();
        await call;
      }),
      { numRuns: 50 },
    );
  });
});

describe('model work of a run', () => {
  it('has its tenant and its class, and no more time', async () => {
    const { yard, answers } = await makeModelYard();
    answers.push('hello');
    const records: { tenant: string; class: string; model: string | undefined }[] = [];
    yard.onSettled((record) => records.push(record));
    const agent = textAgent('talks', async ({ text }, ctx) => {
      const stream = ctx.chat({ messages: [{ role: 'user', content: text }] });
      expect(stream.id).not.toBe('');
      let said = '';
      for await (const part of stream) said += part.text;
      expect((await stream.result()).text).toBe(said);
      const [vector] = await ctx.embed([text]);
      return { text: `${said} ${vector!.length}` };
    });
    const output = await yard.run(agent, { text: 'hi' }, { tenant: 'me', class: 'interactive', deadlineMs: 60_000 });
    expect(output).toEqual({ text: 'hello 3' });
    expect(records.map(({ tenant, class: name, model }) => [tenant, name, model])).toEqual([
      ['me', 'interactive', 'chat'],
      ['me', 'interactive', 'chat'],
      ['me', 'interactive', undefined],
    ]);
    await yard.close();
  });

  it('ends with it: by its cancellation, by its end, and by its own signal', async () => {
    const { yard, backends } = await makeModelYard();
    const { running } = backends.get('chat')!;
    const ends: unknown[] = [];
    const messages = [{ role: 'user' as const, content: 'hi' }];
    const waits = textAgent('waits', async (input, ctx) => {
      await ctx
        .chat({ messages })
        .result()
        .catch((error: unknown) => ends.push(error));
      return input;
    });
    const cancelled = yard.run(waits, { text: 'x' }, { id: 'it' });
    await until(() => running.size === 1);
    yard.cancel('it');
    expect(await errorOf(cancelled)).toBeInstanceOf(CancelledError);
    await until(() => running.size === 0 && ends.length === 1);

    const gate = makeGate();
    const leaks = textAgent('leaks', async (input, ctx) => {
      void ctx.chat({ messages });
      await gate.run();
      return input;
    });
    const leaked = yard.run(leaks, { text: 'x' });
    await until(() => running.size === 1);
    gate.open();
    expect(await leaked).toEqual({ text: 'x' });
    await until(() => running.size === 0);

    const controller = new AbortController();
    const chooses = textAgent('chooses', async (input, ctx) => {
      const error = await errorOf(ctx.chat({ messages, signal: controller.signal }).result());
      expect(error).toBeInstanceOf(CancelledError);
      return input;
    });
    const chosen = yard.run(chooses, { text: 'x' });
    await until(() => running.size === 1);
    controller.abort();
    expect(await chosen).toEqual({ text: 'x' });
    expect(yard.stats()).toMatchObject({ running: 0, queued: 0 });
    await yard.close();
  });

  it('goes to the model that is asked for, else that of the call, of the agent, of the yard', async () => {
    const path = new URL(import.meta.url).pathname;
    const { yard, backends } = await makeModelYard({ models: { first: path, second: path, third: path } });
    for (const { answers, model } of backends.values()) answers.push(...Array.from({ length: 9 }, () => model));
    const messages = [{ role: 'user' as const, content: 'hi' }];
    const ask = (model?: string, own?: string) =>
      textAgent('asks', async (_, ctx) => ctx.chat({ messages, model }).result(), { model: own });
    expect(await yard.run(ask(), { text: '' })).toEqual({ text: 'first' });
    expect(await yard.run(ask(undefined, 'second'), { text: '' })).toEqual({ text: 'second' });
    expect(await yard.run(ask(undefined, 'second'), { text: '' }, { model: 'third' })).toEqual({ text: 'third' });
    expect(await yard.run(ask('first', 'second'), { text: '' }, { model: 'third' })).toEqual({ text: 'first' });
    expect(await errorOf(yard.run(ask(undefined, 'secnd'), { text: '' }))).toMatchObject({ code: 'AY_UNKNOWN_MODEL' });
    await yard.close();
    const none = new Yard();
    expect(await errorOf(none.run(ask(), { text: '' }))).toMatchObject({
      code: 'AY_UNKNOWN_MODEL',
      message: expect.stringContaining('any that generates'),
    });
    const embeds = textAgent('embeds', async (input, ctx) => ctx.embed(['x']).then(() => input));
    expect(await errorOf(none.run(embeds, { text: '' }))).toMatchObject({
      message: expect.stringContaining('any that embeds'),
    });
  });

  it('waits for models that have not said yet what they can do', async () => {
    const { yard, backends, answers } = await makeModelYard();
    answers.push('again');
    backends.get('chat')!.die();
    await until(() => yard.models()[0]!.state !== 'ready');
    const agent = textAgent('asks', async (_, ctx) => {
      const stream = ctx.chat({ messages: [{ role: 'user', content: 'hi' }] });
      await stream.started();
      return stream.result();
    });
    expect(await yard.run(agent, { text: '' })).toEqual({ text: 'again' });
    await yard.close();
  });
});

it('is given by name to whoever knows agents only when it runs', async () => {
  const add = defineAgent({
    name: 'add',
    version: '2',
    description: 'Adds.',
    input: z.object({ a: z.number(), b: z.number() }),
    output: z.number(),
    run: ({ a, b }) => a + b,
  });
  const calls = textAgent('calls', async ({ text }, ctx) => {
    const sum = await ctx.tool(text, { a: 1, b: 2 });
    return { text: String(sum) };
  });
  const yard = new Yard({ agents: [add] });
  expect(await yard.run(calls, { text: 'add@2' })).toEqual({ text: '3' });
  expect(await errorOf(yard.run(calls, { text: 'ad' }))).toMatchObject({ code: 'AY_UNKNOWN_AGENT' });
});
