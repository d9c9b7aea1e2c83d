import { describe, expect, it } from 'vitest';
import { InvalidOptionError, InvalidPriorityError } from '../../lib/base/index.js';
import { createPriorityHeap, HEAP_CAPACITY_MAX, HEAP_FULL, type PriorityHeap } from '../../lib/heap/index.js';
import { availableCores } from './cores.js';

function drain(heap: PriorityHeap): number[] {
  const values: number[] = [];
  for (let value = heap.pop(); value !== undefined; value = heap.pop()) values.push(value);
  return values;
}

describe.each(availableCores('priority heap'))('priority heap, %s core', (core) => {
  const make = (capacity = 100) => createPriorityHeap({ capacity, core });

  it('pops the largest priority first', () => {
    const heap = make();
    for (const [priority, value] of [
      [2, 20],
      [5, 50],
      [-1, 10],
      [3.5, 35],
    ] as const) {
      heap.push(priority, value);
    }
    expect(heap.size).toBe(4);
    expect(drain(heap)).toEqual([50, 35, 20, 10]);
    expect(heap.size).toBe(0);
  });

  it('pops equal priorities in the order of their pushes', () => {
    const heap = make();
    for (let value = 0; value < 50; value++) heap.push(value % 2, value);
    const odd = Array.from({ length: 25 }, (_, i) => 2 * i + 1);
    const even = Array.from({ length: 25 }, (_, i) => 2 * i);
    expect(drain(heap)).toEqual([...odd, ...even]);
  });

  it('reports the priority of the last pop and peek', () => {
    const heap = make();
    expect(heap.lastPriority).toBeNaN();
    heap.push(1.5, 1);
    heap.push(7.25, 2);
    expect(heap.peek()).toBe(2);
    expect(heap.lastPriority).toBe(7.25);
    expect(heap.size).toBe(2);
    heap.pop();
    expect(heap.pop()).toBe(1);
    expect(heap.lastPriority).toBe(1.5);
  });

  it('answers undefined when empty', () => {
    const heap = make();
    expect(heap.pop()).toBeUndefined();
    expect(heap.peek()).toBeUndefined();
  });

  it('refuses a push beyond its capacity and accepts one again after a pop', () => {
    const heap = make(2);
    heap.push(1, 1);
    heap.push(2, 2);
    expect(heap.push(3, 3)).toBe(HEAP_FULL);
    expect(heap.size).toBe(2);
    heap.pop();
    expect(heap.push(3, 3)).toBeGreaterThan(0);
    expect(drain(heap)).toEqual([3, 1]);
  });

  it('cancels a queued item once', () => {
    const heap = make();
    heap.push(1, 1);
    const handle = heap.push(2, 2);
    expect(heap.cancel(handle)).toBe(true);
    expect(heap.cancel(handle)).toBe(false);
    expect(heap.size).toBe(1);
    expect(drain(heap)).toEqual([1]);
  });

  it('refuses the handle of an item that was popped, also when its place is used again', () => {
    const heap = make();
    const old = heap.push(1, 1);
    heap.pop();
    const fresh = heap.push(2, 2);
    expect(fresh).not.toBe(old);
    expect(heap.update(old, 9)).toBe(false);
    expect(heap.cancel(old)).toBe(false);
    expect(heap.peek()).toBe(2);
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 52, 2 ** 53, 3 * 2 ** 26 + 7])(
    'refuses %d, which is no handle of it',
    (handle) => {
      const heap = make();
      heap.push(1, 1);
      expect(heap.cancel(handle)).toBe(false);
      expect(heap.update(handle, 5)).toBe(false);
      expect(heap.size).toBe(1);
    },
  );

  it('moves an updated item behind those that have its new priority', () => {
    const heap = make();
    const first = heap.push(1, 1);
    heap.push(5, 2);
    heap.push(5, 3);
    expect(heap.update(first, 5)).toBe(true);
    expect(heap.size).toBe(3);
    expect(drain(heap)).toEqual([2, 3, 1]);
  });

  it('refuses NaN with a typed error and stays as it was', () => {
    const heap = make();
    const handle = heap.push(1, 1);
    expect(() => heap.push(Number.NaN, 2)).toThrow(InvalidPriorityError);
    expect(() => heap.push(undefined as unknown as number, 2)).toThrow(InvalidPriorityError);
    expect(() => heap.update(handle, Number.NaN)).toThrow(InvalidPriorityError);
    expect(() => heap.pushMany(Float64Array.of(1, Number.NaN), Float64Array.of(8, 9))).toThrow(InvalidPriorityError);
    expect(drain(heap)).toEqual([1]);
  });

  it('treats −0 as 0 and orders infinities', () => {
    const heap = make();
    heap.push(-0, 1);
    heap.push(0, 2);
    heap.push(Number.NEGATIVE_INFINITY, 3);
    heap.push(Number.POSITIVE_INFINITY, 4);
    expect(heap.pop()).toBe(4);
    expect(heap.pop()).toBe(1);
    expect(Object.is(heap.lastPriority, 0)).toBe(true);
    expect(drain(heap)).toEqual([2, 3]);
  });

  it('pushes and pops in batches, and stops at the capacity', () => {
    const heap = make(3);
    const handles = new Float64Array(5);
    expect(heap.pushMany(Float64Array.of(1, 4, 2, 9, 8), Float64Array.of(10, 40, 20, 90, 80), handles)).toBe(3);
    expect(handles[3]).toBe(0);
    expect(heap.cancel(handles[2] as number)).toBe(true);
    const priorities = new Float64Array(4);
    const values = new Float64Array(4);
    expect(heap.popMany(priorities, values)).toBe(2);
    expect([...priorities]).toEqual([4, 1, 0, 0]);
    expect([...values]).toEqual([40, 10, 0, 0]);
  });

  it('refuses arrays that are too short', () => {
    const heap = make();
    expect(() => heap.pushMany(new Float64Array(3), new Float64Array(2))).toThrow(InvalidOptionError);
    expect(() => heap.pushMany(new Float64Array(3), new Float64Array(3), new Float64Array(2))).toThrow(
      InvalidOptionError,
    );
    expect(() => heap.popMany([] as unknown as Float64Array, new Float64Array(1))).toThrow(InvalidOptionError);
    expect(heap.size).toBe(0);
  });

  it.each([0, -1, 1.5, Number.NaN, HEAP_CAPACITY_MAX + 1])('refuses a capacity of %d', (capacity) => {
    expect(() => createPriorityHeap({ capacity, core })).toThrow(InvalidOptionError);
  });

  it('stays ordered through the compactions that many updates and cancels cause', () => {
    const heap = make(1000);
    const handles = Array.from({ length: 1000 }, (_, value) => heap.push(value % 10, value));
    for (let round = 1; round <= 5; round++) {
      for (const handle of handles) heap.update(handle, round);
    }
    for (let value = 0; value < 1000; value += 2) heap.cancel(handles[value] as number);
    expect(heap.size).toBe(500);
    expect(drain(heap)).toEqual(Array.from({ length: 500 }, (_, i) => 2 * i + 1));
  });
});
