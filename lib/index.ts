/** agentyard: schedules LLM work in Node.js. The public API of the library. */
export {
  type Agent,
  type AgentChatRequest,
  type AgentContext,
  type AgentDefinition,
  type AgentDirectory,
  type AgentInput,
  type AgentOutput,
  type AgentSchema,
  type AgentService,
  type AnyAgent,
  type ChildOptions,
  defineAgent,
  type EmbedOptions,
  type JsonSchema,
  type ObjectRequest,
  type PerInput,
  type Progress,
  type ReuseLimits,
  type RunBudget,
  type RunOptions,
  structured,
  withJsonSchema,
} from './agents/index.js';
export * from './base/agent-errors.js';
export * from './base/errors.js';
export { nativeStatus } from './base/native.js';
export type {
  AddAllOptions,
  AddOptions,
  ResultsOf,
  RetryOptions,
  TaskContext,
  TaskFunction,
  TaskInfo,
} from './dispatch/function/index.js';
export { ensureStandIn, ensureStandInEmbedder } from './memory/index.js';
export type {
  ChatMessage,
  FinishReason,
  SavedSessionInfo,
  SavedSessionStats,
  ToolCall,
  Usage,
} from './runtime/backend.js';
export { replay, replayFile } from './runtime/replay-log.js';
export type * from './runtime/service.js';
export type { RunningWhy, WaitingWhy, Why, WhyBlocker, WhyTask } from './runtime/why.js';
export type { PolicyOverrides } from './scheduler/read-config.js';
export type { Divergence, ReplayResult } from './scheduler/replay.js';
export { Yard } from './yard.js';
export type { YardEventName, YardEvents, YardListener } from './yard-events.js';
export type { ModelOptions, WindowOptions, YardOptions } from './yard-options.js';
