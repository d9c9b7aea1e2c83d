export * from './config.js';
export * from './decide.js';
export * from './model-state.js';
export * from './state.js';
