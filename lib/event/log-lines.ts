/**
 * The event log as text: one JSON object a line. Format, field by field: docs/event-log.md.
 *
 * A line holds the fields of its kind that differ from a fresh {@link SchedulerEvent}, so it is short, and a field that a later
 * version adds means for older logs what its default says. Numbers survive exactly: JavaScript prints the shortest decimal that
 * reads back as the same double; −0 is `-0`; NaN is `null`; what JSON has no number for is `"Infinity"` and `"-Infinity"`.
 */
import { InvalidEventLogError } from '../base/errors.js';
import {
  ARRAYS_MAX,
  byKind,
  entriesOf,
  FIELDS_MAX,
  LOGGED_FORMS,
  type LoggedArray,
  packEvent,
  rowLength,
} from './event-row.js';
import { EVENT_NAMES, type EventKind, SchedulerEvent } from './scheduler-event.js';

/** Version of the form. Goes up when what older logs say would be read with another meaning. */
export const EVENT_LOG_VERSION = 2;

const DEFAULTS = new SchedulerEvent();

/** The constant parts of a kind's lines: `,"event":"submit"`, then `,"model":` and so on, and what need not be written. */
const TEMPLATES = byKind((kind) => {
  const { fields, arrays } = LOGGED_FORMS[kind];
  return {
    event: `,"event":${JSON.stringify(EVENT_NAMES[kind])}`,
    fields: fields.map((field) => `,"${field}":`),
    defaults: fields.map((field) => DEFAULTS[field]),
    arrays: arrays.map((field) => `,"${field}":[`),
  };
});

const KIND_OF_NAME: ReadonlyMap<unknown, EventKind> = new Map(
  Object.entries(EVENT_NAMES).map(([kind, name]) => [name, Number(kind) as EventKind]),
);

/** A number as the log writes it; {@link readNumber} is its inverse. */
export function writeNumber(value: number): string {
  // One subtraction tells the everyday numbers from Infinity and NaN.
  if (value - value !== 0) return Number.isNaN(value) ? 'null' : `"${value}"`;
  return value === 0 && Object.is(value, -0) ? '-0' : String(value);
}

/** The number that a parsed JSON value stands for; undefined when it stands for none. */
export function readNumber(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  if (value === null) return Number.NaN;
  return value === 'Infinity' || value === '-Infinity' ? Number(value) : undefined;
}

/** The row of the event that is being written; grows to the longest seen. */
let row = new Float64Array(FIELDS_MAX + ARRAYS_MAX * 64);

/** One event as a line, without its end. @param nowMs - the instant it was decided at, finite */
export function eventLine(event: SchedulerEvent, nowMs: number): string {
  const template = TEMPLATES[event.kind];
  const entries = entriesOf(event);
  const length = rowLength(event.kind, entries);
  if (length > row.length) row = new Float64Array(2 * length);
  packEvent(event, row, 0);
  const { fields, defaults, arrays } = template;
  let line = `{"t":${writeNumber(nowMs)}${template.event}`;
  for (let i = 0; i < fields.length; i++) {
    const value = row[i]!;
    if (!Object.is(value, defaults[i])) line += fields[i] + writeNumber(value);
  }
  for (let i = 0; i < arrays.length && entries > 0; i++) {
    line += arrays[i];
    for (let at = fields.length + i; at < length; at += arrays.length) {
      if (at >= fields.length + arrays.length) line += ',';
      line += writeNumber(row[at]!);
    }
    line += ']';
  }
  return `${line}}`;
}

/** What a `check` or `end` line says of all events before it. */
export interface LogTotals {
  readonly events: number;
  readonly commands: number;
  /** Hash of the commands, hexadecimal. */
  readonly sha256: string;
}

export function totalsLine(name: 'check' | 'end', { events, commands, sha256 }: LogTotals): string {
  return `{"event":"${name}","events":${events},"commands":${commands},"sha256":"${sha256}"}`;
}

/** A line that was understood. Of an event, the record that was passed in holds the fields. */
export type LogLine =
  | { readonly name: 'configure'; readonly nowMs: number; readonly configuration: Readonly<Record<string, unknown>> }
  | { readonly name: 'event'; readonly nowMs: number }
  | ({ readonly name: 'check' | 'end' } & LogTotals);

/**
 * Reads one line of a log.
 * @param text - without its end
 * @param line - its number, from 1, for errors
 * @param event - filled when the line is an event: kind, and every field and array of the kind
 * @throws {@link InvalidEventLogError}
 */
export function parseLogLine(text: string, line: number, event: SchedulerEvent): LogLine {
  const row = parseObject(text, line);
  switch (row.event) {
    case 'configure':
      return configureLine(row, line);
    case 'check':
    case 'end':
      return { name: row.event, ...totalsOf(row, line) };
    default:
      return { name: 'event', nowMs: fillEvent(event, row, line) };
  }
}

type JsonRow = Readonly<Record<string, unknown>>;

function parseObject(text: string, line: number): JsonRow {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InvalidEventLogError(line, 'one JSON object', text === '' ? 'an empty line' : excerpt(text));
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonRow;
  throw new InvalidEventLogError(line, 'one JSON object', excerpt(text));
}

function configureLine(row: JsonRow, line: number): LogLine {
  const { v, event: _, t, ...configuration } = row;
  if (v !== EVENT_LOG_VERSION) {
    throw new InvalidEventLogError(line, `"v":${EVENT_LOG_VERSION}, the version that is read here`, `"v":${shown(v)}`);
  }
  return { name: 'configure', nowMs: instant(t, line), configuration };
}

function totalsOf(row: JsonRow, line: number): LogTotals {
  const { event: _, events, commands, sha256, ...others } = row;
  refuseOthers(Object.keys(others), ['events', 'commands', 'sha256'], String(row.event), line);
  const count = (name: string, value: unknown): number => {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw new InvalidEventLogError(line, `"${name}" to be a whole number`, shown(value));
  };
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) {
    throw new InvalidEventLogError(line, '"sha256" to be 64 hexadecimal digits', shown(sha256));
  }
  return { events: count('events', events), commands: count('commands', commands), sha256 };
}

/** @returns the event's instant */
function fillEvent(event: SchedulerEvent, row: JsonRow, line: number): number {
  const kind = KIND_OF_NAME.get(row.event);
  if (kind === undefined) {
    const known = [...KIND_OF_NAME.keys(), 'configure', 'check', 'end'].join(', ');
    throw new InvalidEventLogError(line, `"event" to be one of ${known}`, shown(row.event));
  }
  const { fields, arrays } = LOGGED_FORMS[kind];
  event.kind = kind;
  let known = 2;
  for (const field of fields) {
    const value = row[field];
    if (value !== undefined) known++;
    event[field] = value === undefined ? DEFAULTS[field] : numberOf(field, value, line);
  }
  if (arrays.length > 0) known += fillArrays(event, arrays, row, line);
  const keys = Object.keys(row);
  if (keys.length !== known) refuseOthers(keys, ['t', 'event', ...fields, ...arrays], EVENT_NAMES[kind], line);
  return instant(row.t, line);
}

/** @returns how many of the arrays the row has: all or none */
function fillArrays(event: SchedulerEvent, arrays: readonly LoggedArray[], row: JsonRow, line: number): number {
  const given = arrays.filter((field) => row[field] !== undefined);
  event.count = 0;
  for (const field of arrays) {
    const value = given.length === 0 ? [] : row[field];
    if (!Array.isArray(value)) throw new InvalidEventLogError(line, `"${field}" to be an array`, shown(value));
    if (field === arrays[0]) event.count = value.length;
    if (value.length !== event.count) {
      throw new InvalidEventLogError(line, `"${field}" to be as long as "${arrays[0]}"`, `${value.length} entries`);
    }
    event[field] = value.map((entry) => numberOf(field, entry, line));
  }
  return given.length;
}

function instant(value: unknown, line: number): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new InvalidEventLogError(line, '"t" to be a finite number of milliseconds', shown(value));
}

function numberOf(field: string, value: unknown, line: number): number {
  const number = readNumber(value);
  if (number !== undefined) return number;
  throw new InvalidEventLogError(line, `"${field}" to be a number, null, "Infinity" or "-Infinity"`, shown(value));
}

/** Fields that are not known here change what an event means, so they are not passed over. */
function refuseOthers(keys: readonly string[], known: readonly string[], name: string, line: number): void {
  const other = keys.find((key) => !known.includes(key));
  if (other === undefined) return;
  throw new InvalidEventLogError(line, `the fields of "${name}" (${known.join(', ')})`, `"${other}"`);
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : excerpt(JSON.stringify(value));
}

function excerpt(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`;
}
