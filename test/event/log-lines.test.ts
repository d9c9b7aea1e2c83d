import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidEventLogError } from '../../lib/base/errors.js';
import {
  EventKind,
  eventLine,
  parseLogLine,
  readNumber,
  SchedulerEvent,
  totalsLine,
  writeNumber,
} from '../../lib/event/index.js';
import { anyDouble, anyEvent, anyInstant, meaning } from '../support/any-event.js';

/** A record that an earlier event has left full of other values. */
function used(): SchedulerEvent {
  const event = new SchedulerEvent();
  for (const [field, value] of Object.entries(event)) {
    Object.assign(event, { [field]: typeof value === 'number' ? 99 : [98, 97] });
  }
  return event;
}

function parse(text: string): unknown {
  const event = used();
  const line = parseLogLine(text, 1, event);
  return line.name === 'event' ? { nowMs: line.nowMs, ...(meaning(event) as object) } : line;
}

describe('lines of the event log', () => {
  it('keep every number exactly', () => {
    fc.assert(
      fc.property(anyDouble, (value) => {
        expect(readNumber(JSON.parse(writeNumber(value)))).toBe(value);
      }),
    );
  });

  it.each([
    [0, '0'],
    [-0, '-0'],
    [Number.NaN, 'null'],
    [Number.POSITIVE_INFINITY, '"Infinity"'],
    [Number.NEGATIVE_INFINITY, '"-Infinity"'],
    [0.1 + 0.2, '0.30000000000000004'],
    [Number.MIN_VALUE, '5e-324'],
  ])('write %d as %s', (value, text) => {
    expect(writeNumber(value)).toBe(text);
  });

  it('give back the event and the instant that were written, whatever the record held before', () => {
    fc.assert(
      fc.property(anyEvent, anyInstant, (event, nowMs) => {
        expect(parse(eventLine(event, nowMs))).toEqual({ nowMs, ...(meaning(event) as object) });
      }),
      { numRuns: 1_000 },
    );
  });

  it('hold only what differs from the defaults', () => {
    const event = Object.assign(new SchedulerEvent(), { kind: EventKind.submit, model: -1, demand: 3, size: 1 });
    expect(eventLine(event, 12.5)).toBe('{"t":12.5,"event":"submit","model":-1,"size":1,"demand":3}');
    const step = Object.assign(new SchedulerEvent(), {
      kind: EventKind.progress,
      count: 2,
      tasks: Int32Array.of(3, 4, 0),
      prefilled: Int32Array.of(64, 0, 0),
      generated: Int32Array.of(0, 1, 0),
    });
    expect(eventLine(step, 13)).toBe('{"t":13,"event":"progress","tasks":[3,4],"prefilled":[64,0],"generated":[0,1]}');
  });

  it('carry totals', () => {
    const totals = { events: 7, commands: 20, sha256: 'ab'.repeat(32) };
    expect(parse(totalsLine('check', totals))).toEqual({ name: 'check', ...totals });
    expect(parse(totalsLine('end', totals))).toEqual({ name: 'end', ...totals });
  });

  it.each([
    ['an empty line', '', 'one JSON object', 'an empty line'],
    ['half a line', '{"t":1,"event":"ti', 'one JSON object', '{"t":1,"event":"ti'],
    ['an array', '[1]', 'one JSON object', '[1]'],
    ['null', 'null', 'one JSON object', 'null'],
    ['an event without a name', '{"t":1}', '"event" to be one of submit', 'nothing'],
    ['an unknown event', '{"t":1,"event":"submitt"}', '"event" to be one of submit', '"submitt"'],
    ['an event without an instant', '{"event":"timer"}', '"t" to be a finite number', 'nothing'],
    ['an instant that is no number', '{"t":"Infinity","event":"timer"}', '"t" to be a finite number', '"Infinity"'],
    ['a field of another event', '{"t":1,"event":"timer","task":1}', 'the fields of "timer" (t, event)', '"task"'],
    ['a field of the prototype', '{"t":1,"event":"timer","__proto__":1}', 'the fields of "timer"', '"__proto__"'],
    ['a number as text', '{"t":1,"event":"cancel","task":"1"}', '"task" to be a number', '"1"'],
    ['a length beside its arrays', '{"t":1,"event":"declare","count":0}', 'the fields of "declare"', '"count"'],
    ['one array of two', '{"t":1,"event":"declare","pools":[1]}', '"amounts" to be an array', 'nothing'],
    [
      'arrays of two lengths',
      '{"t":1,"event":"declare","pools":[1],"amounts":[]}',
      '"amounts" to be as long as "pools"',
      '0 entries',
    ],
    [
      'an array with something else in it',
      '{"t":1,"event":"declare","pools":[1],"amounts":[{}]}',
      '"amounts" to be a number',
      '{}',
    ],
    ['the version before', '{"v":1,"t":1,"event":"configure"}', '"v":2', '"v":1'],
    ['no version', '{"t":1,"event":"configure"}', '"v":2', '"v":nothing'],
    ['a count that is none', '{"event":"end","events":-1}', '"sha256" to be 64 hexadecimal digits', 'nothing'],
    ['a hash that is none', '{"event":"check","events":1,"commands":1,"sha256":"x"}', '"sha256" to be', '"x"'],
  ])('are refused with what was expected and what came: %s', (_what, text, expected, got) => {
    let error: unknown;
    try {
      parseLogLine(text, 12, new SchedulerEvent());
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(InvalidEventLogError);
    expect(error).toMatchObject({ code: 'AY_INVALID_EVENT_LOG', line: 12 });
    expect((error as InvalidEventLogError).expected).toContain(expected);
    expect((error as InvalidEventLogError).got).toBe(got);
    expect((error as Error).message).toMatch(/^Line 12 of the event log: expected .+; got .+\.$/);
  });

  it('never fail with anything but a typed error', () => {
    const mangled = fc
      .tuple(anyEvent, anyInstant, fc.nat(), fc.string({ maxLength: 3 }), fc.nat(3))
      .map(([event, nowMs, at, insert, cut]) => {
        const line = eventLine(event, nowMs);
        const position = at % line.length;
        return line.slice(0, position) + insert + line.slice(position + cut);
      });
    fc.assert(
      fc.property(fc.oneof(mangled, fc.string(), fc.json()), (text) => {
        try {
          parseLogLine(text, 1, new SchedulerEvent());
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidEventLogError);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
