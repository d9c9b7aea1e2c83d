/**
 * What the scheduler is told. One flat record for every kind, so that events cost no allocation and one shape of code;
 * the fields that a kind uses are listed in {@link EVENT_FIELDS}, the others keep whatever they held.
 */

export const EventKind = {
  /** A task enters. Answered by exactly one `admitted` or `refused` command. */
  submit: 1,
  /** The size of a submitted task is known now. */
  sized: 2,
  /** One engine step's work, for several tasks at once. */
  progress: 3,
  /** A task ended where it ran, or was turned down before it ran. */
  ended: 4,
  /** Its caller does not want it any more. */
  cancel: 5,
  /** Its reader is slow: hold it. */
  pause: 6,
  resume: 7,
  /** The instant that the last `wakeAt` asked for. */
  timer: 8,
  /** Bring a model up. */
  launch: 9,
  /** A model's engine says what a load takes. */
  estimated: 10,
  /** A model's engine takes work. */
  ready: 11,
  /** A model's engine is gone. */
  down: 12,
  /** A probe saw this much free memory in a pool. */
  observed: 13,
} as const;

export type EventKind = (typeof EventKind)[keyof typeof EventKind];

export const EVENT_NAMES: Readonly<Record<EventKind, string>> = {
  1: 'submit',
  2: 'sized',
  3: 'progress',
  4: 'ended',
  5: 'cancel',
  6: 'pause',
  7: 'resume',
  8: 'timer',
  9: 'launch',
  10: 'estimated',
  11: 'ready',
  12: 'down',
  13: 'observed',
};

export class SchedulerEvent {
  kind: EventKind = EventKind.timer;
  /** Task index (sized, ended, cancel, pause, resume). */
  task = 0;
  /** Model index. */
  model = 0;
  /** Tenant index. */
  tenant = 0;
  /** Class index. */
  classIndex = 1;
  /** Finite, higher is more urgent. */
  priority = 0;
  /** Session number, 0 for none. */
  session = 0;
  /** Prompt length; -1 while unknown. */
  promptTokens = -1;
  /** Most tokens that may be generated. */
  outputLimit = 0;
  /** Absolute instant, Infinity for none. */
  deadlineMs = Number.POSITIVE_INFINITY;
  /** Declared service time in seconds; NaN lets the predictor estimate. */
  serviceSeconds = Number.NaN;
  /** Resource demand as one number; NaN means prompt + output tokens. */
  size = Number.NaN;
  /** Outcome index (ended). */
  outcome = 0;
  /** Tokens that stay in the slot (ended). */
  heldTokens = 0;
  /** Prompt tokens found in the slot (ended). */
  cachedTokens = 0;
  /** Pool index (observed). */
  pool = 0;
  /** Bytes (estimated; ready: what probes see of the load; observed: free, NaN for unknown). */
  bytes = 0;
  /** Slots (ready). */
  sequences = 0;
  /** Seconds per prefilled token, NaN when not measured (ready). */
  secondsPerPromptToken = Number.NaN;
  /** Seconds per decode step, NaN when not measured (ready). */
  secondsPerStep = Number.NaN;
  /** 1: do not start it again (down). */
  fatal = 0;
  /** Entries used in the arrays below (progress). */
  count = 0;
  tasks: ArrayLike<number> = [];
  prefilled: ArrayLike<number> = [];
  generated: ArrayLike<number> = [];
}

type NumberField = {
  [K in keyof SchedulerEvent]: SchedulerEvent[K] extends number ? K : never;
}[keyof SchedulerEvent];

/** The fields that each kind reads, in the order in which the log writes them. `progress` adds its three arrays. */
export const EVENT_FIELDS: Readonly<Record<EventKind, readonly NumberField[]>> = {
  1: [
    'model',
    'tenant',
    'classIndex',
    'priority',
    'session',
    'promptTokens',
    'outputLimit',
    'deadlineMs',
    'serviceSeconds',
    'size',
  ],
  2: ['task', 'promptTokens'],
  3: ['model', 'count'],
  4: ['task', 'outcome', 'heldTokens', 'cachedTokens'],
  5: ['task'],
  6: ['task'],
  7: ['task'],
  8: [],
  9: ['model'],
  10: ['model', 'bytes'],
  11: ['model', 'bytes', 'sequences', 'secondsPerPromptToken', 'secondsPerStep'],
  12: ['model', 'fatal'],
  13: ['pool', 'bytes'],
};
