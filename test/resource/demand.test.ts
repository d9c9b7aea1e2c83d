import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boundBucket, DemandShapes, makeDemand, roundUp, sumOfDemands } from '../../lib/resource/index.js';

describe('rounding a demand', () => {
  const amount = fc.double({ min: 1e-9, max: 1e15, noNaN: true });

  it('never asks for less, nor for more than an eighth too much', () => {
    fc.assert(
      fc.property(amount, (value) => {
        const rounded = roundUp(value);
        expect(rounded).toBeGreaterThanOrEqual(value);
        expect(rounded).toBeLessThanOrEqual(value * 1.125);
        expect(roundUp(rounded)).toBe(rounded);
      }),
    );
  });

  it('is exact for whole numbers to 16, and knows eight amounts between a power of two and the next', () => {
    for (let value = 1; value <= 16; value++) expect(roundUp(value)).toBe(value);
    const levels = new Set(Array.from({ length: 1_024 }, (_, index) => roundUp(1_024 + index + 1)));
    expect([...levels]).toEqual([1_152, 1_280, 1_408, 1_536, 1_664, 1_792, 1_920, 2_048]);
  });

  it('puts a bound into the power of two that it does not exceed', () => {
    expect([0, 1, 2, 3, 4, 5, 1_024, 1_025, 2 ** 31 - 1].map(boundBucket)).toEqual([0, 1, 2, 3, 3, 4, 11, 12, 32]);
  });
});

describe('shapes', () => {
  it('are shared by demands that round to the same, and differ by class and bound', () => {
    const shapes = new DemandShapes(8, () => false);
    const [a, b] = [makeDemand([1, 2], [17, 1]), makeDemand([1, 2], [18, 1])];
    expect(shapes.of(a, 1, 0)).toBe(shapes.of(b, 1, 0));
    expect(shapes.of(a, 1, 0).amounts).toEqual([18, 1]);
    expect(shapes.of(a, 2, 0)).not.toBe(shapes.of(a, 1, 0));
    expect(shapes.of(a, 1, 100)).not.toBe(shapes.of(a, 1, 0));
    expect(shapes.of(a, 1, 100)).toBe(shapes.of(b, 1, 127));
  });

  it('of which nobody waits are given up for others; when all are in use there is one for the rest', () => {
    const busy = new Set<number>();
    const shapes = new DemandShapes(2, (index) => !busy.has(index));
    const demands = [1, 2, 3, 4].map((amount) => makeDemand([1], [amount]));
    const first = shapes.of(demands[0]!, 1, 0);
    busy.add(first.index);
    const second = shapes.of(demands[1]!, 1, 0);
    const secondIndex = second.index;
    const third = shapes.of(demands[2]!, 1, 0);
    expect([third.index, second.index]).toEqual([secondIndex, -1]);
    busy.add(third.index);
    const rest = shapes.of(demands[3]!, 1, 0);
    expect(rest.isCatchAll).toBe(true);
    expect(shapes.of(demands[1]!, 1, 0)).toBe(rest);
    busy.delete(first.index);
    expect(shapes.of(demands[1]!, 1, 0).isCatchAll).toBe(false);
  });
});

it('adds demands up pool by pool', () => {
  const sum = sumOfDemands([makeDemand([2, 5], [1, 3]), makeDemand([1, 2], [4, 0.5])]);
  expect([sum.pools, sum.amounts]).toEqual([
    [1, 2, 5],
    [4, 1.5, 3],
  ]);
});
