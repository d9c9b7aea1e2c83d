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
  /** What a number for a demand stands for from now on. No live task may still use the number for something else. */
  declare: 14,
  /** A waiting task's priority is another one. */
  reprioritise: 15,
  /** A running task's backend wants more of a pool. Answered by exactly one `grew`. */
  grow: 16,
  /** A pool's capacity is another one. May be less than what is leased: then nothing is granted there until enough came back. */
  resize: 17,
  /** Nothing is granted until `open`. */
  shut: 18,
  open: 19,
  /** A tenant without tasks is forgotten; its number may be given to another. */
  forget: 20,
  /** A function awaits children: what it holds of pools may go to others. No effect where it cannot be given back. */
  giveBack: 21,
  /** It wants it again. Answered by one `proceed`, now or when it is its turn, unless it ends before. */
  takeAgain: 22,
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
  14: 'declare',
  15: 'reprioritise',
  16: 'grow',
  17: 'resize',
  18: 'shut',
  19: 'open',
  20: 'forget',
  21: 'giveBack',
  22: 'takeAgain',
};

export class SchedulerEvent {
  kind: EventKind = EventKind.timer;
  /** Task index (sized, ended, cancel, pause, resume, reprioritise, grow, giveBack, takeAgain). */
  task = 0;
  /** Model index; -1 for a function. */
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
  /** Work as one number (the weight of a function): charged to shares and budgets. NaN means prompt + output tokens. */
  size = Number.NaN;
  /** Demand number (submit, declare); -1: one slot of the task's model. */
  demand = -1;
  /** Declared upper bound of the service time, whole ms; 0 for none. */
  boundMs = 0;
  /** Longest run from its start, whole ms; 0 for no limit. */
  timeoutMs = 0;
  /** How often it may be started at most, 1…255; 0 means the configured number. */
  maxAttempts = 0;
  /** Task index of the parent; -1 for none. */
  parent = -1;
  /** Work that the task's descendants may have in all; Infinity for no limit of its own. */
  budget = Number.POSITIVE_INFINITY;
  /** Number of its group, of which only some run at a time; 0 for none. */
  group = 0;
  /** Number of the gang that starts together; 0 for none. */
  gang = 0;
  /** Members of the gang in all. */
  gangSize = 0;
  /** Outcome index (ended). */
  outcome = 0;
  /** After a failure: try again after so many ms if attempts and retry budget allow; NaN: do not (ended). */
  retryInMs = Number.NaN;
  /** Tokens that stay in the slot (ended). */
  heldTokens = 0;
  /** Prompt tokens found in the slot (ended). */
  cachedTokens = 0;
  /** Pool index (observed, grow, resize). */
  pool = 0;
  /** In the pool's own unit: more of it (grow), its new capacity (resize). */
  amount = 0;
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
  /** Entries used in the arrays below (progress, declare). */
  count = 0;
  /** Pool indices, ascending, and amounts > 0 (declare). */
  pools: ArrayLike<number> = [];
  amounts: ArrayLike<number> = [];
  /** Tasks, prompt tokens read, tokens generated (progress). */
  tasks: ArrayLike<number> = [];
  prefilled: ArrayLike<number> = [];
  generated: ArrayLike<number> = [];
}

type NumberField = {
  [K in keyof SchedulerEvent]: SchedulerEvent[K] extends number ? K : never;
}[keyof SchedulerEvent];

type ArrayField = {
  [K in keyof SchedulerEvent]: SchedulerEvent[K] extends ArrayLike<number> ? K : never;
}[keyof SchedulerEvent];

/** The fields that each kind reads, in the order in which the log writes them; then the arrays of EVENT_ARRAYS, entry by entry. */
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
    'demand',
    'boundMs',
    'timeoutMs',
    'maxAttempts',
    'parent',
    'budget',
    'group',
    'gang',
    'gangSize',
  ],
  2: ['task', 'promptTokens'],
  3: ['model', 'count'],
  4: ['task', 'outcome', 'heldTokens', 'cachedTokens', 'retryInMs'],
  5: ['task'],
  6: ['task'],
  7: ['task'],
  8: [],
  9: ['model'],
  10: ['model', 'bytes'],
  11: ['model', 'bytes', 'sequences', 'secondsPerPromptToken', 'secondsPerStep'],
  12: ['model', 'fatal'],
  13: ['pool', 'bytes'],
  14: ['demand', 'count'],
  15: ['task', 'priority'],
  16: ['task', 'pool', 'amount'],
  17: ['pool', 'amount'],
  18: [],
  19: [],
  20: ['tenant'],
  21: ['task'],
  22: ['task'],
};

/** Arrays with `count` entries that a kind reads besides its fields. */
export const EVENT_ARRAYS: Readonly<Partial<Record<EventKind, readonly ArrayField[]>>> = {
  3: ['tasks', 'prefilled', 'generated'],
  14: ['pools', 'amounts'],
};
