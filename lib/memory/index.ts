export * from './estimate.js';
export * from './gguf.js';
export * from './host.js';
export * from './margin.js';
export * from './stand-in.js';
export * from './stand-in-embedder.js';
