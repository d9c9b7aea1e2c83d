/** The life of models as commands and events tell it: phases, memory, restarts, slots. */
import type { ModelPhase, SchedulerConfig, SchedulerState } from '../../../lib/scheduler/index.js';
import { broken } from './broken-invariant.js';
import type { SeenTask } from './seen-task.js';

const LAUNCHES_MAX = 3;

export class SeenModel {
  phase: ModelPhase = 'idle';
  deaths = 0;
  wasReady = false;
  restartAtMs = Number.POSITIVE_INFINITY;
  reservedBytes = 0;
  residentBytes = 0;
  /** By slot. */
  tasks: (SeenTask | undefined)[] = [];
  heldTokens: number[] = [];
  heldSessions: number[] = [];
  usedMs: number[] = [];
  secondsPerPromptToken = 0.002;
  secondsPerOutputToken = 0.02;
  meanOutputTokens = 128;

  /** Service time in seconds before it is limited to what is believed. */
  estimate(promptTokens: number, outputLimit: number): number {
    const output = Math.min(outputLimit, this.meanOutputTokens);
    return promptTokens * this.secondsPerPromptToken + output * this.secondsPerOutputToken;
  }

  completed(outputTokens: number): void {
    this.meanOutputTokens += (outputTokens - this.meanOutputTokens) / 16;
  }

  resetSlots(slots: number): void {
    this.tasks = new Array(slots).fill(undefined);
    this.heldTokens = new Array(slots).fill(0);
    this.heldSessions = new Array(slots).fill(0);
    this.usedMs = new Array(slots).fill(0);
  }

  /** Is `slot` as good as any for a task of this session? */
  isBestSlot(slot: number, session: number): boolean {
    if (this.tasks[slot] !== undefined) return false;
    const holdsSession = (other: number) =>
      session !== 0 && this.heldTokens[other]! > 0 && this.heldSessions[other] === session;
    if (holdsSession(slot)) return true;
    for (let other = 0; other < this.tasks.length; other++) {
      if (this.tasks[other] !== undefined || other === slot) continue;
      if (holdsSession(other)) return false;
      if (this.heldTokens[slot]! > 0 && (this.heldTokens[other] === 0 || this.#spentMs(other) < this.#spentMs(slot)))
        return false;
    }
    return true;
  }

  /** When what a slot holds counts as unused: named sessions (positive numbers) five minutes later than others. */
  #spentMs(slot: number): number {
    const isNamed = this.heldSessions[slot]! > 0;
    return isNamed ? this.usedMs[slot]! + 5 * 60 * 1_000 : this.usedMs[slot]!;
  }
}

export class SeenModels {
  readonly all: SeenModel[];
  observedBytes = Number.NaN;
  readonly #config: SchedulerConfig;

  constructor(config: SchedulerConfig) {
    this.#config = config;
    this.all = config.models.map(() => new SeenModel());
  }

  get leasedBytes(): number {
    let sum = 0;
    for (const { reservedBytes, residentBytes } of this.all) sum += reservedBytes + residentBytes;
    return sum;
  }

  get reservedBytes(): number {
    let sum = 0;
    for (const { reservedBytes } of this.all) sum += reservedBytes;
    return sum;
  }

  get admissibleBytes(): number {
    const { capacityBytes, marginBytes } = this.#config.memory;
    const left = Math.min(capacityBytes - this.leasedBytes, this.observedBytes - this.reservedBytes);
    return Math.max(0, left - marginBytes);
  }

  /** `launch` or `load` was ordered: the lease must fit first. */
  lease(index: number, bytes: number, phase: ModelPhase): void {
    if (!(bytes <= this.admissibleBytes)) {
      broken('no load without memory', `model ${index} takes ${bytes} of ${this.admissibleBytes} bytes`);
    }
    this.all[index]!.reservedBytes += bytes;
    this.all[index]!.phase = phase;
    this.all[index]!.restartAtMs = Number.POSITIVE_INFINITY;
  }

  refused(index: number, needed: number, free: number, leased: number, nowMs: number): void {
    const model = this.all[index]!;
    const held = model.reservedBytes + model.residentBytes;
    model.reservedBytes = 0;
    model.residentBytes = 0;
    // The figures are those without the engine itself, which has given back what it held.
    if (held + needed <= this.admissibleBytes)
      broken('a load that fits is not refused', `model ${index} needs ${needed} bytes`);
    if (!Object.is(free, this.admissibleBytes) || leased !== this.leasedBytes) {
      broken('a refused load says the figures', `${free} free and ${leased} leased`);
    }
    const isBesideLoad = this.all.some(
      (other) => other !== model && (other.phase === 'launching' || other.phase === 'loading'),
    );
    if (model.wasReady || isBesideLoad) this.#waitToRestart(model, nowMs);
    else model.phase = 'failed';
  }

  ready(
    index: number,
    sequences: number,
    bytes: number,
    secondsPerPromptToken: number,
    secondsPerStep: number,
  ): boolean {
    const model = this.all[index]!;
    if (model.phase !== 'loading') return false;
    const visible = Math.min(bytes, model.reservedBytes);
    model.residentBytes += visible;
    model.reservedBytes -= visible;
    model.phase = 'ready';
    model.wasReady = true;
    if (secondsPerPromptToken > 0) model.secondsPerPromptToken = secondsPerPromptToken;
    if (secondsPerStep > 0) model.secondsPerOutputToken = secondsPerStep;
    model.resetSlots(sequences);
    return true;
  }

  /** @returns false when it had been given up before */
  down(index: number, isFatal: boolean, nowMs: number): boolean {
    const model = this.all[index]!;
    if (model.phase === 'failed') return false;
    model.reservedBytes = 0;
    model.residentBytes = 0;
    model.resetSlots(0);
    if (isFatal || (!model.wasReady && model.deaths + 1 >= LAUNCHES_MAX)) model.phase = 'failed';
    else this.#waitToRestart(model, nowMs);
    return true;
  }

  /** Between two decisions. */
  check(state: SchedulerState): void {
    for (let index = 0; index < this.all.length; index++) {
      const seen = this.all[index]!;
      const model = state.models[index]!;
      if (model.phase !== seen.phase || (seen.phase === 'waiting' && model.restartAtMs !== seen.restartAtMs)) {
        broken(
          'a model lives as its events say',
          `model ${index} is ${model.phase} until ${model.restartAtMs}, not ${seen.phase} until ${seen.restartAtMs}`,
        );
      }
      if (model.lease.bytes !== seen.reservedBytes + seen.residentBytes) {
        broken('memory leased is what the models hold', `model ${index} holds ${model.lease.bytes}`);
      }
    }
    if (this.all.length === 0) return;
    if (state.memory.leased !== this.leasedBytes || state.memory.unmaterialised !== this.reservedBytes) {
      broken(
        'memory leased is what the models hold',
        `${state.memory.leased} leased, ${state.memory.unmaterialised} not visible`,
      );
    }
  }

  #waitToRestart(model: SeenModel, nowMs: number): void {
    const { restartMsMin, restartMsMax } = this.#config;
    model.phase = 'waiting';
    model.restartAtMs = nowMs + Math.min(restartMsMax, restartMsMin * 2 ** model.deaths);
    model.deaths++;
  }
}
