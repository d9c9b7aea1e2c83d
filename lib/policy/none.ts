/**
 * No share: one queue for all tenants.
 *
 * Intent: one user, or tenants that trust each other. Bound: none between tenants. Cost: nothing.
 * Not for: tenants that compete. Source: docs/policies.md, "none".
 */
import type { Share } from './policy.js';

export function none(): Share {
  return {
    name: 'none',
    parameters: {},
    single: true,
    key: () => 0,
    activated: () => false,
    emptied: () => {},
    granted: () => false,
    used: () => false,
    forgotten: () => {},
  };
}
