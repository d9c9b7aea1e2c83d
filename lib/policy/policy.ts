/**
 * The two-level policy port. A share chooses the tenant, an order chooses inside it; `vtc` with `aged` is one of each.
 *
 * Implementations are pure: no clock, no randomness, no I/O. They read tasks through the table's columns, because a task in
 * the core is an index and not an object.
 */
import type { TaskTable } from '../task/index.js';

/** Urgency weight in half-lives: log2 R = class step + priority, clamped by the scheduler. */
export type UrgencyOf = (task: number) => number;

export type Parameters = Readonly<Record<string, number>>;

export interface Order {
  readonly name: string;
  /** What it was made with, so that an event log can make it again. */
  readonly parameters: Parameters;
  /**
   * May the order of two waiting tasks change with time? `static`: never. `kinetic`: only between lanes, where `score` decides.
   */
  readonly keyKind: 'static' | 'kinetic';
  /** Priorities count in full; else within a spread, so that overtaking is bounded. */
  readonly isStrict?: true;
  /** Key inside the task's lane, larger runs first. Read once, when the task is queued. */
  key(tasks: TaskTable, task: number, urgency: number): number;
  /** Lane of the task, 0…63; tasks of one lane never change their order. Absent: one lane. */
  lane?(tasks: TaskTable, task: number): number;
  /** Compares heads of different lanes at `nowMs`, larger runs first. Absent: the key. */
  score?(tasks: TaskTable, task: number, nowMs: number): number;
}

export interface Share {
  readonly name: string;
  /** What it was made with, so that an event log can make it again. */
  readonly parameters: Parameters;
  /** One queue for all tenants; `key` is not asked. */
  readonly single?: true;
  /** Smaller is served first. */
  key(tenant: number): number;
  /**
   * A tenant's first waiting task arrives. `floor` is the smallest key among tenants that wait, undefined when none does.
   * @returns true when the tenant's key changed
   */
  activated(tenant: number, floor: number | undefined): boolean;
  /** A tenant's last waiting task left the queue. */
  emptied(tenant: number): void;
  /**
   * A task of the tenant was granted.
   * @param work - what it costs to begin with: prompt tokens of a model task, the weight of a function
   * @returns true when its key changed
   */
  granted(tenant: number, work: number): boolean;
  /** A task of the tenant produced tokens. @returns true when its key changed */
  used(tenant: number, outputTokens: number): boolean;
  /** The tenant has no tasks and its number may be given to another. */
  forgotten(tenant: number): void;
}
