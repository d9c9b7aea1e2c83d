/** The conformance kit: is an agent one that strangers can call, cancel, schedule, cache and expose? */
import { AssertionError } from 'node:assert';
import { isDeepStrictEqual } from 'node:util';
import type { AgentInput, AgentOutput, AnyAgent } from '../../agents/agent.js';
import { InvalidOptionError } from '../../base/errors.js';
import type { FakeModel } from '../fake-model.js';
import { hashedEmbedder } from '../hashed-embedder.js';
import { scriptedModel } from '../scripted-model.js';
import { type CheckName, CONFORMANCE_CHECKS, type ConformanceCheck, Findings } from './check.js';
import { checkDisturbed } from './disturbed-checks.js';
import { checkEveryTrial, checkRuns } from './run-checks.js';
import { checkDeclarations, checkDescription, checkInputs, poolsOf } from './static-checks.js';
import type { TrialBed } from './trial.js';

export interface ConformanceOptions<A extends AnyAgent = AnyAgent> {
  /** Inputs that the agent must do well with, at least one; each is run about ten times. Two or more show what runs share. */
  inputs: readonly AgentInput<A>[];
  /** Inputs that its schema must refuse, and its JSON Schema too. */
  invalidInputs?: readonly unknown[] | undefined;
  /** Inputs that its schema must refuse by rules that JSON Schema cannot say. */
  refinedInputs?: readonly unknown[] | undefined;
  /**
   * Models of its yard by name. Answer by function or rule rather than by list: runs go on side by side. Default: one that answers
   * what fits and one that embeds, under the names that the agent asks for, else `chat` and `embed`.
   */
  models?: Readonly<Record<string, FakeModel>> | undefined;
  /** Other agents that it calls by name. */
  agents?: readonly AnyAgent[] | undefined;
  /** Pools of its yard, for agents that it calls; what it demands itself is there already. */
  pools?: Readonly<Record<string, number>> | undefined;
  /** Are two outputs of one input the same? Default: deeply equal. */
  sameOutput?: ((a: AgentOutput<A>, b: AgentOutput<A>) => boolean) | undefined;
  /** What the parts that it emits are when they are put together. Default: not checked. */
  partsOf?: ((output: AgentOutput<A>) => string) | undefined;
  /** Checks that do not apply, with the reason: `{ 'no-state-between-runs': 'It remembers conversations.' }`. */
  skip?: Partial<Record<CheckName, string>> | undefined;
  /** Longest run, ms. Default 60,000 of virtual time, 5,000 of real time. */
  endMs?: number | undefined;
  /** How long a run may go on after it was cancelled, ms. Default 250. */
  cancelMs?: number | undefined;
  /**
   * True for agents that talk to the world (sockets, processes, threads): the kit waits in real time then, and a check that finds a run
   * hanging takes `endMs`. Default false: time is virtual, for the agent too.
   */
  realTime?: boolean | undefined;
}

export interface ConformanceReport {
  /** `name@version`. */
  agent: string;
  /** No check failed. */
  ok: boolean;
  checks: readonly ConformanceCheck[];
}

const END_MS = 60_000;
const END_REAL_MS = 5_000;
const CANCEL_MS = 250;

/** Trials rule the process's time and chance, so there is one report in the making at a time. */
let last: Promise<unknown> = Promise.resolve();

/**
 * Runs every check on an agent, in yards of fake models, and says what it found. While it is at it (a fraction of a second) the process's
 * timers, date, `Math.random` and unhandled rejections are the kit's; calls at the same time wait for each other.
 * @throws {@link InvalidOptionError} without an input, or with a name of no check in `skip`; never for a bad agent
 */
export function conformance<A extends AnyAgent>(agent: A, options: ConformanceOptions<A>): Promise<ConformanceReport> {
  const report = last.then(() => makeReport(agent, options as unknown as ConformanceOptions));
  last = report.catch(() => {});
  return report;
}

async function makeReport(agent: AnyAgent, options: ConformanceOptions): Promise<ConformanceReport> {
  checkOptions(options);
  const findings = new Findings();
  const { inputs, invalidInputs = [], refinedInputs = [], skip = {}, realTime = false } = options;
  checkDescription(agent, findings);
  const accepted = await checkInputs(agent, { inputs, invalidInputs, refinedInputs }, findings);
  const validated = accepted.map((one) => one.validated);
  checkDeclarations(agent, validated, findings);
  const broken = findings.failedOf('accepts-inputs', 'declarations-in-range', 'declarations-keep-input');
  if (broken === undefined) {
    const bed: TrialBed = {
      agent,
      models: options.models ?? defaultModels(agent),
      agents: options.agents ?? [],
      pools: { ...poolsOf(agent, validated), ...options.pools },
      isRealTime: realTime,
      endMs: options.endMs ?? (realTime ? END_REAL_MS : END_MS),
      cancelMs: options.cancelMs ?? CANCEL_MS,
    };
    await checkTrials(bed, inputs, options, findings);
  } else {
    for (const name of CONFORMANCE_CHECKS.slice(CONFORMANCE_CHECKS.indexOf('ends')))
      findings.skip(name, `It fails "${broken}".`);
  }
  const checks = findings.report().map((check): ConformanceCheck => {
    const reason = skip[check.name];
    return reason === undefined ? check : { name: check.name, ok: true, skipped: true, detail: reason };
  });
  return { agent: agent.id, ok: checks.every(({ ok }) => ok), checks };
}

async function checkTrials(
  bed: TrialBed,
  inputs: readonly unknown[],
  options: ConformanceOptions,
  findings: Findings,
): Promise<void> {
  const { sameOutput = isDeepStrictEqual, partsOf } = options;
  const quiet = await checkRuns(bed, inputs, { sameOutput, partsOf }, findings);
  const broken = findings.failedOf('ends', 'output-fits');
  if (broken !== undefined) {
    const rest: readonly CheckName[] = CONFORMANCE_CHECKS.slice(CONFORMANCE_CHECKS.indexOf('cancel-honoured'));
    for (const name of rest) findings.skip(name, `It fails "${broken}".`);
    return;
  }
  const disturbed = await checkDisturbed(bed, inputs, findings);
  checkEveryTrial([...quiet, ...disturbed], inputs, findings);
}

function defaultModels({ model, embeddingModel }: AnyAgent): Record<string, FakeModel> {
  return {
    [model ?? 'chat']: scriptedModel(),
    [embeddingModel ?? 'embed']: hashedEmbedder(),
  };
}

function checkOptions({ inputs, skip = {} }: ConformanceOptions): void {
  if (!Array.isArray(inputs) || inputs.length === 0) {
    throw new InvalidOptionError(
      'inputs',
      'The conformance kit needs at least one input that the agent must do well with.',
    );
  }
  for (const name of Object.keys(skip)) {
    if ((CONFORMANCE_CHECKS as readonly string[]).includes(name)) continue;
    throw new InvalidOptionError(
      `skip.${name}`,
      `There is no check "${name}"; there are: ${CONFORMANCE_CHECKS.join(', ')}.`,
    );
  }
}

/** What {@link describeConformance} needs of a test runner: `describe` and `it` of vitest, node:test, jest or mocha. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown;
  it(name: string, body: (...context: unknown[]) => Promise<void>): unknown;
}

/** {@link conformance} as tests: one for each check, named after it. Those that do not apply are skipped where the runner can say so. */
export function describeConformance<A extends AnyAgent>(
  agent: A,
  options: ConformanceOptions<A>,
  { describe, it }: TestRunner,
): void {
  describe(`agent ${agent.id}`, () => {
    let report: Promise<ConformanceReport> | undefined;
    for (const name of CONFORMANCE_CHECKS) {
      // Rest parameters: a runner that counts parameters must not take it for one with a callback.
      it(name, async (...context) => {
        report ??= conformance(agent, options);
        const { ok, skipped, detail } = (await report).checks.find((check) => check.name === name)!;
        if (!ok)
          throw new AssertionError({
            message: `${agent.id} fails "${name}": ${detail}`,
            actual: false,
            expected: true,
          });
        if (skipped) skipTest(context[0], detail);
      });
    }
  });
}

function skipTest(context: unknown, reason: string): void {
  if (typeof context !== 'object' || context === null || !('skip' in context)) return;
  if (typeof context.skip === 'function') context.skip(reason);
}
