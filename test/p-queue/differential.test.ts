/** Random programs: the class and the package do the same, step by step. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type AnyQueue, type Contender, contenders, counts, type QueueOptions, settle } from './contenders.js';

type Step =
  | {
      do: 'add';
      priority: number;
      lastsMs: number;
      fails: boolean;
      isNamed: boolean;
      aborts: boolean;
      timeoutMs: number;
    }
  | { do: 'wait'; ms: number }
  | { do: 'pause' | 'start' | 'clear' | 'abort' }
  | { do: 'resize'; concurrency: number }
  | { do: 'setPriority'; which: number; priority: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      priority: fc.integer({ min: -1, max: 2 }),
      lastsMs: fc.integer({ min: 0, max: 15 }).map((half) => 2 * half),
      fails: fc.boolean(),
      isNamed: fc.boolean(),
      aborts: fc.boolean(),
      // Odd, so that no task ends at the instant of its own time-out.
      timeoutMs: fc.constantFrom(0, 0, 0, 7, 23),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('pause', 'start', 'start', 'clear', 'abort') }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('resize' as const), concurrency: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('setPriority' as const),
      which: fc.nat(40),
      priority: fc.integer({ min: -1, max: 3 }),
    }),
  },
) as fc.Arbitrary<Step>;

/** What an observer sees: who starts when, how each ends, and the counts after each step. */
async function run({ PQueue }: Contender, options: QueueOptions, steps: readonly Step[]): Promise<string[]> {
  const seen: string[] = [];
  const beginMs = Date.now();
  const now = () => Date.now() - beginMs;
  const queue = new PQueue(options) as AnyQueue;
  let controller = new AbortController();
  let added = 0;
  const note = (text: string) => seen.push(`@${now()} ${text}`);
  const add = ({ priority, lastsMs, fails, isNamed, aborts, timeoutMs }: Step & { do: 'add' }) => {
    const name = `t${added++}`;
    const work = () => {
      note(`${name} starts`);
      return new Promise<string>((resolve, reject) => {
        const end = () => (fails ? reject(new Error('no')) : resolve(name));
        if (lastsMs === 0) end();
        else setTimeout(end, lastsMs);
      });
    };
    queue
      .add(work, {
        priority,
        ...(isNamed && { id: name }),
        ...(aborts && { signal: controller.signal }),
        ...(timeoutMs > 0 && { timeout: timeoutMs }),
      })
      .then(
        () => note(`${name} ends`),
        (error: Error) => note(`${name} fails with ${error.name}`),
      );
  };
  for (const step of steps) {
    if (step.do === 'add') add(step);
    else if (step.do === 'wait') await vi.advanceTimersByTimeAsync(step.ms);
    else if (step.do === 'resize') queue.concurrency = step.concurrency;
    else if (step.do === 'abort') {
      controller.abort();
      controller = new AbortController();
    } else if (step.do === 'setPriority') {
      try {
        queue.setPriority(`t${step.which}`, step.priority);
      } catch (error) {
        note((error as Error).name);
      }
    } else queue[step.do]();
    await settle();
    note(`${step.do} ${counts(queue)} ${queue.isPaused} ${queue.sizeBy({ priority: 1 })}`);
  }
  queue.start();
  await vi.advanceTimersByTimeAsync(5_000);
  await settle();
  note(counts(queue));
  return seen;
}

/** What happens at one instant between two steps: starts in their order, then ends by name, since microtasks may come in any order. */
function canonical(lines: readonly string[]): string[] {
  const result: string[] = [];
  let ends: string[] = [];
  for (const [index, line] of lines.entries()) {
    const isEnd = / (ends|fails)/.test(line);
    if (isEnd) ends.push(line);
    else result.push(line);
    const next = lines[index + 1];
    const goesOn = next !== undefined && next.split(' ')[0] === line.split(' ')[0] && / t\d+ /.test(next);
    if (goesOn) continue;
    result.push(...ends.sort());
    ends = [];
  }
  return result;
}

describe('the same program', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it.each<QueueOptions>([{ concurrency: 1 }, { concurrency: 2 }, { concurrency: 3, autoStart: false }, {}])(
    'has the same course with %o',
    async (options) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
          const [theirs, ours] = [await run(contenders[0]!, options, steps), await run(contenders[1]!, options, steps)];
          expect(canonical(ours)).toEqual(canonical(theirs));
        }),
        { numRuns: 60, seed: 20_261_124 },
      );
    },
  );

  it('is told apart when it is not the same', async () => {
    const steps: Step[] = [
      { do: 'add', priority: 0, lastsMs: 1, fails: false, isNamed: false, aborts: false, timeoutMs: 0 },
    ];
    const [first, second] = [
      await run(contenders[1]!, { concurrency: 1 }, steps),
      await run(contenders[1]!, { concurrency: 1, autoStart: false }, steps),
    ];
    expect(first).not.toEqual(second);
  });
});
