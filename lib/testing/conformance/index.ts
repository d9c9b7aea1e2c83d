export { type CheckName, CONFORMANCE_CHECKS, type ConformanceCheck } from './check.js';
export * from './conformance.js';
