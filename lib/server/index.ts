export { requireKeysBeyondLoopback } from './api-keys.js';
export { createServer } from './create-server.js';
export type { LogOptions, ServerOptions } from './options.js';
