import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_TENANT, DEFAULT_TENANT_INDEX, OTHERS, TenantNames } from '../../lib/runtime/tenant-names.js';

describe('tenant names', () => {
  it('have a number each, up to the limit', () => {
    const names = new TenantNames(3, () => {});
    const numbers = ['a', 'b', 'c'].map((name) => names.retain(name));
    expect(new Set(numbers).size).toBe(3);
    expect(names.retain('a')).toBe(numbers[0]);
    expect(names.retain(DEFAULT_TENANT)).toBe(DEFAULT_TENANT_INDEX);
    expect(names.retain('d')).toBe(names.retain(OTHERS));
    expect(names.size).toBe(3);
  });

  it('give the number of whoever had no task for longest to the next', () => {
    const forgotten: number[] = [];
    const names = new TenantNames(2, (index) => forgotten.push(index));
    const [a, b] = [names.retain('a'), names.retain('b')];
    names.release(b);
    names.release(a);
    expect(names.retain('c')).toBe(b);
    expect(names.retain('a')).toBe(a);
    expect(forgotten).toEqual([b]);
    expect(names.retain('b')).toBe(names.retain(OTHERS));
  });

  it('never share a number while both have tasks, unless it is that of the others', () => {
    const action = fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd', 'e'), release: fc.boolean() });
    fc.assert(
      fc.property(fc.array(action), (actions) => {
        const names = new TenantNames(3, (index) => expect([...held.values()].flat()).not.toContain(index));
        const held = new Map<string, number[]>();
        for (const { name, release } of actions) {
          const own = held.get(name) ?? [];
          held.set(name, own);
          if (release) {
            const index = own.pop();
            if (index !== undefined) names.release(index);
            continue;
          }
          const index = names.retain(name);
          own.push(index);
          if (index === 0) continue;
          for (const [other, indices] of held) if (other !== name) expect(indices).not.toContain(index);
        }
      }),
    );
  });

  it('are remembered in bounded memory, a million of them one after the other', () => {
    const names = new TenantNames(100, () => {});
    for (let i = 0; i < 1_000_000; i++) names.release(names.retain(`tenant ${i}`));
    expect(names.size).toBe(100);
  });
});
