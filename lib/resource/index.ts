export * from './demand-shape.js';
export * from './ledger.js';
export * from './pool.js';
