import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CommandBuffer, EventKind, SchedulerEvent } from '../../lib/event/index.js';
import { fcfs, none } from '../../lib/policy/index.js';
import { EventLogFile, type EventLogFileOptions } from '../../lib/runtime/event-log-file.js';
import { replay, replayFile } from '../../lib/runtime/replay-log.js';
import { decide, SCHEDULER_DEFAULTS, type SchedulerConfig, SchedulerState } from '../../lib/scheduler/index.js';
import { FUNCTION_CLASSES } from '../../lib/task/index.js';

const config: SchedulerConfig = {
  ...SCHEDULER_DEFAULTS,
  order: fcfs(),
  share: none(),
  classes: FUNCTION_CLASSES,
  models: [],
  pools: [{ name: 'slots', unit: 'slots', capacity: 1, kept: [] }],
  memory: { name: 'host memory', capacityBytes: 0, marginBytes: 0 },
};

/** Declares a demand, then submits `tasks` functions and ends each. */
function run(file: EventLogFile, tasks: number): void {
  const state = new SchedulerState(config);
  const commands = new CommandBuffer();
  let nowMs = 1;
  const send = (fields: Partial<SchedulerEvent>) => {
    const event = Object.assign(new SchedulerEvent(), fields);
    commands.clear();
    decide(state, event, ++nowMs, commands);
    file.append(event, nowMs, commands);
  };
  send({ kind: EventKind.declare, demand: 0, count: 1, pools: [1], amounts: [1] });
  for (let task = 0; task < tasks; task++) {
    send({ kind: EventKind.submit, model: -1, promptTokens: 0, size: 1, demand: 0 });
    send({ kind: EventKind.ended, task: 0 });
  }
}

describe('an event log file', () => {
  let directory: string;
  const failures: Error[] = [];

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'agentyard-log-'));
  });

  afterAll(() => rmSync(directory, { recursive: true }));

  function open(name: string, options: Partial<EventLogFileOptions> = {}): EventLogFile {
    failures.length = 0;
    const onFailure = (error: Error) => failures.push(error);
    return new EventLogFile({
      path: join(directory, name),
      config,
      nowMs: 1,
      agentyard: '9.9.9',
      onFailure,
      ...options,
    });
  }

  it('holds a run that replays to the same decisions', async () => {
    const file = open('run.jsonl');
    run(file, 2_500);
    await file.close();
    expect(failures).toEqual([]);
    const path = join(directory, 'run.jsonl');
    const result = await replayFile(path);
    expect(result).toMatchObject({
      recordedBy: '9.9.9',
      events: 5_001,
      checkedEvents: 5_001,
      matches: true,
      isClosed: true,
    });
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
    expect(lines.filter((line) => line.includes('"event":"check"'))).toHaveLength(5);
    expect(await replay(lines)).toEqual(result);
  });

  it('takes the place of an earlier one', async () => {
    writeFileSync(join(directory, 'again.jsonl'), 'x'.repeat(100_000));
    const file = open('again.jsonl', { checkEvery: 1 });
    run(file, 1);
    await file.close();
    expect(await replayFile(join(directory, 'again.jsonl'))).toMatchObject({
      events: 3,
      matches: true,
      isClosed: true,
    });
  });

  it('is closed once, and takes nothing down afterwards', async () => {
    const file = open('closed.jsonl');
    expect(file.isRecording).toBe(true);
    const first = file.close();
    expect(file.close()).toBe(first);
    run(file, 1);
    await first;
    expect(file.isRecording).toBe(false);
    expect(await replayFile(join(directory, 'closed.jsonl'))).toMatchObject({
      events: 0,
      matches: true,
      isClosed: true,
    });
    await file.close();
  });

  it('says once that it cannot be written, and lets the run go on', async () => {
    const file = open(join('no-such-directory', 'run.jsonl'));
    run(file, 10);
    await file.close();
    run(file, 10);
    expect(failures).toHaveLength(1);
    expect(failures[0]?.name).toBe('EventLogWarning');
    expect(failures[0]?.message).toMatch(/has ended: ENOENT.+Scheduling goes on\.$/);
    await file.close();
    expect(existsSync(join(directory, 'no-such-directory'))).toBe(false);
  });

  const full = '/dev/full';
  if (!existsSync(full)) console.log(`skipped: no ${full} here, so a full disk cannot be shown`);
  it.skipIf(!existsSync(full))('says once that the disk is full', async () => {
    const file = open('', { path: full });
    run(file, 10_000);
    await file.close();
    expect(failures).toHaveLength(1);
    expect(failures[0]?.message).toContain('ENOSPC');
    expect(file.isRecording).toBe(false);
  });

  it('ends when the disk does not keep up, and what is there replays', async () => {
    const file = open('slow.jsonl', { backlogBytesMax: 100_000, checkEvery: 10 });
    // All in one round of the event loop: nothing can be written meanwhile.
    run(file, 10_000);
    expect(file.isRecording).toBe(false);
    await file.close();
    expect(failures).toHaveLength(1);
    expect(failures[0]?.message).toMatch(/the disk is \d+ bytes behind/);
  });

  it('that a killed process left behind is replayed up to its last whole line', async () => {
    const file = open('killed.jsonl', { checkEvery: 10 });
    run(file, 100);
    await file.close();
    const path = join(directory, 'killed.jsonl');
    const whole = readFileSync(path, 'utf8');
    const cut = whole.lastIndexOf('"event":"submit"');
    writeFileSync(path, whole.slice(0, cut + 8));
    expect(await replayFile(path)).toMatchObject({ events: 199, checkedEvents: 190, matches: true, isClosed: false });
    writeFileSync(path, whole.slice(0, -1));
    expect(await replayFile(path)).toMatchObject({ events: 201, matches: true, isClosed: true });
    writeFileSync(path, '');
    expect(await replayFile(path)).toMatchObject({ events: 0, matches: false, isClosed: false });
  });

  it('that is not there is the system’s error', async () => {
    await expect(replayFile(join(directory, 'absent.jsonl'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
