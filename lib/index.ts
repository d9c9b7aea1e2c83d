/** agentyard: schedules LLM work in Node.js. The public API of the library. */
export * from './base/errors.js';
export { nativeStatus } from './base/native.js';
export { ensureStandIn } from './memory/index.js';
export type { ChatMessage, FinishReason, Usage } from './runtime/backend.js';
export type * from './runtime/service.js';
export { Yard } from './yard.js';
export type { ModelOptions, YardOptions } from './yard-options.js';
