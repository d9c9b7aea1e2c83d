/** Base class of every error that agentyard throws or rejects with, and the concrete classes. */

const BRAND = Symbol.for('agentyard.error');

export interface ErrorDetails {
  /** What caused this error, when another error did. */
  cause?: unknown;
  /** May the same call succeed when it is simply repeated? Default false. */
  retryable?: boolean;
  /** How long to wait before repeating it, in milliseconds, when known. */
  retryAfterMs?: number;
}

/**
 * Root of the hierarchy. `code` is stable across versions, `message` is for people and may change.
 * Numbers that appear in a message are also fields of the concrete class.
 * Branded by `Symbol.for`, so two copies of the package recognise each other's errors: use {@link isAgentyardError}.
 */
export class AgentyardError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = details.retryable ?? false;
    this.retryAfterMs = details.retryAfterMs;
  }
}

// On the prototype: a task that is cancelled among fifty thousand others should not pay for it.
Object.defineProperty(AgentyardError.prototype, BRAND, { value: true });

/** Is `value` an error of any copy of this package? */
export function isAgentyardError(value: unknown): value is AgentyardError {
  return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[BRAND] === true;
}

/** An option (command line, `Yard`, environment) is unknown or out of range. */
export class InvalidOptionError extends AgentyardError {
  readonly option: string;
  readonly suggestion: string | undefined;

  constructor(option: string, message: string, suggestion?: string) {
    super('AY_INVALID_OPTION', suggestion === undefined ? message : `${message} Did you mean "${suggestion}"?`);
    this.option = option;
    this.suggestion = suggestion;
  }
}

/** A request body or argument is malformed, or asks for what is not supported. `param` names the field. */
export class InvalidRequestError extends AgentyardError {
  readonly param: string | undefined;

  constructor(message: string, param?: string) {
    super('AY_INVALID_REQUEST', message);
    this.param = param;
  }
}

/** No model of that name is served. */
export class UnknownModelError extends AgentyardError {
  readonly model: string;
  readonly known: readonly string[];

  constructor(model: string, known: readonly string[], suggestion?: string) {
    super(
      'AY_UNKNOWN_MODEL',
      `Model "${model}" is not served here; served: ${known.length === 0 ? 'none' : known.join(', ')}.` +
        (suggestion === undefined ? '' : ` Did you mean "${suggestion}"?`),
    );
    this.model = model;
    this.known = known;
  }
}

/** The prompt alone does not fit into a sequence's context. */
export class PromptTooLongError extends AgentyardError {
  readonly promptTokens: number;
  readonly contextTokens: number;
  /** True when `promptTokens` is a lower bound, of a prompt too long to be worth counting. */
  readonly isLowerBound: boolean;

  /** @param isLowerBound - the prompt is so long that its tokens were not counted: it has at least `promptTokens` */
  constructor(promptTokens: number, contextTokens: number, isLowerBound = false) {
    super(
      'AY_PROMPT_TOO_LONG',
      `The prompt has ${isLowerBound ? 'at least ' : ''}${promptTokens} tokens; a sequence of this model holds ${contextTokens}, and at least one is needed for the answer. ` +
        'Shorten the prompt, or start the model with a larger context.',
    );
    this.promptTokens = promptTokens;
    this.contextTokens = contextTokens;
    this.isLowerBound = isLowerBound;
  }
}

/** The queue is at its limit, of tasks or of their work in all (`unit` says which): refused at admission. */
export class QueueFullError extends AgentyardError {
  readonly queued: number;
  readonly limit: number;
  readonly unit: 'tasks' | 'work';

  /** @param unit - what is counted: waiting tasks, or their work (tokens of model tasks, weights of functions) */
  constructor(queued: number, limit: number, retryAfterMs: number, unit: 'tasks' | 'work' = 'tasks') {
    const what = unit === 'tasks' ? 'waiting tasks' : 'units of waiting work';
    super('AY_QUEUE_FULL', `The queue holds ${queued} of at most ${limit} ${what}. Try again later.`, {
      retryable: true,
      retryAfterMs,
    });
    this.queued = queued;
    this.limit = limit;
    this.unit = unit;
  }
}

/** The task waited longer than its class may wait. */
export class QueueTimeoutError extends AgentyardError {
  readonly waitMs: number;

  constructor(waitMs: number) {
    super(
      'AY_QUEUE_TIMEOUT',
      `The task waited ${Math.round(waitMs)} ms without being started, the longest its class may wait.`,
      {
        retryable: true,
      },
    );
    this.waitMs = waitMs;
  }
}

/** The task's deadline cannot be met any more, or could not be met from the start. */
export class DeadlineError extends AgentyardError {
  constructor(message: string) {
    super('AY_DEADLINE', message);
  }
}

/** The demand can never be met by this machine. */
export class DemandTooLargeError extends AgentyardError {
  readonly pool: string;
  readonly demand: number;
  readonly capacity: number;

  constructor(pool: string, demand: number, capacity: number) {
    super('AY_DEMAND_TOO_LARGE', `The task asks for ${demand} of pool "${pool}", which holds ${capacity} in all.`);
    this.pool = pool;
    this.demand = demand;
    this.capacity = capacity;
  }
}

/** The caller cancelled the task. `cause` is the signal's reason. */
export class CancelledError extends AgentyardError {
  constructor(reason?: unknown) {
    super('AY_CANCELLED', 'The task was cancelled by its caller.', reason === undefined ? {} : { cause: reason });
  }
}

/** The task ran longer than its own `timeoutMs`. Its function may still run: it was told by `ctx.signal`. */
export class TaskTimeoutError extends AgentyardError {
  readonly timeoutMs: number;

  constructor(timeoutMs: number) {
    super('AY_TASK_TIMEOUT', `The task was ended because it ran longer than its time-out of ${timeoutMs} ms.`);
    this.timeoutMs = timeoutMs;
  }
}

/** The run that the task belongs to has no budget left for it. */
export class OverBudgetError extends AgentyardError {
  constructor() {
    super('AY_OVER_BUDGET', 'The task was refused: the budget of an ancestor has no room for its weight.');
  }
}

/** The task has too many generations of parents, which looks like a run that calls itself without end. */
export class TooDeepError extends AgentyardError {
  readonly maxDepth: number;

  constructor(maxDepth: number) {
    super(
      'AY_TOO_DEEP',
      `The task was refused: it would be more than ${maxDepth} generations below its first ancestor.`,
    );
    this.maxDepth = maxDepth;
  }
}

/** Another member of the task's gang was refused or ended before the gang could start together. */
export class GangBrokenError extends AgentyardError {
  constructor() {
    super(
      'AY_GANG_BROKEN',
      'The task was cancelled: its gang starts together or not at all, and another member of it ended before.',
    );
  }
}

/** The task's parent ended without success, so nobody needs the task any more. */
export class ParentEndedError extends AgentyardError {
  constructor() {
    super('AY_PARENT_ENDED', 'The task was cancelled: its parent ended without success.');
  }
}

/** A stream's buffer was full and nobody read it for too long. */
export class UnreadStreamError extends AgentyardError {
  readonly unreadMs: number;

  constructor(unreadMs: number) {
    super(
      'AY_STREAM_UNREAD',
      `The stream's buffer was full and was not read for ${Math.round(unreadMs)} ms, so its slot was given back. Read the stream, or leave it with break or return().`,
    );
    this.unreadMs = unreadMs;
  }
}

/** The engine process ended while it worked on the task. */
export class EngineDiedError extends AgentyardError {
  readonly model: string;
  readonly exitCode: number | undefined;
  readonly exitSignal: string | undefined;

  /** @param said - what the process said last, when it ended before it was ready */
  constructor(model: string, exitCode: number | undefined, exitSignal: string | undefined, said?: string) {
    super(
      'AY_ENGINE_DIED',
      `The engine of model "${model}" ended (${exitSignal ?? `exit code ${exitCode ?? 'unknown'}`}) while it worked on this task. It is being started again; repeat the request.${said === undefined ? '' : ` It said: ${said}`}`,
      { retryable: true },
    );
    this.model = model;
    this.exitCode = exitCode;
    this.exitSignal = exitSignal;
  }
}

/** The engine could not do what the task asked (the native library reported an error). */
export class EngineError extends AgentyardError {
  constructor(message: string, cause?: unknown) {
    super('AY_ENGINE_FAILED', message, cause === undefined ? {} : { cause });
  }
}

/** node-llama-cpp is not installed, or its binary does not load here. */
export class EngineUnavailableError extends AgentyardError {
  constructor(message: string, cause?: unknown) {
    super('AY_ENGINE_UNAVAILABLE', message, cause === undefined ? {} : { cause });
  }
}

/** The file is not a GGUF model that can be loaded safely. `key` names the missing or wrong key, when one is to blame. */
export class InvalidGgufError extends AgentyardError {
  readonly file: string;
  readonly key: string | undefined;

  constructor(file: string, message: string, key?: string) {
    super('AY_INVALID_GGUF', `"${file}": ${message}`);
    this.file = file;
    this.key = key;
  }
}

/** A load does not fit into a memory pool. All figures are bytes. */
export class InsufficientMemoryError extends AgentyardError {
  readonly device: string;
  readonly neededBytes: number;
  readonly freeBytes: number;
  readonly reservedBytes: number;

  constructor(what: string, device: string, neededBytes: number, freeBytes: number, reservedBytes: number) {
    const gib = (bytes: number) => (Number.isNaN(bytes) ? 'an unknown amount' : `${(bytes / 2 ** 30).toFixed(2)} GiB`);
    super(
      'AY_INSUFFICIENT_MEMORY',
      `${what} needs ${gib(neededBytes)} on ${device}; ${gib(freeBytes)} are free after margins, ${gib(reservedBytes)} are reserved. ` +
        'Lower the context or the number of sequences, or free memory.',
      { retryable: true },
    );
    this.device = device;
    this.neededBytes = neededBytes;
    this.freeBytes = freeBytes;
    this.reservedBytes = reservedBytes;
  }
}

/** The yard was closed before or while the call was made. */
export class ClosedError extends AgentyardError {
  constructor() {
    super('AY_CLOSED', 'The yard is closed; it accepts no new work.');
  }
}

/** `AGENTYARD_CORE=native` asks for the compiled core, and it cannot be loaded. */
export class NativeUnavailableError extends AgentyardError {
  constructor(reason: string) {
    super(
      'AY_NATIVE_UNAVAILABLE',
      `AGENTYARD_CORE=native asks for the compiled core, which cannot be used: ${reason}. ` +
        'Install a C++ compiler and run the set-up again, or unset AGENTYARD_CORE to use the TypeScript core.',
    );
  }
}

/** A priority of the shared heap is not a number. */
export class InvalidPriorityError extends AgentyardError {
  constructor(priority: unknown) {
    super('AY_INVALID_PRIORITY', `A priority is a number other than NaN; got ${String(priority)}.`);
  }
}

/**
 * Makes an error that the scheduler itself hands out. It has no stack: the stack would show the scheduler's own timers and loops, and
 * taking it is most of an error's cost.
 */
export function stackless<E extends Error>(make: () => E): E {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** A line of an event log is not what docs/event-log.md says. Lines are counted from 1. */
export class InvalidEventLogError extends AgentyardError {
  readonly line: number;
  readonly expected: string;
  readonly got: string;

  constructor(line: number, expected: string, got: string) {
    super('AY_INVALID_EVENT_LOG', `Line ${line} of the event log: expected ${expected}; got ${got}.`);
    this.line = line;
    this.expected = expected;
    this.got = got;
  }
}

/** A broken promise of our own code: please report it. */
export class InvariantError extends AgentyardError {
  constructor(reason: string) {
    super('AY_INVARIANT', `Broken invariant: ${reason}. This is a bug in agentyard.`);
  }
}

/** Throws {@link InvariantError} when `condition` is false; stays on in production. */
export function invariant(condition: unknown, reason: string): asserts condition {
  if (!condition) throw new InvariantError(reason);
}
