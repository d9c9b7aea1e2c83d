export * from './aged.js';
export * from './by-name.js';
export * from './fcfs.js';
export * from './none.js';
export type * from './policy.js';
export * from './priority.js';
export * from './seed.js';
export * from './vtc.js';
