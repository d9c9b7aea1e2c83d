import { expect, it } from 'vitest';
import { EventKind, EventLogRing, SchedulerEvent } from '../../lib/event/index.js';

function event(kind: EventKind, fields: Partial<SchedulerEvent>): SchedulerEvent {
  return Object.assign(new SchedulerEvent(), { kind }, fields);
}

it('renders what was appended, oldest first', () => {
  const ring = new EventLogRing();
  ring.append(event(EventKind.sized, { task: 3, promptTokens: 12 }), 1.5);
  ring.append(
    event(EventKind.progress, { model: 1, count: 2, tasks: [3, 4], prefilled: [64, 0], generated: [0, 1] }),
    2,
  );
  expect([...ring.lines()].map((line) => JSON.parse(line))).toEqual([
    { v: 1, t: 1.5, event: 'sized', task: 3, promptTokens: 12 },
    {
      v: 1,
      t: 2,
      event: 'progress',
      model: 1,
      count: 2,
      entries: [
        [3, 64, 0],
        [4, 0, 1],
      ],
    },
  ]);
});

it('drops whole old records when it is full, and counts them', () => {
  const ring = new EventLogRing(64);
  for (let task = 0; task < 100; task++) {
    if (task % 7 === 0) {
      ring.append(
        event(EventKind.progress, { count: 3, tasks: [task, 1, 2], prefilled: [0, 0, 0], generated: [1, 1, 1] }),
        task,
      );
    } else {
      ring.append(event(EventKind.cancel, { task }), task);
    }
  }
  const lines = [...ring.lines()].map((line) => JSON.parse(line));
  expect(lines.at(-1)).toMatchObject({ event: 'cancel', task: 99, t: 99 });
  expect(lines.map(({ t }) => t)).toEqual(Array.from({ length: lines.length }, (_, i) => 100 - lines.length + i));
  expect(ring.dropped + ring.count).toBe(100);
});
