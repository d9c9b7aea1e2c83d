/** What `Yard.why` answers: an explanation with names instead of indices and times from now instead of instants. */
import type { Blocker, StartEstimate } from '../scheduler/index.js';

/** A task by the names that people know. */
export interface WhyTask {
  readonly id: string;
  readonly tenant: string;
}

/** Replaces what the scheduler counts with by what people say: task indices, instants, and indices of pools and models. */
type Named<B> = B extends unknown
  ? {
      readonly [K in keyof B as Renamed<K>]: K extends 'task' | 'next'
        ? WhyTask
        : K extends 'inside'
          ? readonly WhyTask[]
          : K extends 'holders'
            ? readonly (WhyTask & { readonly amount: number })[]
            : K extends 'pool' | 'model'
              ? string
              : B[K];
    }
  : never;

type Renamed<K> = K extends keyof typeof FROM_NOW ? (typeof FROM_NOW)[K] : K;

/** Instants, and what they are called as a time from now (`sinceMs`: until now). */
export const FROM_NOW = {
  untilMs: 'inMs',
  freeFromMs: 'freeInMs',
  restartAtMs: 'restartInMs',
  startMs: 'startInMs',
  sinceMs: 'forMs',
} as const;

/** What keeps a waiting task from starting. Amounts are in the pools' own units, times in ms. */
export type WhyBlocker = Named<Blocker>;

/** A task that waits. */
export interface WaitingWhy extends WhyTask {
  /** `submitted`: it may not be granted yet, and its blockers say why. `queued`: it is in line. */
  readonly state: 'submitted' | 'queued';
  /** All of this in one line. */
  readonly text: string;
  readonly waitMs: number;
  /** How often it was started before. */
  readonly attempts: number;
  /** With {@link AddAllOptions.together}: the task that waits for what all of them need; undefined for that one and any other. */
  readonly leader: WhyTask | undefined;
  /** Empty: nothing any more; it starts when the scheduler looks again. */
  readonly blockers: readonly WhyBlocker[];
  /**
   * Whose turn it would be if what the task lacks had just become free, perhaps its own, by which rule of precedence; without `starts`
   * that one lacks more, and what became free would be held for it.
   */
  readonly next: (WhyTask & { readonly rule: string; readonly starts: boolean }) | undefined;
  /** Tasks of its own tenant that go first, and tenants that were served less and have something waiting. */
  readonly ahead: { readonly ofTenant: number; readonly tenants: number } | undefined;
  /** The nearest ancestor that holds what it waits for: if that one waits for it in turn, neither may ever go on. */
  readonly heldByAncestor: WhyTask | undefined;
  /** It has reserved what it needs. */
  readonly reservation: { readonly forMs: number; readonly startInMs: number | undefined } | undefined;
  /** When it may start, and how that is known. Undefined when nothing is. */
  readonly estimate: { readonly startInMs: number; readonly basis: StartEstimate['basis'] } | undefined;
}

/** A task that was started and has not let go yet: `awaiting` children without a lease, `settled` when its outcome is out. */
export interface RunningWhy extends WhyTask {
  readonly state: 'granted' | 'running' | 'paused' | 'awaiting' | 'settled';
  /** All of this in one line. */
  readonly text: string;
  /** What it waited before its last start. */
  readonly waitMs: number;
  /** Since its last start. */
  readonly runMs: number;
  readonly attempts: number;
  /** By pool name, in the pools' own units. */
  readonly holds: Readonly<Record<string, number>>;
}

export type Why = WaitingWhy | RunningWhy;

/** Without its line of text. */
export type UntoldWhy = Omit<WaitingWhy, 'text'> | Omit<RunningWhy, 'text'>;
