/** The compiled priority heap (one lock) against its TypeScript twin, on one thread. */
import { loadProduct } from '../product.js';
import type { Contender, Suite } from '../suite.js';
import type { HeapRunInput } from './heap-lock-run.js';

const FILE = new URL('./heap-lock-run.js', import.meta.url);

export const TYPESCRIPT = 'TypeScript twin';
export const NATIVE = 'native, mutex';

export function workloadName(items: number, batch: number): string {
  return `${items.toLocaleString('en-US')} waiting, ${batch === 1 ? 'single calls' : `batches of ${batch}`}`;
}

export const suite: Suite = {
  name: 'heap-lock',
  description: 'the compiled priority heap with its mutex against its TypeScript twin, one thread',
  operation:
    'One operation pops the first item and pushes it back with a priority that is lower by an exponential draw, so that as many items wait as ' +
    'before; in batches, one call pops 64 and one pushes 64. Filling the heap and warming up are excluded. Lower is better.',
  async run(context) {
    const { nativeStatus } = await loadProduct<typeof import('../../lib/base/index.js')>('base/index.js');
    const { core, reason } = nativeStatus();
    const sizes = context.smoke ? [200] : [1_000, 100_000];
    for (const items of sizes) {
      for (const batch of [1, 64]) {
        if (core !== 'native') {
          context.skip(workloadName(items, batch), `there is no compiled heap here: ${reason}`);
          continue;
        }
        const contender = (name: string, core: HeapRunInput['core']): Contender => ({
          name,
          file: FILE,
          input: { core, items, batch, seed: context.seed, timeMs: context.smoke ? 20 : 500 } satisfies HeapRunInput,
        });
        await context.compare(workloadName(items, batch), [
          contender(TYPESCRIPT, 'typescript'),
          contender(NATIVE, 'native'),
        ]);
      }
    }
  },
};
