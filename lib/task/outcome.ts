/** How a task ended. Few, for metrics; the error that a caller sees says more. */
export const Outcome = {
  completed: 0,
  failed: 1,
  cancelled: 2,
  refused: 3,
  expired: 4,
} as const;

export type Outcome = (typeof Outcome)[keyof typeof Outcome];

export const OUTCOME_NAMES = ['completed', 'failed', 'cancelled', 'refused', 'expired'] as const;
export type OutcomeName = (typeof OUTCOME_NAMES)[number];

/** Why the core itself ended a task; the runtime turns it into the caller's error. */
export const Reason = {
  /** The backend or the caller said so; whoever did holds the error. */
  reported: 0,
  queueFull: 1,
  deadlineInfeasible: 2,
  deadlinePassed: 3,
  queueTimeout: 4,
  unread: 5,
  backendDied: 6,
  backendFailed: 7,
  /** The demand is larger than the pool's whole capacity. */
  tooLarge: 8,
  /** It ran longer than its own time-out. */
  timedOut: 9,
  /** Its class has as much work waiting as it may. */
  workFull: 10,
  /** Its run has no budget left for it. */
  overBudget: 11,
  /** Too many generations of parents. */
  tooDeep: 12,
  /** Another member of its gang ended before the gang could start. */
  gangBroken: 13,
  /** Its parent ended without success. */
  parentEnded: 14,
} as const;

export type Reason = (typeof Reason)[keyof typeof Reason];
