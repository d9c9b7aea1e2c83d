/** `agentyard/testing`: fake models, a virtual clock, a yard over both, and a conformance kit for anybody's agent. */
export {
  type CheckName,
  CONFORMANCE_CHECKS,
  type ConformanceCheck,
  type ConformanceOptions,
  type ConformanceReport,
  conformance,
  describeConformance,
  type TestRunner,
} from './conformance/index.js';
export type { FakeAnswer } from './fake-answer.js';
export { FakeModel, type FakeModelOptions, type ModelRequest } from './fake-model.js';
export { type HashedEmbedderOptions, hashedEmbedder, hashedVector } from './hashed-embedder.js';
export {
  type AnswerFunction,
  obligingAnswer,
  type ScriptedAnswer,
  type ScriptedModelOptions,
  scriptedModel,
  toolCall,
  whenAsked,
} from './scripted-model.js';
export { createTestYard, type TestYardOptions } from './test-yard.js';
export { type RunLimit, VirtualClock, type VirtualClockOptions, virtualClock } from './virtual-clock.js';
