import { describe, expect, it } from 'vitest';
import { Demands, IDLE_MAX } from '../../../lib/dispatch/function/demands.js';
import { GroupNames } from '../../../lib/dispatch/function/group-names.js';
import { readHostMemory } from '../../../lib/memory/index.js';
import { Runtime } from '../../../lib/runtime/index.js';
import { functionDemands, schedulerConfig } from '../../../lib/yard-config.js';
import type { YardOptions } from '../../../lib/yard-options.js';

function makeDemands(options: YardOptions): { demands: Demands; runtime: Runtime } {
  const config = schedulerConfig(options, readHostMemory());
  const runtime = new Runtime({ config, clock: { nowMs: () => 0 }, maxTenants: 1 });
  return { demands: new Demands(runtime, functionDemands(config), 0), runtime };
}

describe('demands', () => {
  it('that are equal share a number, however they are written', () => {
    const { demands } = makeDemands({ pools: { gpu: 4 } });
    expect(demands.retain({ gpu: 2 })).toBe(demands.retain({ slots: 1, gpu: 2 }));
    expect(demands.retain({ gpu: 2 })).not.toBe(demands.retain({ gpu: 3 }));
    expect(demands.retain({ gpu: 0 })).toBe(demands.standard);
  });

  it('are declared to the scheduler before they are used', () => {
    const { demands, runtime } = makeDemands({ pools: { gpu: 4 } });
    const number = demands.retain({ gpu: 2.5, slots: 0 });
    expect(runtime.state.demands[number]).toMatchObject({ pools: [2], amounts: [2.5] });
  });

  it('in any number take the numbers of those that nobody uses, and of no others', () => {
    const { demands, runtime } = makeDemands({ pools: { gpu: 1e6 } });
    const kept = demands.retain({ gpu: 7 });
    for (let i = 10; i < 20_000; i++) {
      const number = demands.retain({ gpu: i });
      expect(number).not.toBe(kept);
      demands.release(number);
    }
    expect(demands.size).toBeLessThanOrEqual(IDLE_MAX + 2);
    expect(runtime.state.demands[kept]!.amounts).toContain(7);
    expect(demands.retain({ gpu: 7 })).toBe(kept);
  });
});

describe('group names', () => {
  it('are forgotten with their last member, and their numbers used again', () => {
    const groups = new GroupNames();
    const a = groups.retain('a');
    expect(groups.retain('a')).toBe(a);
    const b = groups.retain('b');
    expect(b).not.toBe(a);
    groups.release(a);
    expect(groups.retain('c')).not.toBe(a);
    groups.release(a);
    expect(groups.retain('d')).toBe(a);
    expect(groups.size).toBe(3);
  });
});
