/** The built-in agents: factories that take options and return an agent. See docs/built-in-agents.md. */
export * from './answers/index.js';
export * from './classification/index.js';
export * from './conversation/index.js';
export * from './extraction/index.js';
export * from './recommendation/index.js';
export * from './sentiment/index.js';
export * from './summary/index.js';
export { type Preparation, preparationOf } from './text/taught.js';
export * from './translation/index.js';
