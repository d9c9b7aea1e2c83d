import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ThreadGovernor } from '../../lib/dispatch/engine/thread-governor.js';

const STEP_MS = 30;

/** A machine on which a step of 30 ms is done with `threads` threads while others keep `busyCpus` of its CPUs busy. */
class Machine {
  nowMs = 0;
  busyCpus = 0;
  /** How much more work a step has than at calibration. */
  work = 1;
  readonly governor: ThreadGovernor;
  readonly #cpus: number;

  constructor(cpus: number, threads = cpus) {
    this.#cpus = cpus;
    this.governor = new ThreadGovernor(cpus, threads, 0);
  }

  /** As measured: threads that have to wait for a CPU make a step ten times as long, unless there is only one. */
  step(): number {
    const { threads } = this.governor;
    const waits = threads > 1 && threads > this.#cpus - this.busyCpus;
    const stepMs = ((STEP_MS * this.work * this.#cpus) / threads) * (waits ? 10 : 1);
    this.nowMs += stepMs;
    this.governor.observe(stepMs, STEP_MS, this.nowMs);
    this.governor.rise(this.#cpus - this.busyCpus, this.nowMs);
    return stepMs;
  }

  run(forMs: number): void {
    for (const endMs = this.nowMs + forMs; this.nowMs < endMs; ) this.step();
  }
}

describe('the number of threads', () => {
  it('stays at all while steps cost what they should, more or less', () => {
    const machine = new Machine(2);
    for (let step = 0; step < 200; step++) {
      machine.work = step % 7 === 0 ? 1.8 : 1;
      machine.step();
      expect(machine.governor.threads).toBe(2);
    }
  });

  it('is not led astray by one slow step, nor by contexts that grow', () => {
    const machine = new Machine(2);
    machine.work = 5;
    machine.step();
    for (machine.work = 1; machine.work < 3; machine.work *= 1.005) {
      machine.step();
      expect(machine.governor.threads).toBe(2);
    }
  });

  it('falls to one within two steps beside a process that takes a CPU, and comes back a second after its end', () => {
    const machine = new Machine(2);
    machine.run(1_000);
    machine.busyCpus = 1;
    machine.step();
    machine.step();
    expect(machine.governor.threads).toBe(1);
    machine.run(20_000);
    expect(machine.governor.threads).toBe(1);
    machine.busyCpus = 0;
    machine.step();
    machine.step();
    expect(machine.governor.threads).toBe(2);
  });

  it('finds its level on a larger machine', () => {
    const machine = new Machine(16);
    machine.run(1_000);
    machine.busyCpus = 6;
    machine.run(5_000);
    expect(machine.governor.threads).toBeLessThanOrEqual(10);
    expect(machine.governor.threads).toBeGreaterThanOrEqual(7);
    machine.busyCpus = 0;
    machine.run(10_000);
    expect(machine.governor.threads).toBe(16);
  });

  it('begins with few where the calibration found the machine busy', () => {
    const machine = new Machine(2, 1);
    machine.busyCpus = 1;
    machine.run(5_000);
    expect(machine.governor.threads).toBe(1);
    machine.busyCpus = 0;
    machine.run(1_000);
    expect(machine.governor.threads).toBe(2);
  });

  it('tries less and less often where a look at the CPUs deceives', () => {
    const governor = new ThreadGovernor(2, 1, 0);
    const risesMs: number[] = [];
    for (let nowMs = 0; nowMs < 200_000; nowMs += 50) {
      governor.observe(governor.threads === 1 ? 50 : 500, 50, nowMs);
      if (governor.rise(2, nowMs)) risesMs.push(nowMs);
    }
    const gaps = risesMs.slice(1).map((ms, i) => ms - risesMs[i]!);
    for (const [i, gap] of gaps.slice(1).entries()) expect(gap).toBeGreaterThanOrEqual(gaps[i]!);
    expect(gaps.at(-1)).toBeGreaterThanOrEqual(60_000);
  });

  it('waits ten seconds where nothing is known of the CPUs', () => {
    const governor = new ThreadGovernor(2, 1, 0);
    expect(governor.rise(undefined, 9_999)).toBe(false);
    expect(governor.rise(undefined, 10_000)).toBe(true);
  });
});

it('is always from one to all, whatever steps cost', () => {
  const step = fc.record({
    stepMs: fc.double({ min: 0.01, max: 10_000, noNaN: true }),
    free: fc.option(fc.integer({ min: 0, max: 8 }), { nil: undefined }),
    laterMs: fc.integer({ min: 1, max: 30_000 }),
  });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.array(step, { maxLength: 200 }), (max, steps) => {
      const governor = new ThreadGovernor(max, max, 0);
      let nowMs = 0;
      for (const { stepMs, free, laterMs } of steps) {
        nowMs += laterMs;
        const before = governor.threads;
        const changed = governor.observe(stepMs, STEP_MS, nowMs) || governor.rise(free, nowMs);
        expect(changed).toBe(governor.threads !== before);
        expect(governor.threads).toBeGreaterThanOrEqual(1);
        expect(governor.threads).toBeLessThanOrEqual(max);
      }
    }),
  );
});
