/**
 * Virtual token counters: the tenant that was served least goes first. The default share.
 *
 * Intent: tenants that always have work get equal weighted tokens, without knowing output lengths in advance.
 * Counter v of a tenant, weighted tokens: at a grant v += w_p · prompt tokens (of a function: its weight); per generated token v += w_q. w_p = 1, w_q = 2.
 * A tenant that comes back is lifted, so that it cannot save up: v ← max(v, least v among waiting tenants), or, when nobody
 * waits, max(v, v of the tenant that left the queue last).
 * Bound: two tenants that wait throughout differ by at most 2 · max(w_p · L_in, w_q · M) plus what one step or tick produces
 * (L_in longest prompt, M tokens that all slots hold), since use arrives batched.
 * Cost: O(log tenants) per grant and per step and tenant. Memory: 8 bytes a tenant. Not for: pools where requests and not tokens
 * are the cost. Source: docs/policies.md, "vtc" (Sheng et al., OSDI 2024).
 */
import type { Share } from './policy.js';

export interface VtcOptions {
  /** w_p, charged per prompt token. Default 1. */
  promptWeight?: number;
  /** w_q, charged per generated token. Default 2. */
  outputWeight?: number;
}

export function vtc(options: VtcOptions = {}): Share {
  const promptWeight = options.promptWeight ?? 1;
  const outputWeight = options.outputWeight ?? 2;
  let counters = new Float64Array(16);
  let lastEmptied = -1;
  /** The counter of the tenant that left last, when it has been forgotten since. */
  let lastCounter = 0;

  const add = (tenant: number, amount: number): boolean => {
    if (amount === 0) return false;
    ensure(tenant);
    counters[tenant]! += amount;
    return true;
  };
  const ensure = (tenant: number) => {
    if (tenant < counters.length) return;
    const wider = new Float64Array(Math.max(counters.length * 2, tenant + 1));
    wider.set(counters);
    counters = wider;
  };

  return {
    name: 'vtc',
    parameters: { promptWeight, outputWeight },
    key: (tenant) => counters[tenant] ?? 0,
    activated: (tenant, floor) => {
      ensure(tenant);
      const lifted = Math.max(counters[tenant]!, floor ?? counters[lastEmptied] ?? lastCounter);
      if (lifted === counters[tenant]) return false;
      counters[tenant] = lifted;
      return true;
    },
    emptied: (tenant) => {
      lastEmptied = tenant;
    },
    granted: (tenant, work) => add(tenant, promptWeight * work),
    used: (tenant, outputTokens) => add(tenant, outputWeight * outputTokens),
    forgotten: (tenant) => {
      if (tenant === lastEmptied) {
        lastCounter = counters[tenant]!;
        lastEmptied = -1;
      }
      if (tenant < counters.length) counters[tenant] = 0;
    },
  };
}
