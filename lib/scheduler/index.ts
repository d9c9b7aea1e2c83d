export type { Blocker, Holder, Shortage } from './blocker.js';
export * from './config.js';
export * from './config-line.js';
export * from './decide.js';
export * from './explain.js';
export type { Ahead, NextInLine } from './line.js';
export * from './model-state.js';
// Types alone: the replay itself is imported where it is wanted, since it brings the schema library along.
export type * from './replay.js';
export * from './rule.js';
export { isStarted } from './settle.js';
export * from './state.js';
