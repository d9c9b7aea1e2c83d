export * from './answer-stream.js';
export type * from './backend.js';
export * from './runtime.js';
export type * from './service.js';
export * from './session.js';
export * from './task-entry.js';
export * from './tenant-names.js';
