/** Arbitrary scheduler events for property tests: every kind, and in every field any double there is. */
import fc from 'fast-check';
import { EVENT_ARRAYS, EVENT_FIELDS, EventKind, LOGGED_FORMS, SchedulerEvent } from '../../lib/event/index.js';

/** Any double; the ones that formats lose most easily come often. */
export const anyDouble: fc.Arbitrary<number> = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
  fc.constantFrom(Number.MIN_VALUE, -Number.MIN_VALUE, Number.MAX_VALUE, 2 ** 53, 0.1 + 0.2, 1e21, 1e-7),
);

export const anyInstant: fc.Arbitrary<number> = fc.double({ noNaN: true, noDefaultInfinity: true });

export const anyEvent: fc.Arbitrary<SchedulerEvent> = fc
  .record({
    kind: fc.constantFrom(...Object.values(EventKind)),
    values: fc.array(fc.option(anyDouble, { freq: 3, nil: undefined }), { minLength: 19, maxLength: 19 }),
    entries: fc.array(fc.tuple(anyDouble, anyDouble, anyDouble), { maxLength: 5 }),
    // Backends hand over arrays that are longer than what they use.
    spare: fc.nat(2),
  })
  .map(({ kind, values, entries, spare }) => {
    const event = new SchedulerEvent();
    event.kind = kind;
    const { fields, arrays } = LOGGED_FORMS[kind];
    for (const [index, field] of fields.entries()) event[field] = values[index] ?? event[field];
    if (arrays.length > 0) event.count = entries.length;
    for (const [index, field] of arrays.entries()) {
      event[field] = [...entries.map((entry) => entry[index]!), ...Array.from({ length: spare }, () => 77)];
    }
    return event;
  });

/** A record as drivers use it again and again: what its kind does not read still holds something of earlier events. */
export function usedEvent({ kind, ...fields }: Partial<SchedulerEvent> & { kind: EventKind }): SchedulerEvent {
  const event = new SchedulerEvent();
  const { fields: own, arrays } = LOGGED_FORMS[kind];
  const read: ReadonlySet<string> = new Set(['kind', ...own, ...arrays, ...(arrays.length > 0 ? ['count'] : [])]);
  for (const [field, value] of Object.entries(event)) {
    if (!read.has(field)) Object.assign(event, { [field]: typeof value === 'number' ? 77 : [77, 78] });
  }
  return Object.assign(event, { kind }, fields);
}

/** What an event says: its kind, the fields of the kind, and the entries that count. */
export function meaning(event: SchedulerEvent): unknown {
  const { kind } = event;
  const fields = EVENT_FIELDS[kind].map((field) => [field, event[field]]);
  const arrays = (EVENT_ARRAYS[kind] ?? []).map((field) => [field, Array.from(event[field]).slice(0, event.count)]);
  return { kind, ...Object.fromEntries([...fields, ...arrays]) };
}
