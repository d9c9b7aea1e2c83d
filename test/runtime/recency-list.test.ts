import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RecencyList } from '../../lib/runtime/recency-list.js';

it('gives numbers out in the order in which they were pushed, whatever was taken out in between', () => {
  const action = fc.record({ kind: fc.constantFrom('push', 'remove', 'shift'), number: fc.nat(20) });
  fc.assert(
    fc.property(fc.array(action), (actions) => {
      const list = new RecencyList();
      const model: number[] = [];
      for (const { kind, number } of actions) {
        const at = model.indexOf(number);
        if (kind === 'push' && at < 0) {
          list.push(number);
          model.push(number);
        } else if (kind === 'remove') {
          expect(list.remove(number)).toBe(at >= 0);
          if (at >= 0) model.splice(at, 1);
        } else if (kind === 'shift') {
          expect(list.shift()).toBe(model.shift());
        }
        expect(list.size).toBe(model.length);
      }
    }),
  );
});
