import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { InvalidEventLogError } from '../../lib/base/errors.js';
import { CommandBuffer, EventKind, EventLogWriter, eventLine, SchedulerEvent } from '../../lib/event/index.js';
import { aged, fcfs, none, type Order, priority, vtc } from '../../lib/policy/index.js';
import {
  configLine,
  decide,
  type ReplayResult,
  SCHEDULER_DEFAULTS,
  type SchedulerConfig,
  SchedulerState,
} from '../../lib/scheduler/index.js';
import { readConfig } from '../../lib/scheduler/read-config.js';
import { Replay } from '../../lib/scheduler/replay.js';
import { FUNCTION_CLASSES, INDEX_STEP, Outcome } from '../../lib/task/index.js';
import { usedEvent } from '../support/any-event.js';

const SLOTS = 1;

const config = (overrides: Partial<SchedulerConfig> = {}): SchedulerConfig => ({
  ...SCHEDULER_DEFAULTS,
  order: priority(),
  share: none(),
  classes: FUNCTION_CLASSES,
  models: [],
  pools: [{ name: 'slots', unit: 'slots', capacity: 1, kept: [] }],
  memory: { name: 'host memory', capacityBytes: 0, marginBytes: 0 },
  ...overrides,
});

/** Indices of the tasks, in the order of their submission. */
const [FIRST, SECOND, THIRD] = [0, INDEX_STEP, 2 * INDEX_STEP];

/** A function that takes one slot. */
const submit = (fields: Partial<SchedulerEvent> = {}) =>
  ({ kind: EventKind.submit, model: -1, promptTokens: 0, size: 1, demand: 0, ...fields }) as const;
const declare = { kind: EventKind.declare, demand: 0, count: 1, pools: [SLOTS], amounts: [1] } as const;

/** Events with their instants: one slot, three tasks, the most urgent of those that wait goes first. Each event is answered by something. */
const STORY: readonly (readonly [nowMs: number, event: Partial<SchedulerEvent> & { kind: EventKind }])[] = [
  [10, declare],
  [11, submit()],
  [12, submit()],
  [13, submit({ priority: 2, timeoutMs: 50 })],
  [20, { kind: EventKind.reprioritise, task: SECOND, priority: 1 }],
  [21, { kind: EventKind.ended, task: FIRST }],
  [30.5, { kind: EventKind.ended, task: THIRD, outcome: Outcome.failed }],
  [31, { kind: EventKind.cancel, task: SECOND }],
  [32, { kind: EventKind.ended, task: SECOND, outcome: Outcome.cancelled }],
];

/** Runs the events and returns the lines of their log. */
function record(
  story: typeof STORY = STORY,
  { checkEvery = 1_000, ...options }: { checkEvery?: number; config?: SchedulerConfig } = {},
): string[] {
  const used = options.config ?? config();
  const state = new SchedulerState(used);
  const writer = new EventLogWriter(createHash('sha256'), checkEvery);
  const commands = new CommandBuffer();
  let text = `${configLine(used, 5, '1.2.3')}\n`;
  for (const [nowMs, fields] of story) {
    const event = usedEvent(fields);
    commands.clear();
    decide(state, event, nowMs, commands);
    text += writer.event(event, nowMs, commands);
  }
  return `${text}${writer.end()}`.trimEnd().split('\n');
}

function replay(lines: readonly string[], overrides: { order?: Order } = {}): ReplayResult {
  const run = new Replay(createHash('sha256'), overrides);
  for (const line of lines) run.line(line);
  return run.result();
}

/** The log of the story, the line of one event changed and nothing else. */
function forged(number: number, fields: Partial<SchedulerEvent>, checkEvery = 1_000): string[] {
  const lines = record(STORY, { checkEvery });
  const [nowMs, original] = STORY[number - 1]!;
  const event = Object.assign(new SchedulerEvent(), original, fields);
  return lines.with(lineOf(lines, number), eventLine(event, nowMs));
}

/** Index of an event's line. */
function lineOf(lines: readonly string[], event: number): number {
  return [...lines.keys()].filter((index) => lines[index]!.startsWith('{"t"'))[event - 1]!;
}

describe('a replay', () => {
  it('takes the same decisions as the run that was recorded', () => {
    const result = replay(record());
    expect(result).toMatchObject({
      recordedBy: '1.2.3',
      events: STORY.length,
      checkedEvents: STORY.length,
      isClosed: true,
      matches: true,
    });
    expect(result.commands).toBeGreaterThan(STORY.length);
    expect(result.firstDivergence).toBeUndefined();
  });

  it.each([
    ['who is asked for more', 1, { amounts: [2] }],
    ['a submission', 4, { priority: -1 }],
    ['a time-out', 4, { timeoutMs: 49 }],
    ['a new priority', 5, { priority: 3 }],
    ['an end', 7, { outcome: Outcome.completed }],
    ['who is cancelled', 8, { task: FIRST }],
    ['the kind', 8, { kind: EventKind.pause }],
  ] as [string, number, Partial<SchedulerEvent>][])(
    'parts from a log in which somebody changed %s',
    (_what, event, fields) => {
      const result = replay(forged(event, fields));
      expect(result).toMatchObject({ matches: false, isClosed: false, checkedEvents: 0 });
      expect(result.firstDivergence).toMatchObject({ firstEvent: 1, firstLine: 2, lastEvent: STORY.length });
      expect(result.firstDivergence?.lastLine).toBe(STORY.length + 2);
      expect(result.firstDivergence?.expected).toMatch(/^\d+ commands of 9 events, sha256 [0-9a-f]{64}$/);
    },
  );

  it('names the very event when every event is checked', () => {
    // A changed priority shows only when it decides: at the end of the task that held the slot.
    const { firstDivergence, events } = replay(forged(5, { priority: 3 }, 1));
    expect(firstDivergence).toMatchObject({ firstEvent: 6, lastEvent: 6, firstLine: 12, lastLine: 13 });
    expect(events).toBe(6);
  });

  it('parts from a log in which an instant, a policy or a capacity was changed', () => {
    const later = record().map((line) => line.replace('"t":21,', '"t":30,'));
    expect(replay(later).matches).toBe(false);
    expect(replay(record(), { order: fcfs() }).matches).toBe(false);
    const wider = record().map((line) => line.replace('"capacity":1,', '"capacity":2,'));
    expect(replay(wider).matches).toBe(false);
  });

  it('notices an event that is missing or was added, even one that nothing comes of', () => {
    const lines = record();
    expect(replay(lines.toSpliced(lineOf(lines, 9), 1)).firstDivergence).toMatchObject({
      firstEvent: 1,
      lastEvent: 9,
    });
    const idle = lines.toSpliced(3, 0, '{"t":12,"event":"timer"}');
    expect(replay(idle).firstDivergence).toMatchObject({ firstEvent: 1, lastEvent: 10 });
  });

  it('reports an event that cannot have happened', () => {
    const lines = record();
    lines[lineOf(lines, 5)] = '{"t":20,"event":"observed","pool":77}';
    const { firstDivergence, events } = replay(lines);
    expect(firstDivergence).toMatchObject({ firstEvent: 5, lastEvent: 5, firstLine: 6, lastLine: 6 });
    expect(firstDivergence?.got).toContain('an exception: ');
    expect(events).toBe(4);
  });

  it('goes as far as a log that breaks off, and says how much of it was compared', () => {
    const lines = record(STORY, { checkEvery: 3 });
    const broken = lines.slice(0, lineOf(lines, 8) + 1);
    expect(replay(broken)).toMatchObject({ events: 8, checkedEvents: 6, isClosed: false, matches: true });
    const short = record().slice(0, 4);
    expect(replay(short)).toMatchObject({ events: 3, checkedEvents: 0, isClosed: false, matches: false });
  });

  it.each([
    ['a log without its first line', (lines: string[]) => lines.slice(1), 1, 'the "configure" line first'],
    ['a second configuration', (lines: string[]) => [lines[0]!, ...lines], 2, 'one "configure" line'],
    [
      'something after the end',
      (lines: string[]) => [...lines, lines[1]!],
      STORY.length + 3,
      'nothing after the end line',
    ],
    [
      'time that goes back',
      (lines: string[]) => lines.toSpliced(1, 0, '{"t":4.5,"event":"timer"}'),
      2,
      '"t" to be at least',
    ],
    ['half a line', (lines: string[]) => lines.with(3, lines[3]!.slice(0, 20)), 4, 'one JSON object'],
  ])('refuses %s', (_what, edit, line, expected) => {
    expect(() => replay(edit(record()))).toThrow(
      expect.objectContaining({ code: 'AY_INVALID_EVENT_LOG', line, expected: expect.stringContaining(expected) }),
    );
  });
});

describe('the configuration in a log', () => {
  const full = config({
    order: aged(1_234.5),
    share: vtc({ promptWeight: 0.25, outputWeight: 4 }),
    models: [{ name: '"q4"\u2028 model', keptSlots: [1, 0], baseBytes: 2 ** 40 }],
    pools: [{ name: 'Infinity', unit: 'units', capacity: Number.POSITIVE_INFINITY, kept: [0.1, -0] }],
    windows: [{ name: 'calls', limit: 5, windowMs: 1_000, mode: 'sliding', carriesOver: true }],
    drainMs: Number.NaN,
    headBlocks: true,
  });

  function read(line: string, overrides = {}) {
    const { v: _v, t: _t, event: _e, ...fields } = JSON.parse(line) as Record<string, unknown>;
    return readConfig(fields, 1, overrides);
  }

  it('is complete: made again from its line it is the same', () => {
    const { config: again, agentyard } = read(configLine(full, 0, '0.1.0'));
    expect(agentyard).toBe('0.1.0');
    expect(JSON.parse(configLine(again, 0, '0.1.0'))).toEqual(JSON.parse(configLine(full, 0, '0.1.0')));
    const plain = ({ order: _o, share: _s, ...rest }: SchedulerConfig) => rest;
    expect(plain(again)).toEqual(plain(full));
    expect(again.order).toMatchObject({ name: 'aged', parameters: { halfLifeMs: 1_234.5 } });
    expect(again.share).toMatchObject({ name: 'vtc', parameters: { promptWeight: 0.25, outputWeight: 4 } });
  });

  it('need not say which version wrote it', () => {
    expect(read(configLine(full, 0)).agentyard).toBeUndefined();
  });

  it('may name a policy that only the reader has', () => {
    const order: Order = { ...fcfs(), name: 'ours' };
    const line = configLine(config({ order }), 0);
    expect(() => read(line)).toThrow(/"order" to be one of aged, .+; got "ours"/);
    expect(read(line, { order }).config.order).toBe(order);
  });

  it.each([
    [
      'a field is missing',
      (row: Record<string, unknown>) => delete row.overdueEvery,
      /"overdueEvery": expected a number/,
    ],
    ['a field is unknown', (row: Record<string, unknown>) => Object.assign(row, { overdueEvry: 4 }), /overdueEvry/],
    ['a field has another type', (row: Record<string, unknown>) => Object.assign(row, { drainMs: '1' }), /"drainMs": /],
    [
      'a name of a prototype is used',
      (row: Record<string, unknown>) => Object.assign(row, { order: { name: 'constructor' } }),
      /"order" to be one of/,
    ],
    [
      'a parameter is out of range',
      (row: Record<string, unknown>) => Object.assign(row, { order: { name: 'aged', halfLifeMs: 0 } }),
      /halfLifeMs must be/,
    ],
  ])('is refused when %s', (_what, edit, message) => {
    const row = JSON.parse(configLine(full, 0)) as Record<string, unknown>;
    edit(row);
    expect(() => read(JSON.stringify(row))).toThrow(InvalidEventLogError);
    expect(() => read(JSON.stringify(row))).toThrow(message);
  });
});
