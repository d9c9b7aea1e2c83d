/**
 * The last events, kept as numbers and rendered only when somebody reads them.
 *
 * Record: [kind, nowMs, fields of EVENT_FIELDS…] and, for `progress`, task, prefilled, generated per entry.
 * Thread safety: one owner. Invariants: 1. `#head` is the start of the oldest whole record. 2. The records between head and
 * tail never overlap: a write first drops as many old records as it needs room for.
 * Complexity: append O(fields). Memory: 8 bytes × capacity numbers, fixed.
 */
import { EVENT_FIELDS, EVENT_NAMES, EventKind, type SchedulerEvent } from './scheduler-event.js';

/** Version of the rendered form; changes when a field changes its meaning. */
export const EVENT_LOG_VERSION = 1;

export class EventLogRing {
  #numbers: Float64Array;
  #head = 0;
  #filled = 0;
  /** Records dropped because newer ones needed the room. */
  dropped = 0;
  /** Records held. */
  count = 0;

  /** @param capacity - numbers (of 8 bytes) that are kept; default 65,536, half a megabyte. At least 64. */
  constructor(capacity = 65_536) {
    this.#numbers = new Float64Array(Math.max(64, capacity));
  }

  append(event: SchedulerEvent, nowMs: number): void {
    const fields = EVENT_FIELDS[event.kind];
    const length = 2 + fields.length + (event.kind === EventKind.progress ? 3 * event.count : 0);
    if (length > this.#numbers.length) {
      this.dropped++;
      return;
    }
    while (this.#filled + length > this.#numbers.length) this.#dropOldest();
    this.#write(event.kind);
    this.#write(nowMs);
    for (let i = 0; i < fields.length; i++) this.#write(event[fields[i]!]);
    if (event.kind === EventKind.progress) {
      for (let i = 0; i < event.count; i++) {
        this.#write(event.tasks[i]!);
        this.#write(event.prefilled[i]!);
        this.#write(event.generated[i]!);
      }
    }
    this.count++;
  }

  /** One JSON object a line, oldest first: `{"v":1,"t":nowMs,"event":name,…fields}`. NaN and Infinity are written as null. */
  lines(): string[] {
    const lines: string[] = [];
    let at = this.#head;
    for (let record = 0; record < this.count; record++) {
      const kind = this.#at(at) as EventKind;
      const row: Record<string, unknown> = { v: EVENT_LOG_VERSION, t: this.#at(at + 1), event: EVENT_NAMES[kind] };
      let cursor = at + 2;
      for (const field of EVENT_FIELDS[kind]) row[field] = this.#at(cursor++);
      if (kind === EventKind.progress) {
        const entries: number[][] = [];
        for (let i = 0; i < (row.count as number); i++, cursor += 3) {
          entries.push([this.#at(cursor), this.#at(cursor + 1), this.#at(cursor + 2)]);
        }
        row.entries = entries;
      }
      at = cursor;
      lines.push(JSON.stringify(row));
    }
    return lines;
  }

  #at(index: number): number {
    return this.#numbers[index % this.#numbers.length]!;
  }

  #write(value: number): void {
    this.#numbers[(this.#head + this.#filled) % this.#numbers.length] = value;
    this.#filled++;
  }

  #dropOldest(): void {
    const kind = this.#at(this.#head) as EventKind;
    const fields = EVENT_FIELDS[kind].length;
    const entries = kind === EventKind.progress ? this.#at(this.#head + 1 + fields) : 0;
    const length = 2 + fields + 3 * entries;
    this.#head = (this.#head + length) % this.#numbers.length;
    this.#filled -= length;
    this.count--;
    this.dropped++;
  }
}
