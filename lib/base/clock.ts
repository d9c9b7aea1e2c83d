/** The only source of time for drivers. Deciders never see a clock: they are handed `nowMs`. */
export interface Clock {
  /** Monotonic milliseconds with a fraction, from an arbitrary origin. */
  nowMs(): number;
}

/** The process's monotonic clock. */
export const monotonicClock: Clock = {
  nowMs: () => performance.now(),
};
