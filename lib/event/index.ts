export * from './command-buffer.js';
export * from './log-ring.js';
export * from './scheduler-event.js';
