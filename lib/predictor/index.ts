export * from './service-time.js';
