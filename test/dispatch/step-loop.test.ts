import type { Token } from 'node-llama-cpp';
import { describe, expect, it } from 'vitest';
import { InvalidRequestError } from '../../lib/base/errors.js';
import type { EndedTask, FromEngine } from '../../lib/dispatch/engine/protocol.js';
import type { SavedSessions, Swap } from '../../lib/dispatch/engine/saved-sessions.js';
import { Slot, type SlotTask } from '../../lib/dispatch/engine/slot.js';
import { type StallBound, StepLoop } from '../../lib/dispatch/engine/step-loop.js';
import { StepPlanner } from '../../lib/scheduler/step-planner.js';
import { FakeSequence } from '../support/fake-sequence.js';

const CONTEXT_TOKENS = 100;
const END = 0;

/** A loop over fake sequences, with all that it reports. */
function openLoop(slots: number, chunkTokens = 8, saved?: SavedSessions, bound?: StallBound) {
  const reports: FromEngine[] = [];
  const waiters: (() => void)[] = [];
  const sequences = Array.from({ length: slots }, () => new FakeSequence());
  const detokenize = (tokens: readonly number[]) => String.fromCharCode(...tokens);
  const loop = new StepLoop(
    sequences.map((sequence, index) => new Slot(index, sequence.asSequence, CONTEXT_TOKENS, detokenize, saved)),
    new StepPlanner(slots, chunkTokens),
    (message) => {
      reports.push(message);
      for (const wake of waiters.splice(0)) wake();
    },
    undefined,
    bound,
  );
  void loop.run();
  const until = async <T>(find: () => T | undefined): Promise<T> => {
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => waiters.push(resolve));
    }
  };
  const endsOf = (task: number) =>
    reports.flatMap((message): (EndedTask | Extract<FromEngine, { type: 'failed' }>)[] => {
      if (message.type === 'step') return message.ended.filter((ended) => ended.task === task);
      return message.type === 'failed' && message.task === task ? [message] : [];
    });
  const textOf = (task: number) =>
    reports
      .flatMap((message) => (message.type === 'step' ? message.texts.filter((_, i) => message.tasks[i] === task) : []))
      .join('');
  return { loop, sequences, reports, until, endsOf, textOf, ended: (task: number) => until(() => endsOf(task)[0]) };
}

function slotTask(task: number, promptTokens: number, maxTokens: number, stopTexts: string[] = []): SlotTask {
  const tokens = Array.from({ length: promptTokens }, (_, i) => 200 + i) as Token[];
  return {
    task,
    prompt: { tokens, stopTokens: new Set([END]), stopTexts },
    maxTokens,
    session: 0,
    evaluateOptions: {},
  };
}

/** A start whose prompt is there. */
function ready(task: number, slot: number, promptTokens = 3, maxTokens = 3, rank = 0) {
  return { task, slot, rank, make: async () => slotTask(task, promptTokens, maxTokens) };
}

/** A prompt that is made when the test says so. */
function lateStart(task: number, slot: number) {
  let finish!: (made: SlotTask) => void;
  const made = new Promise<SlotTask>((resolve) => {
    finish = resolve;
  });
  return { start: { task, slot, rank: 0, make: () => made }, finish: () => finish(slotTask(task, 3, 3)) };
}

describe('the step loop', () => {
  it('reads prompts in chunks, generates beside them, and reports each token once', async () => {
    const { loop, reports, ended, textOf } = openLoop(2);
    loop.start(ready(1, 0, 3, 6));
    loop.start(ready(2, 1, 20, 2));
    expect(await ended(2)).toMatchObject({
      reason: 'length',
      usage: { promptTokens: 20, cachedTokens: 0, outputTokens: 2 },
      heldTokens: 21,
    });
    await ended(1);
    expect(textOf(1)).toBe('ABCDEF');
    expect(textOf(2)).toBe('AB');
    const read = reports.flatMap((message) =>
      message.type === 'step' ? message.prefilled.filter((_, i) => message.tasks[i] === 2) : [],
    );
    expect(read.filter((tokens) => tokens > 0)).toEqual([5, 8, 7]);
  });

  it('lets nobody wait for a prompt that is still being made', async () => {
    const { loop, endsOf, ended, textOf } = openLoop(2);
    const late = lateStart(1, 0);
    loop.start(late.start);
    loop.start(ready(2, 1));
    await ended(2);
    expect(endsOf(1)).toEqual([]);
    late.finish();
    await ended(1);
    expect(textOf(1)).toBe('ABC');
  });

  it('reads a prompt again in chunks where the model cannot go back to the common prefix', async () => {
    const { loop, reports, ended, sequences } = openLoop(1);
    sequences[0]!.recomputedAt = (index) => index;
    loop.start(ready(1, 0, 30, 3));
    await ended(1);
    reports.length = 0;
    loop.start(ready(2, 0, 30, 3));
    expect(await ended(2)).toMatchObject({ usage: { cachedTokens: 0 } });
    const chunks = reports.flatMap((message) => (message.type === 'step' ? message.prefilled : []));
    expect(Math.max(...chunks)).toBeLessThan(30);
  });

  it('ends a task at once that is cancelled before it is in its slot, and takes its number for another', async () => {
    const { loop, endsOf, ended } = openLoop(2);
    const late = lateStart(1, 0);
    loop.start(late.start);
    loop.cancel(1);
    expect(endsOf(1)).toMatchObject([{ reason: 'cancelled', heldTokens: 0 }]);
    const again = lateStart(1, 1);
    loop.start(again.start);
    late.finish();
    loop.start(ready(2, 0));
    await ended(2);
    expect(endsOf(1)).toHaveLength(1);
    again.finish();
    loop.start(ready(3, 0));
    await ended(3);
    expect(endsOf(1)).toMatchObject([{ reason: 'cancelled' }, { reason: 'length', usage: { outputTokens: 3 } }]);
  });

  it('ends a task in the middle of its prompt, and the slot keeps what was read', async () => {
    const { loop, reports, ended, endsOf } = openLoop(1);
    loop.start(ready(1, 0, 90, 5));
    await new Promise<void>((resolve) => {
      const push = reports.push.bind(reports);
      reports.push = (message) => {
        resolve();
        return push(message);
      };
    });
    loop.cancel(1);
    const end = await ended(1);
    expect(end).toMatchObject({ reason: 'cancelled', usage: { promptTokens: 90, outputTokens: 0 } });
    const { heldTokens } = end as EndedTask;
    expect(heldTokens).toBeGreaterThan(0);
    expect(heldTokens).toBeLessThan(90);
    loop.start(ready(2, 0, 90, 1));
    expect(await ended(2)).toMatchObject({ usage: { cachedTokens: heldTokens } });
    expect(endsOf(1)).toHaveLength(1);
  });

  it('holds a task that was paused before it came into its slot', async () => {
    const { loop, endsOf, ended, textOf } = openLoop(2);
    loop.start(ready(1, 0));
    loop.hold(1);
    loop.start(ready(2, 1, 3, 10));
    await ended(2);
    expect(endsOf(1)).toEqual([]);
    expect(textOf(1)).toBe('');
    loop.proceed(1);
    await ended(1);
    expect(textOf(1)).toBe('ABC');
  });

  it('reports the error of a prompt that cannot be made', async () => {
    const { loop, ended } = openLoop(1);
    loop.start({ task: 1, slot: 0, rank: 0, make: () => Promise.reject(new InvalidRequestError('no', 'prompt')) });
    expect(await ended(1)).toMatchObject({ type: 'failed', error: { code: 'AY_INVALID_REQUEST', param: 'prompt' } });
  });

  it('fails the task whose decode fails, empties its slot, and goes on with the others', async () => {
    const { loop, sequences, ended, endsOf } = openLoop(2);
    const bad = slotTask(1, 30, 3);
    bad.prompt.tokens[20] = 13 as Token;
    loop.start({ task: 1, slot: 0, rank: 0, make: async () => bad });
    loop.start(ready(2, 1, 3, 20));
    expect(await ended(1)).toMatchObject({ type: 'failed', error: { code: 'AY_ENGINE_FAILED' } });
    expect(sequences[0]!.tokens).toEqual([]);
    expect(await ended(2)).toMatchObject({ reason: 'length', usage: { outputTokens: 20 } });
    expect(endsOf(1)).toHaveLength(1);
  });

  it('ends with "length" one place before the context is full, whatever the sequence could hold', async () => {
    const { loop, ended } = openLoop(1, 64);
    loop.start(ready(1, 0, 90, 1_000));
    expect(await ended(1)).toMatchObject({ reason: 'length', usage: { outputTokens: 10 }, heldTokens: 99 });
  });

  it('ends at a stop text without showing it', async () => {
    const { loop, ended, textOf } = openLoop(1);
    loop.start({ task: 1, slot: 0, rank: 0, make: async () => slotTask(1, 3, 50, ['DEF']) });
    expect(await ended(1)).toMatchObject({ reason: 'stop' });
    expect(textOf(1)).toBe('ABC');
  });
});

/** Keeps nothing, and says that every swap would take as long as it is told to. */
class FakeSaved {
  readonly done: string[] = [];
  readonly #swap: Swap;
  constructor(swap: Swap) {
    this.#swap = swap;
  }
  swapFor(): Swap {
    return this.#swap;
  }
  async save(session: number): Promise<void> {
    this.done.push(`save ${session}`);
  }
  async load(session: number): Promise<number> {
    this.done.push(`load ${session}`);
    return 0;
  }
}

describe('saving and loading beside streams', () => {
  const swap: Swap = { saves: true, loads: true, saveMs: 40, loadMs: 20 };
  const named = (task: number, slot: number, session: number, maxTokens = 3) => ({
    ...ready(task, slot),
    make: async () => ({ ...slotTask(task, 3, maxTokens), session }),
  });
  const open = (stallMsMax: number, chunkTokens = 0) => {
    const saved = new FakeSaved(swap);
    let leftOut = 0;
    const bound: StallBound = { stallMsMax, chunkTokensAfter: () => chunkTokens, leftOut: () => leftOut++ };
    const loop = openLoop(4, 8, saved as unknown as SavedSessions, bound);
    /** Ends when the stream in slot 0 generates. */
    const stream = async () => {
      loop.loop.start(ready(1, 0, 3, 60));
      await loop.until(() => (loop.textOf(1) === '' ? undefined : true));
    };
    return { ...loop, saved, stream, leftOut: () => leftOut };
  };

  it('does both before the task begins when nobody streams, however long it takes', async () => {
    const { loop, ended, saved, leftOut } = open(1);
    loop.start(named(2, 1, 7));
    await ended(2);
    loop.start(named(3, 1, 8));
    await ended(3);
    expect(saved.done).toEqual(['save 0', 'load 7', 'save 7', 'load 8']);
    expect(leftOut()).toBe(0);
  });

  it('leaves the save out that streams would feel, and the load too when that alone is too long', async () => {
    for (const [stallMsMax, expected] of [
      [60, ['save 0', 'load 7']],
      [59, ['load 7']],
      [19, []],
    ] as const) {
      const { loop, ended, saved, stream, leftOut } = open(stallMsMax);
      await stream();
      loop.start(named(2, 1, 7));
      await ended(2);
      expect(saved.done).toEqual(expected);
      expect(leftOut()).toBe(stallMsMax < 60 ? 1 : 0);
    }
  });

  it('lets a second swap wait for the next boundary, and a task without one pass it', async () => {
    const { loop, reports, ended, saved, stream } = open(100, 8);
    await stream();
    const before = reports.length;
    loop.start(named(2, 1, 7));
    loop.start(named(3, 2, 8));
    loop.start(ready(4, 3));
    await Promise.all([ended(2), ended(3), ended(4)]);
    expect(saved.done).toEqual(['save 0', 'load 7', 'save 0', 'load 8']);
    const firstStepOf = (task: number) =>
      reports.findIndex((message, at) => at >= before && message.type === 'step' && message.tasks.includes(task));
    expect(firstStepOf(2)).toBeLessThan(firstStepOf(3));
    expect(firstStepOf(4)).toBeLessThan(firstStepOf(3));
  });

  it('reads no more of a prompt after a stall than the bound leaves room for, and as usual from then on', async () => {
    for (const chunkTokens of [0, 2]) {
      const { loop, reports, ended, stream } = open(100, chunkTokens);
      await stream();
      loop.start({ task: 2, slot: 1, rank: 0, make: async () => ({ ...slotTask(2, 20, 3), session: 7 }) });
      await ended(2);
      const steps = reports.flatMap((message) =>
        message.type === 'step' && message.tasks.includes(1) ? [message] : [],
      );
      const read = steps.map(({ tasks, prefilled }) => prefilled[tasks.indexOf(2)] ?? 0).filter((tokens) => tokens > 0);
      expect(read).toEqual(chunkTokens === 0 ? [8, 8, 4] : [2, 8, 8, 2]);
    }
  });

  it('takes no notice of a stream that is held', async () => {
    const { loop, ended, saved, stream } = open(1);
    await stream();
    loop.hold(1);
    loop.start(named(2, 1, 7));
    await ended(2);
    expect(saved.done).toEqual(['save 0', 'load 7']);
  });
});
