/**
 * A seeded load on the scheduler: everything that callers, functions and engines may do, in an order that nobody would think of, with a
 * witness that holds every decision against the design. It does only what the contract allows: it is the runtime's part that is played.
 *
 * The same scenario and seed give the same events, so a seed is a test case.
 */
import { Random } from '../../lib/base/random.js';
import { type CommandKind, EventKind, SchedulerEvent } from '../../lib/event/index.js';
import { decide, SchedulerState } from '../../lib/scheduler/index.js';
import { NONE, Outcome } from '../../lib/task/index.js';
import { checkInvariants } from './check-invariants.js';
import type { Scenario } from './load-scenarios.js';
import { WatchedCommands, Witness } from './witness/index.js';
import { Phase, type SeenTask } from './witness/seen-task.js';

const LIVE_MAX = 44;
const DEMANDS = 24;
const NEVER = Number.POSITIVE_INFINITY;

interface OpenGang {
  readonly number: number;
  readonly size: number;
  readonly tenant: number;
  readonly classIndex: number;
  sent: number;
}

export class RandomLoad {
  readonly scenario: Scenario;
  readonly state: SchedulerState;
  readonly witness: Witness;
  /** Events so far. */
  events = 0;
  /** Events after which at least as many tasks that may be granted had to wait as were running. */
  overloaded = 0;
  /** Hash of all commands so far. */
  digest = 0x811c9dc5;
  readonly #random: Random;
  readonly #commands = new WatchedCommands();
  readonly #event = new SchedulerEvent();
  readonly #gangs: OpenGang[] = [];
  readonly #double = new Float64Array(1);
  readonly #words = new Uint32Array(this.#double.buffer);
  /** Ledger index of the first pool of functions. */
  readonly #firstPool: number;
  readonly #poolNames: readonly string[];
  #nowMs = 1_000;
  #isBusy = true;
  #nextGang = 1;

  constructor(scenario: Scenario, seed: number) {
    this.scenario = scenario;
    this.#random = new Random(seed);
    const config = scenario.config(this.#random);
    this.witness = new Witness(
      config,
      scenario.fairnessBound === undefined ? {} : { fairnessBound: scenario.fairnessBound },
    );
    this.state = new SchedulerState(this.witness.config);
    this.witness.attach(this.state);
    this.#firstPool = 1 + config.models.length;
    this.#poolNames = [...config.pools, ...config.windows].map(({ name }) => name);
    this.#commands.watcher = (kind, a, b, c, d) => {
      this.#mix(kind, a, b, c, d);
      this.witness.command(kind, a, b, c, d);
    };
    for (let number = 0; number < DEMANDS; number++) this.#declare(config.models.length + number);
    if (config.models.length > 0) {
      this.#event.pool = 0;
      this.#event.bytes = config.memory.capacityBytes;
      this.#send(EventKind.observed);
    }
  }

  /** @throws BrokenInvariant */
  run(events: number): void {
    const until = this.events + events;
    while (this.events < until) this.#step();
  }

  /** Ends everything and sees that nothing is left. */
  drain(): void {
    const { live } = this.witness;
    for (const gang of this.#gangs.splice(0)) while (gang.sent < gang.size) this.#submitMember(gang);
    this.#send(EventKind.open);
    while (live.length > 0) {
      const task = live[this.#random.below(live.length)]!;
      this.#event.task = task.index;
      if (task.phase === Phase.waits) this.#send(EventKind.cancel);
      else this.#end(task, Outcome.completed);
    }
    this.witness.checkEmpty();
  }

  #step(): void {
    const random = this.#random;
    if (random.next() < 0.01) this.#isBusy = !this.#isBusy;
    const due = this.witness.wakeAtMs;
    if (this.#nowMs >= due ? random.next() < 0.7 : random.next() < 0.005) {
      this.#send(EventKind.timer);
      return;
    }
    const laterMs = this.#nowMs + this.#pauseMs();
    if (laterMs >= due && random.next() < 0.85) {
      // On time. Else it is late, and other events come first.
      this.#nowMs = Math.max(this.#nowMs, due);
      this.#send(EventKind.timer);
      return;
    }
    this.#nowMs = laterMs;
    this.#act();
    this.#countLoad();
  }

  #pauseMs(): number {
    const random = this.#random;
    const dice = random.next();
    if (dice < 0.4) return 0;
    if (dice < 0.8) return random.below(12);
    if (dice < 0.97) return random.below(90) + 0.5;
    return random.below(1_500);
  }

  #act(): void {
    const { habits } = this.scenario;
    const { live } = this.witness;
    const random = this.#random;
    const dice = random.next();
    if (this.#gangs.length > 0 && random.next() < 0.5) {
      this.#continueGang();
      return;
    }
    // Engines step more often than anything else happens.
    if (this.witness.config.models.length > 0 && random.next() < 0.4) {
      this.#actModel();
      return;
    }
    const submits = this.#isBusy ? 0.5 : 0.25;
    const ends = this.#isBusy ? 0.26 : 0.5;
    if (live.length === 0 || (dice < submits && live.length < LIVE_MAX)) this.#submit();
    else if (dice < submits + ends) this.#endSomething();
    else this.#doSomethingElse(habits);
  }

  #doSomethingElse(habits: Scenario['habits']): void {
    const random = this.#random;
    const { isShut } = this.witness;
    if (isShut && random.next() < 0.2) this.#send(EventKind.open);
    else if (random.next() < habits.aside) this.#giveBackOrTakeAgain();
    else if (random.next() < habits.shut * 4) this.#send(EventKind.shut);
    else if (random.next() < habits.cancel * 4) this.#about(this.#anyIndex(), EventKind.cancel);
    else if (random.next() < habits.reprioritise * 4) this.#reprioritise();
    else if (random.next() < habits.resize * 4) this.#resize();
    else if (random.next() < habits.grow * 4) this.#grow();
    else this.#doSomethingRare(random.below(20));
  }

  #doSomethingRare(dice: number): void {
    const random = this.#random;
    if (dice < 2) this.#forget();
    else if (dice < 4) this.#declare(this.witness.config.models.length + random.below(DEMANDS));
    else if (dice < 5) this.#send(EventKind.open);
    else if (dice < 8) this.#about(this.#anyIndex(), random.pick([EventKind.pause, EventKind.resume, EventKind.sized]));
    else this.#submitOrTimer();
  }

  #submitOrTimer(): void {
    if (this.witness.live.length < LIVE_MAX && this.#isBusy) this.#submit();
    else this.#send(EventKind.timer);
  }

  // --- submissions ---

  #submit(): void {
    const random = this.#random;
    const { habits } = this.scenario;
    this.#fillSubmission();
    const event = this.#event;
    if (random.next() < habits.gang && event.model === NONE) {
      const gang = {
        number: this.#nextGang++,
        size: 1 + random.below(4),
        tenant: event.tenant,
        classIndex: event.classIndex,
        sent: 0,
      };
      this.#gangs.push(gang);
      this.#continueGang();
      return;
    }
    if (random.next() < habits.child) this.#makeChild();
    if (random.next() < habits.child) event.budget = random.below(60);
    if (random.next() < habits.group && event.model === NONE) event.group = 1 + random.below(3);
    this.#send(EventKind.submit);
  }

  #fillSubmission(): void {
    const random = this.#random;
    const { habits, weights, tenants, classes } = this.scenario;
    const { config } = this.witness;
    const event = this.#event;
    const isForModel = random.next() < habits.model;
    event.model = isForModel ? random.below(config.models.length) : NONE;
    event.tenant = random.below(tenants);
    event.classIndex = random.pick(classes);
    event.priority = random.next() < 0.9 ? random.below(7) - 3 : random.below(31) - 15;
    event.session = random.below(7) - 3;
    event.promptTokens = isForModel ? (random.next() < 0.2 ? -1 : random.below(501)) : 0;
    event.outputLimit = isForModel ? 1 + random.below(100) : 0;
    event.deadlineMs = random.next() < habits.deadline ? this.#nowMs - 20 + random.below(4_000) : NEVER;
    event.serviceSeconds = random.next() < 0.5 ? Number.NaN : random.pick([0.01, 0.125, 0.5, 1, 3, 20, 900]);
    event.size = isForModel && random.next() < 0.8 ? Number.NaN : random.pick(weights);
    event.demand = isForModel ? NONE : config.models.length + random.below(DEMANDS);
    event.boundMs = random.next() < habits.bound ? 1 + random.below(600) : 0;
    event.timeoutMs = random.next() < habits.timeout ? 1 + random.below(500) : 0;
    event.maxAttempts = random.below(5);
    event.parent = NONE;
    event.budget = NEVER;
    event.group = 0;
    event.gang = 0;
    event.gangSize = 0;
  }

  #makeChild(): void {
    const event = this.#event;
    const index = this.#anyIndex();
    event.parent = index;
    const parent = this.witness.tasks[index];
    if (parent !== undefined) event.tenant = parent.tenant;
  }

  #continueGang(): void {
    const random = this.#random;
    const gang = random.pick(this.#gangs);
    if (gang.sent > 0 && random.next() < 0.02) {
      // Somebody stopped half-way.
      this.#gangs.splice(this.#gangs.indexOf(gang), 1);
      return;
    }
    this.#submitMember(gang);
    if (gang.sent === gang.size) this.#gangs.splice(this.#gangs.indexOf(gang), 1);
  }

  #submitMember(gang: OpenGang): void {
    const event = this.#event;
    this.#fillSubmission();
    event.model = NONE;
    event.demand = this.witness.config.models.length + this.#random.below(DEMANDS);
    event.promptTokens = 0;
    event.outputLimit = 0;
    event.size = this.#random.pick(this.scenario.weights);
    event.tenant = gang.tenant;
    event.classIndex = gang.classIndex;
    event.serviceSeconds = this.#random.pick([Number.NaN, 0.125, 1]);
    event.gang = gang.number;
    event.gangSize = gang.size;
    gang.sent++;
    this.#send(EventKind.submit);
  }

  // --- what happens to tasks ---

  #endSomething(): void {
    const random = this.#random;
    const task = this.#pick((candidate) => candidate.phase !== Phase.waits);
    if (task === undefined || random.next() < 0.02) {
      const index = this.#anyIndex();
      const waiting = this.witness.tasks[index];
      // One that waits is turned down; one that is gone leaves no trace.
      if (waiting === undefined || waiting.phase === Phase.waits)
        this.#endIndex(index, random.pick([Outcome.failed, Outcome.refused]));
      else this.#end(waiting, Outcome.completed);
      return;
    }
    const dice = random.next();
    this.#end(task, dice < 0.6 ? Outcome.completed : dice < 0.95 ? Outcome.failed : Outcome.cancelled);
  }

  #end(task: SeenTask, outcome: Outcome): void {
    this.#endIndex(task.index, outcome);
  }

  #endIndex(index: number, outcome: Outcome): void {
    const random = this.#random;
    const event = this.#event;
    // Only a function asks to be tried again: a model's answer that has begun cannot be.
    const isFunction = (this.witness.tasks[index]?.model ?? NONE) === NONE;
    event.task = index;
    event.outcome = outcome;
    event.heldTokens = random.next() < 0.5 ? random.below(200) : 0;
    event.cachedTokens = 0;
    const asksAgain = isFunction && random.next() < this.scenario.habits.retry;
    event.retryInMs = asksAgain ? random.pick([0, 0, 5, 80, 700]) : Number.NaN;
    this.#send(EventKind.ended);
  }

  #about(task: number, kind: EventKind): void {
    this.#event.task = task;
    this.#event.promptTokens = this.#random.below(501);
    this.#send(kind);
  }

  /** A function awaits a child, or a child has ended; now and then somebody else says so. */
  #giveBackOrTakeAgain(): void {
    const random = this.#random;
    const isAway = random.next() < 0.5;
    const task = this.#pick((candidate) => candidate.phase === (isAway ? Phase.away : Phase.leased));
    const index = task === undefined || random.next() < 0.05 ? this.#anyIndex() : task.index;
    this.#about(index, isAway ? EventKind.takeAgain : EventKind.giveBack);
  }

  #reprioritise(): void {
    this.#event.task = this.#anyIndex();
    this.#event.priority = this.#random.below(25) - 12;
    this.#send(EventKind.reprioritise);
  }

  #grow(): void {
    const random = this.#random;
    const event = this.#event;
    const at = random.below(this.#poolNames.length);
    event.task = this.#anyIndex();
    event.pool = this.#firstPool + at;
    event.amount = random.pick(this.scenario.amounts[this.#poolNames[at]!]!);
    this.#send(EventKind.grow);
  }

  #resize(): void {
    const at = this.#random.below(this.#poolNames.length);
    const capacities = this.scenario.capacities[this.#poolNames[at]!]!;
    if (capacities.length === 0) return;
    this.#event.pool = this.#firstPool + at;
    this.#event.amount = this.#random.pick(capacities);
    this.#send(EventKind.resize);
  }

  #forget(): void {
    const tenant = this.#random.below(this.scenario.tenants);
    for (const task of this.witness.live) if (task.tenant === tenant) return;
    this.#event.tenant = tenant;
    this.#send(EventKind.forget);
  }

  /** Binds a demand number anew, unless a live task uses it. */
  #declare(number: number): void {
    const random = this.#random;
    const used = this.witness.demands[number];
    for (const task of this.witness.live) if (task.demand === used) return;
    const event = this.#event;
    const pools: number[] = [];
    const amounts: number[] = [];
    for (let at = 0; at < this.#poolNames.length; at++) {
      const amount = random.pick(this.scenario.amounts[this.#poolNames[at]!]!);
      if (amount === 0) continue;
      pools.push(this.#firstPool + at);
      amounts.push(amount);
    }
    event.demand = number;
    event.count = pools.length;
    event.pools = pools;
    event.amounts = amounts;
    this.#send(EventKind.declare);
  }

  // --- engines ---

  #actModel(): void {
    const random = this.#random;
    const event = this.#event;
    event.model = random.below(this.witness.config.models.length);
    const seen = this.witness.models.all[event.model]!;
    if (random.next() < this.scenario.habits.death) {
      event.fatal = random.next() < 0.02 ? 1 : 0;
      this.#send(EventKind.down);
      return;
    }
    if (random.next() < 0.05) {
      event.pool = 0;
      event.bytes = random.next() < 0.1 ? Number.NaN : 300 + random.below(700);
      this.#send(EventKind.observed);
      return;
    }
    switch (seen.phase) {
      case 'idle':
        this.#send(EventKind.launch);
        return;
      case 'launching':
        event.bytes = 50 + random.below(650);
        this.#send(EventKind.estimated);
        return;
      case 'loading':
        event.bytes = random.below(700);
        event.sequences = 1 + random.below(4);
        event.secondsPerPromptToken = random.pick([Number.NaN, 0.001, 0.004]);
        event.secondsPerStep = random.pick([Number.NaN, 0.01, 0.1]);
        this.#send(EventKind.ready);
        return;
      case 'ready':
        this.#workModel();
        return;
      default:
        this.#about(this.#anyIndex(), EventKind.sized);
    }
  }

  #workModel(): void {
    const random = this.#random;
    const event = this.#event;
    const { model } = event;
    const dice = random.next();
    if (dice < 0.2) {
      const unsized = this.#pick((task) => task.needsSize);
      if (unsized !== undefined) this.#about(unsized.index, EventKind.sized);
      else this.#send(EventKind.timer);
    } else if (dice < 0.4) {
      const resumes = random.next() < 0.5;
      const task = this.#pick(
        (candidate) => candidate.hasBegun && candidate.phase === Phase.leased && candidate.isPaused === resumes,
      );
      if (task !== undefined) this.#about(task.index, resumes ? EventKind.resume : EventKind.pause);
      else this.#send(EventKind.timer);
    } else {
      const tasks = this.witness.models.all[model]!.tasks.filter((task) => task !== undefined && random.next() < 0.8);
      event.count = tasks.length;
      event.tasks = tasks.map((task) => task!.index);
      event.prefilled = tasks.map(() => random.below(64));
      // Reading prompts gives no token; nobody gives more than was asked for.
      const speaks = random.next() < 0.5;
      event.generated = tasks.map((task) =>
        speaks ? Math.min(random.pick([0, 0, 1, 3]), task!.outputLimit - task!.outputTokens) : 0,
      );
      this.#send(EventKind.progress);
    }
  }

  // --- the rest ---

  /** A live task mostly; now and then one that is gone. */
  #anyIndex(): number {
    const { live, tasks } = this.witness;
    const random = this.#random;
    if (live.length > 0 && random.next() < 0.95) return live[random.below(live.length)]!.index;
    const start = random.below(tasks.length + 1);
    for (let n = 0; n <= tasks.length; n++) {
      const index = (start + n) % (tasks.length + 1);
      if (tasks[index] === undefined) return index;
    }
    return tasks.length;
  }

  #pick(isMeant: (task: SeenTask) => boolean): SeenTask | undefined {
    const { live } = this.witness;
    const start = this.#random.below(live.length + 1);
    for (let n = 0; n < live.length; n++) {
      const task = live[(start + n) % live.length]!;
      if (isMeant(task)) return task;
    }
    return undefined;
  }

  #countLoad(): void {
    const { live } = this.witness;
    let waiting = 0;
    let running = 0;
    for (let t = 0; t < live.length; t++) {
      const task = live[t]!;
      if (task.phase !== Phase.waits) running++;
      else if (task.isGrantable) waiting++;
    }
    if (waiting > 0 && waiting >= running) this.overloaded++;
  }

  #send(kind: EventKind): void {
    this.events++;
    const event = this.#event;
    event.kind = kind;
    this.#commands.clear();
    this.witness.before(event, this.#nowMs);
    decide(this.state, event, this.#nowMs, this.#commands);
    this.witness.after();
    checkInvariants(this.state, this.#nowMs);
  }

  #mix(kind: CommandKind, a: number, b: number, c: number, d: number): void {
    this.#digestNumber(kind);
    this.#digestNumber(a);
    this.#digestNumber(b);
    this.#digestNumber(c);
    this.#digestNumber(d);
  }

  /** FNV-1a over the words of a number. */
  #digestNumber(value: number): void {
    this.#double[0] = value;
    const words = this.#words;
    this.digest = Math.imul(this.digest ^ words[0]!, 0x01000193);
    this.digest = Math.imul(this.digest ^ words[1]!, 0x01000193) >>> 0;
  }
}
