/** `agentyard replay`: what it reads and what it says. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeReplay, replayAndReport, replayCommand } from '../../lib/cli/replay.js';
import { fcfs, none } from '../../lib/policy/index.js';
import { EventLogFile } from '../../lib/runtime/event-log-file.js';
import { SCHEDULER_DEFAULTS } from '../../lib/scheduler/index.js';
import { DEFAULT_CLASSES } from '../../lib/task/index.js';

const sha256 = 'ab'.repeat(32);
const same = {
  recordedBy: '1.0.0',
  events: 4_207,
  commands: 8_412,
  sha256,
  checkedEvents: 4_207,
  isClosed: true,
  matches: true,
};

describe('agentyard replay', () => {
  let directory: string;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'agentyard-replay-'));
  });

  afterAll(() => rmSync(directory, { recursive: true }));

  async function report(file: string): Promise<[number, string[]]> {
    const lines: string[] = [];
    const code = await replayAndReport(join(directory, file), '1.0.0', (line) => lines.push(line));
    return [code, lines];
  }

  it('takes one file', async () => {
    const given: string[] = [];
    const command = replayCommand(async (file) => given.push(file) && 0);
    let printed = '';
    command.exitOverride().configureOutput({ writeErr: (text) => (printed += text) });
    await command.parseAsync(['run.jsonl'], { from: 'user' });
    expect(given).toEqual(['run.jsonl']);
    await expect(command.parseAsync([], { from: 'user' })).rejects.toThrow();
    expect(printed).toContain("missing required argument 'file'");
  });

  it('reports a log that was recorded', async () => {
    const config = {
      ...SCHEDULER_DEFAULTS,
      order: fcfs(),
      share: none(),
      classes: DEFAULT_CLASSES,
      models: [],
      memory: { name: 'host memory', capacityBytes: 0, marginBytes: 0 },
    };
    const file = new EventLogFile({ path: join(directory, 'idle.jsonl'), config, nowMs: 0 });
    await file.close();
    const [code, lines] = await report('idle.jsonl');
    expect(lines).toEqual([expect.stringMatching(/^Same decisions: 0 commands of 0 events, sha256 [0-9a-f]{64}\.$/)]);
    expect(code).toBe(0);
  });

  it('says in one line why a file cannot be replayed', async () => {
    writeFileSync(join(directory, 'text.jsonl'), 'hello\n');
    expect(await report('text.jsonl')).toEqual([
      1,
      [
        `"${join(directory, 'text.jsonl')}" cannot be replayed: Line 1 of the event log: expected one JSON object; got hello.`,
      ],
    ]);
    const [code, lines] = await report('absent.jsonl');
    expect(code).toBe(1);
    expect(lines).toEqual([expect.stringContaining('cannot be replayed: ENOENT')]);
    expect((await report('.'))[1]).toEqual([expect.stringContaining('cannot be replayed: EISDIR')]);
  });

  it('says that the decisions are the same', () => {
    expect(describeReplay(same, '1.0.0')).toEqual([
      `Same decisions: 8,412 commands of 4,207 events, sha256 ${sha256}.`,
    ]);
  });

  it('says how much of a log that breaks off is vouched for', () => {
    const lines = describeReplay({ ...same, isClosed: false, checkedEvents: 4_000 }, '1.0.0');
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain('its last 207 events');
    const nothing = { ...same, events: 12, checkedEvents: 0, isClosed: false, matches: false };
    expect(describeReplay(nothing, '1.0.0')).toEqual([
      'Nothing to compare: the log breaks off after 12 events, before its first check line.',
    ]);
  });

  it('says where the replay parts from the log, and when another version recorded it', () => {
    const firstDivergence = {
      firstEvent: 1_001,
      lastEvent: 2_000,
      firstLine: 1_003,
      lastLine: 2_003,
      expected: 'one thing',
      got: 'another',
    };
    const parted = { ...same, isClosed: false, matches: false, firstDivergence };
    expect(describeReplay(parted, '1.1.0')).toEqual([
      'Not the same decisions: the replay parts from the log in events 1,001 to 2,000 (lines 1003 to 2003 of the log).',
      'The log says one thing.',
      'The replay gave another.',
      'Recorded by agentyard 1.0.0, replayed by 1.1.0: another version may decide differently.',
    ]);
    const at = { ...firstDivergence, lastEvent: 1_001, lastLine: 1_003 };
    expect(describeReplay({ ...parted, firstDivergence: at }, '1.0.0')).toEqual([
      'Not the same decisions: the replay parts from the log in event 1,001 (line 1003 of the log).',
      'The log says one thing.',
      'The replay gave another.',
    ]);
  });
});
