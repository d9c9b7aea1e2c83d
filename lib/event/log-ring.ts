/**
 * The last events, kept as numbers and rendered only when somebody reads them.
 *
 * Record: nowMs, the event's row (event-row.ts), and last kind + 32 · entries, so that records are found from the newest backwards
 * and an append need not know what it overwrites. A record never wraps: one that may not fit in what is left of the lap begins
 * the next lap at 0.
 * Thread safety: one owner. Invariants: 1. [0, tail) holds whole records of this lap. 2. [tail, lapEnd) holds the end of the
 * lap before, of which the records that begin there are whole.
 * Complexity: append O(fields), without an allocation. Memory: 8 bytes × capacity numbers, fixed.
 */
import { ARRAYS_MAX, entriesOf, FIELDS_MAX, packEvent, rowLength, unpackEvent } from './event-row.js';
import { eventLine } from './log-lines.js';
import { type EventKind, SchedulerEvent } from './scheduler-event.js';

/** A power of two above every kind. */
const KINDS = 32;

interface Place {
  readonly start: number;
  readonly kind: EventKind;
  readonly entries: number;
}

export class EventLogRing {
  /** Events that were appended in all, kept or not. */
  appended = 0;
  readonly #numbers: Float64Array;
  #tail = 0;
  #lapEnd = 0;

  /** @param capacity - numbers (of 8 bytes) that are kept; default 65,536, half a megabyte. 0 keeps nothing; otherwise at least 64. */
  constructor(capacity = 65_536) {
    this.#numbers = new Float64Array(capacity === 0 ? 0 : Math.max(64, capacity));
  }

  /** Keeps a copy of the event, unless it is larger than the whole ring. */
  append(event: SchedulerEvent, nowMs: number): void {
    const numbers = this.#numbers;
    const entries = entriesOf(event);
    const room = 2 + FIELDS_MAX + ARRAYS_MAX * entries;
    this.appended++;
    let at = this.#tail;
    if (at + room > numbers.length) {
      if (room > numbers.length) return;
      this.#lapEnd = at;
      at = 0;
    }
    numbers[at] = nowMs;
    at = packEvent(event, numbers, at + 1);
    numbers[at] = event.kind + KINDS * entries;
    this.#tail = at + 1;
  }

  /** Events that are kept. O(events). */
  get count(): number {
    return this.#places().length;
  }

  /** Events that are not kept any more. O(events). */
  get dropped(): number {
    return this.appended - this.count;
  }

  /** Calls `visit` for every kept event, oldest first. The record is the same one each time. */
  forEach(visit: (event: SchedulerEvent, nowMs: number) => void): void {
    const event = new SchedulerEvent();
    for (const { start, kind, entries } of this.#places().reverse()) {
      unpackEvent(kind, entries, this.#numbers, start + 1, event);
      visit(event, this.#numbers[start]!);
    }
  }

  /** The kept events as lines of the log, oldest first; see docs/event-log.md. */
  lines(): string[] {
    const lines: string[] = [];
    this.forEach((event, nowMs) => {
      lines.push(eventLine(event, nowMs));
    });
    return lines;
  }

  /** The kept records, newest first. */
  #places(): Place[] {
    const places: Place[] = [];
    this.#walk(this.#tail, 0, places);
    this.#walk(this.#lapEnd, this.#tail, places);
    return places;
  }

  /** Collects the records that end at `from`, before that, and so on, as long as they begin at `to` or later. */
  #walk(from: number, to: number, places: Place[]): void {
    let end = from;
    while (end > to) {
      const last = this.#numbers[end - 1]!;
      const kind = (last % KINDS) as EventKind;
      const entries = Math.floor(last / KINDS);
      const start = end - 2 - rowLength(kind, entries);
      if (start < to) return;
      places.push({ start, kind, entries });
      end = start;
    }
  }
}
