export * from './broken-invariant.js';
export * from './watched-commands.js';
export * from './witness.js';
