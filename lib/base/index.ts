export * from './agent-errors.js';
export * from './clock.js';
export * from './errors.js';
export * from './native.js';
export * from './nearest.js';
export * from './random.js';
