/** Live runs of the real yard, recorded; their logs taken again by the scheduler alone. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../lib/base/random.js';
import { type AddOptions, type TaskContext, Yard } from '../../lib/index.js';
import type { GgufHeader } from '../../lib/memory/index.js';
import { replay, replayFile } from '../../lib/runtime/replay-log.js';
import { TASK_CLASSES } from '../../lib/task/index.js';
import type { YardPorts } from '../../lib/yard.js';
import { FakeBackend } from '../support/fake-backend.js';

const TASKS = 10_000;
/** Functions that one caller has open at a time. */
const BURST = 50;
const CALLERS = 8;

/** Work that takes a real timer of so many milliseconds, and ends early when its task is given up. */
function busy(ms: number, { signal }: TaskContext): Promise<void> {
  return new Promise((finish, fail) => {
    const timer = setTimeout(finish, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      fail(signal.reason);
    });
  });
}

/** What a task asks for: mixed shapes, tenants, classes, and now and then something that goes wrong. */
function someOptions(random: Random): AddOptions {
  const demand = random.pick([
    {},
    { slots: 2 },
    { gpu: 1 },
    { gpu: 3, memory: 10 },
    { slots: 0, memory: 5 * (1 + random.below(8)) },
    { slots: 1, calls: 1 },
  ]);
  const dice = random.next();
  return {
    demand,
    tenant: `tenant ${random.below(6)}`,
    class: random.pick(TASK_CLASSES),
    priority: random.below(7) - 3,
    ...(random.next() < 0.3 ? { estimateMs: 1 + random.below(5) } : {}),
    ...(random.next() < 0.3 ? { bound: 5 + random.below(5) } : {}),
    ...(random.next() < 0.1 ? { weight: 0.5 + random.next() * 4 } : {}),
    ...(random.next() < 0.1 ? { group: `group ${random.below(5)}` } : {}),
    ...(dice < 0.03 ? { timeoutMs: 1 } : {}),
    ...(dice > 0.97 ? { deadlineMs: 1 + random.below(10) } : {}),
    ...(dice > 0.5 && dice < 0.55 ? { retry: { attempts: 3, minMs: 1, maxMs: 2 } } : {}),
  };
}

/** Runs the whole mix and returns how often each way to end was seen, by the error's code or name. */
async function work(yard: Yard, seed: number): Promise<Map<string, number>> {
  const ends = new Map<string, number>();
  const count = (end: string) => ends.set(end, (ends.get(end) ?? 0) + 1);
  const counted = (promise: Promise<unknown>) =>
    promise.then(
      () => count('completed'),
      ({ code, name }: { code?: string; name: string }) => count(code ?? name),
    );
  let left = TASKS;
  const caller = async (random: Random) => {
    const fn = async (ctx: TaskContext) => {
      const dice = random.next();
      if (dice < 0.02) throw new Error('this attempt fails');
      if (dice < 0.04) ctx.grow(random.pick(['memory', 'spare']), 1 + random.below(3));
      if (dice > 0.97 && left-- > 0) await ctx.add((inner) => busy(random.below(3), inner), { class: 'batch' });
      await busy(random.below(4), ctx);
    };
    while (left > 0) {
      const controller = new AbortController();
      const burst: Promise<unknown>[] = [];
      for (let i = 0; i < BURST && left > 0; i++, left--) {
        const id = `${seed}-${left}`;
        const signal = random.next() < 0.02 ? { signal: controller.signal } : {};
        burst.push(counted(yard.add(fn, { ...someOptions(random), id, ...signal })));
        if (random.next() < 0.02) yard.cancel(id);
        else if (i % 40 === 7) yard.setPriority(id, random.below(9) - 4);
      }
      if (random.next() < 0.2 && left > 3) {
        left -= 3;
        burst.push(counted(yard.addAll([fn, fn, fn], { together: true })));
      }
      if (random.next() < 0.1) yard.concurrency = 4 + random.below(12);
      if (random.next() < 0.05) {
        yard.pause();
        setTimeout(() => yard.start(), 1);
      }
      await burst[0];
      controller.abort();
      await Promise.all(burst);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, (_, index) => caller(new Random(seed + index))));
  return ends;
}

describe('a recorded run of ten thousand functions', () => {
  let directory: string;
  let path: string;
  let lines: string[];
  let ends: Map<string, number>;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'agentyard-replay-'));
    path = join(directory, 'run.jsonl');
    await using yard = new Yard({
      concurrency: 12,
      pools: { gpu: 10, memory: 200, spare: 10_000 },
      windows: { calls: { limit: 20, windowMs: 10 } },
      groupConcurrency: 2,
      halfLifeMs: 500,
      eventLog: { path },
    });
    ends = await work(yard, 17);
    await yard.close();
    lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  }, 60_000);

  afterAll(() => rmSync(directory, { recursive: true }));

  /** Lines of one kind of event with the number of each event. */
  function eventsOf(name: string): { index: number; number: number; row: Record<string, unknown> }[] {
    let number = 0;
    return lines.flatMap((line, index) => {
      const row = JSON.parse(line) as Record<string, unknown>;
      if (row.t !== undefined && row.event !== 'configure') number++;
      return row.event === name ? [{ index, number, row }] : [];
    });
  }

  it('saw every way to end', () => {
    const seen = [...ends.keys()];
    expect(seen).toEqual(
      expect.arrayContaining(['completed', 'AY_CANCELLED', 'AY_TASK_TIMEOUT', 'AY_DEADLINE', 'Error']),
    );
    expect(ends.get('completed')).toBeGreaterThan(TASKS / 2);
    for (const name of [
      'declare',
      'submit',
      'ended',
      'cancel',
      'reprioritise',
      'grow',
      'resize',
      'shut',
      'open',
      'timer',
    ]) {
      expect(eventsOf(name).length, name).toBeGreaterThan(0);
    }
    for (const field of [
      'parent',
      'group',
      'gang',
      'boundMs',
      'timeoutMs',
      'deadlineMs',
      'serviceSeconds',
      'maxAttempts',
    ]) {
      expect(
        eventsOf('submit').some(({ row }) => row[field] !== undefined),
        field,
      ).toBe(true);
    }
    expect(eventsOf('ended').some(({ row }) => row.retryInMs !== undefined)).toBe(true);
  });

  it('replays to the same decisions', async () => {
    const result = await replayFile(path);
    expect(result.firstDivergence).toBeUndefined();
    expect(result).toMatchObject({ matches: true, isClosed: true, checkedEvents: result.events });
    expect(result.recordedBy).toMatch(/^\d+\.\d+\.\d+/);
    expect(result.events).toBeGreaterThan(2 * TASKS);
    expect(JSON.parse(lines.at(-1)!)).toEqual({
      event: 'end',
      events: result.events,
      commands: result.commands,
      sha256: result.sha256,
    });
  });

  it.each([
    ['submit', (row: Record<string, unknown>) => ({ ...row, deadlineMs: (row.t as number) - 1 })],
    ['ended', (row: Record<string, unknown>) => ({ ...row, outcome: row.outcome === 1 ? 0 : 1, retryInMs: null })],
    ['cancel', (row: Record<string, unknown>) => ({ ...row, task: 1_000_000 })],
    ['resize', (row: Record<string, unknown>) => ({ ...row, amount: 0 })],
    ['declare', (row: Record<string, unknown>) => ({ ...row, amounts: (row.amounts as number[]).map(() => 1_000) })],
    ['grow', (row: Record<string, unknown>) => ({ ...row, amount: 1_000_000 })],
  ])('parts from its log when one %s is changed, and says where', async (name, change) => {
    // A change may make no difference (a cancel of what had just ended): one of the first twenty does, and soon.
    for (const { index, number, row } of eventsOf(name).slice(0, 20)) {
      const beginning = lines.slice(0, index + 4_000).with(index, JSON.stringify(change(row)));
      const { matches, firstDivergence } = await replay(beginning);
      if (matches) continue;
      expect(firstDivergence!.firstEvent).toBeLessThanOrEqual(number);
      expect(firstDivergence!.lastEvent).toBeGreaterThanOrEqual(number);
      expect(firstDivergence!.firstLine).toBeLessThanOrEqual(index + 1);
      expect(firstDivergence!.lastLine).toBeGreaterThanOrEqual(index + 1);
      return;
    }
    expect.unreachable(`no changed ${name} made a difference`);
  });
});

describe('a recorded run of a yard that serves a model', () => {
  it('replays to the same decisions, holds no text, and parts from what was changed', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'agentyard-replay-'));
    const path = join(directory, 'run.jsonl');
    const backends: FakeBackend[] = [];
    const yard = new Yard(
      { models: { chat: { path: fileURLToPath(import.meta.url), sequences: 2 } }, eventLog: { path } },
      {
        createBackend: (options) => {
          backends.push(new FakeBackend(options));
          return backends.at(-1)!;
        },
        readHeader: async () => ({ contextTokens: 100 }) as GgufHeader,
        readMemory: () => ({ totalBytes: 2 ** 33, availableBytes: 2 ** 32 }) as ReturnType<YardPorts['readMemory']>,
      },
    );
    await yard.ready();
    const ask = (content: string, tenant: string) =>
      yard.chat({ model: 'chat', messages: [{ role: 'user', content }], maxTokens: 3, tenant });
    const streams = ['a canary', 'another canary', 'a third', 'a fourth'].map((text, index) =>
      ask(text, index % 2 === 0 ? 'canary and sons' : 'others'),
    );
    await streams[0]!.started();
    await streams[1]!.started();
    streams[3]!.cancel();
    for (let step = 0; step < 3; step++) backends[0]!.step('canary');
    await streams[2]!.started();
    for (let step = 0; step < 3; step++) backends[0]!.step('canary');
    expect(
      await Promise.allSettled([...streams.map((stream) => stream.result()), yard.add(() => 'canary')]),
    ).toMatchObject([
      { status: 'fulfilled' },
      { status: 'fulfilled' },
      { status: 'fulfilled' },
      { status: 'rejected' },
      { status: 'fulfilled' },
    ]);
    await yard.close();
    const text = readFileSync(path, 'utf8');
    rmSync(directory, { recursive: true });
    expect(text).not.toContain('canary');
    for (const name of ['observed', 'launch', 'estimated', 'ready', 'sized', 'progress']) {
      expect(text).toContain(`"event":"${name}"`);
    }
    const lines = text.trimEnd().split('\n');
    expect(await replay(lines)).toMatchObject({ matches: true, isClosed: true });
    const narrower = lines.map((line) => line.replace('"sequences":2', '"sequences":1'));
    expect(await replay(narrower)).toMatchObject({ matches: false });
  });
});
