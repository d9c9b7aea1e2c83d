export * from './command-buffer.js';
export * from './command-digest.js';
export { LOGGED_FORMS, type LoggedForm } from './event-row.js';
export * from './log-lines.js';
export * from './log-ring.js';
export * from './log-writer.js';
export * from './scheduler-event.js';
