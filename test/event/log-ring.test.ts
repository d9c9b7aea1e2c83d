import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventKind, EventLogRing, eventLine, SchedulerEvent } from '../../lib/event/index.js';
import { anyEvent, anyInstant, meaning } from '../support/any-event.js';

function event(kind: EventKind, fields: Partial<SchedulerEvent>): SchedulerEvent {
  return Object.assign(new SchedulerEvent(), { kind }, fields);
}

function contents(ring: EventLogRing): unknown[] {
  const kept: unknown[] = [];
  ring.forEach((record, nowMs) => {
    kept.push({ nowMs, event: meaning(record) });
  });
  return kept;
}

describe('the ring of the last events', () => {
  it('renders what was appended, oldest first', () => {
    const ring = new EventLogRing();
    ring.append(event(EventKind.sized, { task: 3, promptTokens: 12 }), 1.5);
    ring.append(
      event(EventKind.progress, { model: 1, count: 2, tasks: [3, 4], prefilled: [64, 0], generated: [0, 1] }),
      2,
    );
    ring.append(event(EventKind.declare, { demand: 9, count: 1, pools: [2], amounts: [0.5] }), 3);
    expect(ring.lines()).toEqual([
      '{"t":1.5,"event":"sized","task":3,"promptTokens":12}',
      '{"t":2,"event":"progress","model":1,"tasks":[3,4],"prefilled":[64,0],"generated":[0,1]}',
      '{"t":3,"event":"declare","demand":9,"pools":[2],"amounts":[0.5]}',
    ]);
  });

  it('has nothing to show before the first event', () => {
    expect(new EventLogRing().lines()).toEqual([]);
  });

  it('keeps every field of every kind, and always the newest events, whole and in order', () => {
    const some = fc.array(fc.tuple(anyEvent, anyInstant), { maxLength: 60 });
    fc.assert(
      fc.property(some, fc.integer({ min: 64, max: 300 }), (events, capacity) => {
        const ring = new EventLogRing(capacity);
        for (const [given, nowMs] of events) ring.append(given, nowMs);
        const all = events.map(([given, nowMs]) => ({ nowMs, event: meaning(given) }));
        const kept = contents(ring);
        expect(kept).toEqual(all.slice(all.length - kept.length));
        expect(ring.count).toBe(kept.length);
        expect(ring.dropped).toBe(all.length - kept.length);
        // The longest of these records takes 21 numbers; at both ends of a lap less than one of them is lost.
        const surely = Math.floor(capacity / 21) - 2;
        expect(kept.length).toBeGreaterThanOrEqual(Math.min(all.length, surely));
        expect(ring.lines()).toEqual(events.slice(all.length - kept.length).map((pair) => eventLine(...pair)));
      }),
      { numRuns: 500 },
    );
  });

  it('knows every kind, whatever its fields hold', () => {
    for (const kind of Object.values(EventKind)) {
      const given = new SchedulerEvent();
      let next = 1;
      for (const [field, value] of Object.entries(given)) {
        Object.assign(given, { [field]: typeof value === 'number' ? next++ : [next++, next++] });
      }
      given.kind = kind;
      given.count = 2;
      const ring = new EventLogRing();
      ring.append(given, 1);
      expect(contents(ring)).toEqual([{ nowMs: 1, event: meaning(given) }]);
    }
  });

  it('drops whole old records when it is full, and counts them', () => {
    const ring = new EventLogRing(128);
    for (let task = 0; task < 1_000; task++) {
      if (task % 7 === 0) {
        const tasks = [task, 1, 2];
        ring.append(event(EventKind.progress, { count: 3, tasks, prefilled: [0, 0, 0], generated: [1, 1, 1] }), task);
      } else {
        ring.append(event(EventKind.cancel, { task }), task);
      }
    }
    const lines = ring.lines().map((line) => JSON.parse(line));
    expect(lines.length).toBeGreaterThan(10);
    expect(lines.at(-1)).toMatchObject({ event: 'cancel', task: 999, t: 999 });
    expect(lines.map(({ t }) => t)).toEqual(Array.from({ length: lines.length }, (_, i) => 1_000 - lines.length + i));
    expect(ring.dropped + ring.count).toBe(1_000);
  });

  it('keeps nothing when it has no room at all', () => {
    const ring = new EventLogRing(0);
    ring.append(event(EventKind.timer, {}), 1);
    expect(ring.lines()).toEqual([]);
    expect(ring).toMatchObject({ appended: 1, count: 0, dropped: 1 });
  });

  it('leaves out a record that is larger than itself, and keeps the others', () => {
    const ring = new EventLogRing(64);
    ring.append(event(EventKind.cancel, { task: 1 }), 1);
    const many = Array.from({ length: 50 }, (_, i) => i);
    ring.append(event(EventKind.progress, { count: 50, tasks: many, prefilled: many, generated: many }), 2);
    ring.append(event(EventKind.cancel, { task: 2 }), 3);
    expect(ring.lines()).toEqual(['{"t":1,"event":"cancel","task":1}', '{"t":3,"event":"cancel","task":2}']);
    expect(ring.dropped).toBe(1);
  });
});
