export type { DemandPool } from './demands.js';
export type { FunctionContext } from './function-context.js';
export type { FunctionObservers } from './function-tasks.js';
export { Functions, type FunctionsOptions } from './functions.js';
export type * from './types.js';
