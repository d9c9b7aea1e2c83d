export * from './demand.js';
export * from './ledger.js';
export * from './memory-lease.js';
export * from './pool.js';
export * from './window-pool.js';
