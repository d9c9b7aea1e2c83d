/**
 * Copies and keys of plain data: null, booleans, texts, numbers, big integers, arrays, plain objects, dates, maps, sets and typed arrays.
 * All else (functions, instances of classes, promises, what refers to itself) is no data: it has neither.
 */

/** Nested deeper is taken for something that refers to itself. */
const DEPTH_MAX = 200;
/** Of a value in memory, beyond what it holds, bytes: a header, and a slot where it is held. Rounded up. */
const OVERHEAD_BYTES = 32;
const CHARACTER_BYTES = 2;

export interface DataCopy {
  value: unknown;
  /** Approximate size in memory. */
  bytes: number;
}

/** @throws TypeError that says what is no data */
export function copyData(value: unknown): DataCopy {
  const meter = { bytes: 0 };
  return { value: copy(value, meter, 0), bytes: meter.bytes };
}

function copy(value: unknown, meter: { bytes: number }, depth: number): unknown {
  meter.bytes += OVERHEAD_BYTES;
  switch (typeof value) {
    case 'string':
      meter.bytes += CHARACTER_BYTES * value.length;
      return value;
    case 'undefined':
    case 'boolean':
    case 'number':
    case 'bigint':
      return value;
    case 'object':
      return value === null ? null : copyObject(value, meter, depth + 1);
    default:
      throw new TypeError(`a ${typeof value}`);
  }
}

function copyObject(value: object, meter: { bytes: number }, depth: number): unknown {
  if (depth > DEPTH_MAX) throw new TypeError('an object that refers to itself, or is nested too deep');
  if (Array.isArray(value)) {
    const copied: unknown[] = new Array(value.length);
    for (let i = 0; i < value.length; i++) copied[i] = copy(value[i], meter, depth);
    return copied;
  }
  if (isPlain(value)) {
    const copied: Record<string, unknown> = Object.getPrototypeOf(value) === null ? Object.create(null) : {};
    for (const key of Object.keys(value)) {
      meter.bytes += CHARACTER_BYTES * key.length;
      define(copied, key, copy((value as Record<string, unknown>)[key], meter, depth));
    }
    return copied;
  }
  if (value instanceof Date) return new Date(value);
  if (value instanceof Set) return new Set([...value].map((item) => copy(item, meter, depth)));
  if (value instanceof Map) {
    return new Map([...value].map(([key, item]) => [copy(key, meter, depth), copy(item, meter, depth)]));
  }
  if (isTypedArray(value)) {
    meter.bytes += value.byteLength;
    // Not its own: that of a Buffer shares the memory.
    return Uint8Array.prototype.slice.call(value);
  }
  throw new TypeError(`an instance of ${value.constructor?.name || 'a class'}`);
}

/** `__proto__` is a key like any other. */
function define(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__')
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  else object[key] = value;
}

/**
 * A text that is the same for equal data whatever the order of its keys, and different for different data.
 * @returns undefined for what is no data
 */
export function keyOfData(value: unknown, depth = 0): string | undefined {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
      // JSON would take -0, NaN and both infinities for something else.
      return Object.is(value, -0) ? '-0' : String(value);
    case 'bigint':
      return `${value}n`;
    case 'undefined':
    case 'boolean':
      return String(value);
    case 'object':
      return value === null ? 'null' : keyOfObject(value, depth + 1);
    default:
      return undefined;
  }
}

function keyOfObject(value: object, depth: number): string | undefined {
  if (depth > DEPTH_MAX) return undefined;
  if (Array.isArray(value)) return keyOfItems('[', value, depth);
  if (isPlain(value)) {
    const entries = Object.keys(value)
      .sort()
      .flatMap((key) => [key, (value as Record<string, unknown>)[key]]);
    return keyOfItems('{', entries, depth);
  }
  if (value instanceof Date) return `Date(${value.getTime()})`;
  if (isTypedArray(value)) return `${value.constructor.name}(${value.join()})`;
  // The order of a map or a set may matter to the agent: it is part of the key.
  if (value instanceof Set) return keyOfItems('Set', [...value], depth);
  if (value instanceof Map) return keyOfItems('Map', [...value].flat(), depth);
  return undefined;
}

function keyOfItems(kind: string, items: readonly unknown[], depth: number): string | undefined {
  let key = kind;
  for (let i = 0; i < items.length; i++) {
    const item = keyOfData(items[i], depth);
    if (item === undefined) return undefined;
    key += `${item},`;
  }
  return `${key}]`;
}

/** Of whatever kind: they have the same methods. */
function isTypedArray(value: object): value is Uint8Array {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  // Also of another realm: its prototype has none itself.
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}
