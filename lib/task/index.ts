export * from './outcome.js';
export * from './task-class.js';
export * from './task-state.js';
export * from './task-table.js';
