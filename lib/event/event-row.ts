/**
 * An event as a row of numbers, which is how the log keeps it and what it writes.
 *
 * Row: the fields of the kind's {@link LoggedForm} in order, then its arrays entry by entry (first entry of each array, second
 * of each, …). Cost: O(fields), no allocation.
 */
import { EVENT_ARRAYS, EVENT_FIELDS, EventKind, type SchedulerEvent } from './scheduler-event.js';

export type LoggedField = Exclude<(typeof EVENT_FIELDS)[EventKind][number], 'kind'>;
export type LoggedArray = NonNullable<(typeof EVENT_ARRAYS)[EventKind]>[number];

/** What the log holds of an event of one kind. */
export interface LoggedForm {
  /** Single numbers. Without `count`: the length of the arrays says it. */
  readonly fields: readonly LoggedField[];
  readonly arrays: readonly LoggedArray[];
}

export function byKind<T>(of: (kind: EventKind) => T): Readonly<Record<EventKind, T>> {
  return Object.fromEntries(Object.values(EventKind).map((kind) => [kind, of(kind)])) as Record<EventKind, T>;
}

export const LOGGED_FORMS = byKind((kind): LoggedForm => {
  const arrays = EVENT_ARRAYS[kind] ?? [];
  const isLogged = (field: LoggedField | 'kind'): field is LoggedField =>
    field !== 'kind' && (arrays.length === 0 || field !== 'count');
  return { fields: EVENT_FIELDS[kind].filter(isLogged), arrays };
});

/** Longest row of an event without entries. */
export const FIELDS_MAX = Math.max(...Object.values(LOGGED_FORMS).map(({ fields }) => fields.length));
/** Numbers that one more entry takes at most. */
export const ARRAYS_MAX = Math.max(...Object.values(LOGGED_FORMS).map(({ arrays }) => arrays.length));

/** Entries that count in the event's arrays; 0 for a kind without arrays. */
export function entriesOf(event: SchedulerEvent): number {
  return event.kind === EventKind.progress || event.kind === EventKind.declare ? event.count : 0;
}

/**
 * Writes the row of `event` from `numbers[from]` on; there must be room for it.
 * One line a field, because reading fields by name in a loop costs ten times as much, on the path of every event. That the lines
 * say what LOGGED_FORMS says is a test.
 * @returns the index after the row
 */
export function packEvent(event: SchedulerEvent, numbers: Float64Array, from: number): number {
  const { kind } = event;
  let at = from;
  switch (kind) {
    case EventKind.submit:
      numbers[at++] = event.model;
      numbers[at++] = event.tenant;
      numbers[at++] = event.classIndex;
      numbers[at++] = event.priority;
      numbers[at++] = event.session;
      numbers[at++] = event.promptTokens;
      numbers[at++] = event.outputLimit;
      numbers[at++] = event.deadlineMs;
      numbers[at++] = event.serviceSeconds;
      numbers[at++] = event.size;
      numbers[at++] = event.demand;
      numbers[at++] = event.boundMs;
      numbers[at++] = event.timeoutMs;
      numbers[at++] = event.maxAttempts;
      numbers[at++] = event.parent;
      numbers[at++] = event.budget;
      numbers[at++] = event.group;
      numbers[at++] = event.gang;
      numbers[at++] = event.gangSize;
      break;
    case EventKind.sized:
      numbers[at++] = event.task;
      numbers[at++] = event.promptTokens;
      break;
    case EventKind.progress:
      numbers[at++] = event.model;
      for (let i = 0; i < event.count; i++) {
        numbers[at++] = event.tasks[i]!;
        numbers[at++] = event.prefilled[i]!;
        numbers[at++] = event.generated[i]!;
      }
      break;
    case EventKind.ended:
      numbers[at++] = event.task;
      numbers[at++] = event.outcome;
      numbers[at++] = event.heldTokens;
      numbers[at++] = event.cachedTokens;
      numbers[at++] = event.retryInMs;
      break;
    case EventKind.cancel:
    case EventKind.pause:
    case EventKind.resume:
    case EventKind.giveBack:
    case EventKind.takeAgain:
      numbers[at++] = event.task;
      break;
    case EventKind.timer:
    case EventKind.shut:
    case EventKind.open:
      break;
    case EventKind.launch:
      numbers[at++] = event.model;
      break;
    case EventKind.estimated:
      numbers[at++] = event.model;
      numbers[at++] = event.bytes;
      break;
    case EventKind.ready:
      numbers[at++] = event.model;
      numbers[at++] = event.bytes;
      numbers[at++] = event.sequences;
      numbers[at++] = event.secondsPerPromptToken;
      numbers[at++] = event.secondsPerStep;
      break;
    case EventKind.down:
      numbers[at++] = event.model;
      numbers[at++] = event.fatal;
      break;
    case EventKind.observed:
      numbers[at++] = event.pool;
      numbers[at++] = event.bytes;
      break;
    case EventKind.declare:
      numbers[at++] = event.demand;
      for (let i = 0; i < event.count; i++) {
        numbers[at++] = event.pools[i]!;
        numbers[at++] = event.amounts[i]!;
      }
      break;
    case EventKind.reprioritise:
      numbers[at++] = event.task;
      numbers[at++] = event.priority;
      break;
    case EventKind.grow:
      numbers[at++] = event.task;
      numbers[at++] = event.pool;
      numbers[at++] = event.amount;
      break;
    case EventKind.resize:
      numbers[at++] = event.pool;
      numbers[at++] = event.amount;
      break;
    case EventKind.forget:
      numbers[at++] = event.tenant;
      break;
    default:
      kind satisfies never;
  }
  return at;
}

/** Fills `event` with the row at `numbers[from]`: kind, fields and fresh arrays; the inverse of {@link packEvent}. */
export function unpackEvent(
  kind: EventKind,
  entries: number,
  numbers: Float64Array,
  from: number,
  event: SchedulerEvent,
): void {
  const { fields, arrays } = LOGGED_FORMS[kind];
  let at = from;
  event.kind = kind;
  for (const field of fields) event[field] = numbers[at++]!;
  if (arrays.length > 0) event.count = entries;
  for (const [index, field] of arrays.entries()) {
    event[field] = Array.from({ length: entries }, (_, entry) => numbers[at + entry * arrays.length + index]!);
  }
}

/** Length of a row. */
export function rowLength(kind: EventKind, entries: number): number {
  const { fields, arrays } = LOGGED_FORMS[kind];
  return fields.length + arrays.length * entries;
}
