import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OLDEST_FIRST_EVERY, StepPlanner } from '../../lib/scheduler/step-planner.js';

function planOf(planner: StepPlanner): [slot: number, readTokens: number][] {
  planner.plan();
  return Array.from({ length: planner.count }, (_, i) => [planner.slots[i]!, planner.readTokens[i]!]);
}

describe('a plan', () => {
  it('advances every generating slot and reads one chunk, in ascending slot order', () => {
    const planner = new StepPlanner(4, 64);
    planner.begin(3, 1, 0);
    planner.begin(0, 1, 0);
    planner.read(3, 1);
    planner.read(0, 1);
    planner.begin(1, 500, 0);
    expect(planOf(planner)).toEqual([
      [0, 0],
      [1, 64],
      [3, 0],
    ]);
  });

  it('reads the most urgent prompt first, then the earliest, and shares what is left of the chunk', () => {
    const planner = new StepPlanner(4, 64);
    planner.begin(0, 100, 1);
    planner.begin(1, 100, 1);
    planner.begin(2, 20, 5);
    expect(planOf(planner)).toEqual([
      [0, 44],
      [2, 20],
    ]);
  });

  it('reads the oldest prompt in one chunk of eight, however many more urgent ones come', () => {
    const planner = new StepPlanner(2, 64);
    planner.begin(0, 128, 0);
    const readers: number[] = [];
    for (let step = 0; step < 2 * OLDEST_FIRST_EVERY; step++) {
      planner.begin(1, 64, 10);
      for (const [slot, tokens] of planOf(planner)) {
        if (tokens > 0) readers.push(slot);
        planner.read(slot, tokens);
      }
      planner.end(1);
    }
    expect(OLDEST_FIRST_EVERY).toBe(8);
    expect(readers).toEqual([1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 0]);
  });

  it('reads the odd piece of a long prompt first, then whole tiles, and does not begin a tile that does not fit', () => {
    const planner = new StepPlanner(2, 64, 64);
    planner.begin(0, 140, 0);
    planner.begin(1, 128, 0);
    const plans: [number, number][][] = [];
    for (let step = 0; step < 5; step++) {
      const plan = planOf(planner).filter(([, tokens]) => tokens > 0);
      plans.push(plan);
      for (const [slot, tokens] of plan) planner.read(slot, tokens);
    }
    expect(plans).toEqual([[[0, 12]], [[0, 64]], [[0, 64]], [[1, 64]], [[1, 64]]]);
  });

  it('fills what is left of a chunk with the odd piece of the next prompt', () => {
    const planner = new StepPlanner(2, 128, 64);
    planner.begin(0, 30, 1);
    planner.begin(1, 200, 0);
    expect(planOf(planner)).toEqual([
      [0, 30],
      [1, 72],
    ]);
  });

  it('goes on reading when the chunk becomes smaller than a tile', () => {
    const planner = new StepPlanner(1, 128, 64);
    planner.begin(0, 192, 0);
    planner.chunkTokens = 32;
    expect(planOf(planner)).toEqual([[0, 32]]);
  });

  it('leaves held slots alone and takes them up again', () => {
    const planner = new StepPlanner(2, 64);
    planner.begin(0, 10, 0);
    planner.read(0, 10);
    planner.hold(0);
    expect(planOf(planner)).toEqual([]);
    planner.proceed(0);
    expect(planOf(planner)).toEqual([[0, 0]]);
    planner.end(0);
    expect(planOf(planner)).toEqual([]);
  });
});

it('reads every prompt to its end, never exceeds a chunk, leaves whole tiles, and names each slot once, ascending', () => {
  const task = fc.record({ tokens: fc.integer({ min: 1, max: 400 }), rank: fc.integer({ min: -3, max: 3 }) });
  const chunkAndTile = fc.tuple(fc.integer({ min: 1, max: 128 }), fc.integer({ min: 1, max: 64 }));
  fc.assert(
    fc.property(fc.array(task, { minLength: 1, maxLength: 8 }), chunkAndTile, (tasks, [chunk, wantedTile]) => {
      const planner = new StepPlanner(tasks.length, chunk, wantedTile);
      const tile = Math.min(wantedTile, chunk);
      for (const [slot, { tokens, rank }] of tasks.entries()) planner.begin(slot, tokens, rank);
      const left = tasks.map(({ tokens }) => tokens);
      // Every step reads a tile, or the odd piece or the end of a prompt. With tiles of 1 no chunk but the last is left unfilled.
      const total = left.reduce((sum, tokens) => sum + tokens, 0);
      const stepsMax =
        tile === 1 ? Math.ceil(total / chunk) : left.reduce((sum, tokens) => sum + Math.ceil(tokens / tile) + 1, 0);
      let steps = 0;
      while (left.some((tokens) => tokens > 0)) {
        const plan = planOf(planner);
        const slots = plan.map(([slot]) => slot);
        expect(slots).toEqual([...new Set(slots)].sort((a, b) => a - b));
        expect(plan.reduce((sum, [, tokens]) => sum + tokens, 0)).toBeLessThanOrEqual(chunk);
        for (const [slot, tokens] of plan) {
          if (tokens === 0) continue;
          left[slot]! -= tokens;
          expect(left[slot]! % tile).toBe(0);
          planner.read(slot, tokens);
        }
        steps++;
        expect(steps).toBeLessThanOrEqual(stepsMax);
      }
    }),
  );
});
