/**
 * Runs agents on a yard: an input is checked, becomes one task, and the task's result is checked. Decides nothing about order or room.
 */
import { AgentFailedError, InvalidAgentError, InvalidInputError } from '../base/agent-errors.js';
import { isAgentyardError } from '../base/errors.js';
import type { AddOptions, TaskFunction } from '../dispatch/function/index.js';
import type { AgentInput, AgentOutput, AnyAgent } from './agent.js';
import { AgentCall, type CallServices, type SharedRun } from './agent-call.js';
import type { ChildOptions, EmbedOptions } from './agent-context.js';
import type { AgentHost } from './agent-host.js';
import type { AgentService, RunOptions } from './agent-service.js';
import { CallReports } from './call-reports.js';
import { isAgent } from './define-agent.js';
import { AgentRegistry } from './registry.js';
import { Reuse, type ReuseLimits, type ReuseStats } from './reuse.js';
import { addOptionsOf, checkRunOptions } from './run-options.js';
import { isPending, issuesOf, type Validated, validate } from './validate.js';

export interface RunnerOptions {
  host: AgentHost;
  agents?: readonly AnyAgent[] | undefined;
  reuse?: ReuseLimits | undefined;
}

export class AgentRunner implements AgentService, CallServices {
  readonly agents: AgentRegistry;
  readonly host: AgentHost;
  readonly #reuse: Reuse;

  constructor(options: RunnerOptions) {
    this.agents = new AgentRegistry(options.agents);
    this.host = options.host;
    this.#reuse = new Reuse(options.host, options.reuse, (agent, input, runOptions, parent, reports, shared) =>
      this.#submit(agent, input, runOptions, parent, reports, shared),
    );
  }

  run<A extends AnyAgent>(agent: A, input: AgentInput<A>, options?: RunOptions): Promise<AgentOutput<A>>;
  run(agent: string, input: unknown, options?: RunOptions): Promise<unknown>;
  run(agent: AnyAgent | string, input: unknown, options?: RunOptions): Promise<unknown> {
    return this.#run(agent, input, options, undefined);
  }

  runChild(
    parent: AgentCall,
    agent: AnyAgent | string,
    input: unknown,
    options: ChildOptions | undefined,
  ): Promise<unknown> {
    return this.#run(agent, input, options, parent);
  }

  embed(call: AgentCall, model: string, texts: readonly string[], options: EmbedOptions): Promise<Float32Array[]> {
    const { model: _, ...hints } = options;
    return this.#reuse.embeddings.embed(model, texts, (missing) => this.host.embed(call, model, missing, hints));
  }

  stats(): ReuseStats {
    return this.#reuse.stats();
  }

  #run(
    given: AnyAgent | string,
    input: unknown,
    options: RunOptions | undefined,
    parent: AgentCall | undefined,
  ): Promise<unknown> {
    let agent: AnyAgent;
    let checked: Validated | Promise<Validated>;
    try {
      agent = this.#agentOf(given);
      if (options !== undefined) checkRunOptions(options, parent !== undefined);
    } catch (error) {
      return Promise.reject(error);
    }
    try {
      checked = validate(agent.input, input);
    } catch (error) {
      return Promise.reject(new AgentFailedError(agent.id, error));
    }
    if (!isPending(checked)) return this.#runChecked(agent, input, checked, options, parent);
    return checked.then(
      (result) => this.#runChecked(agent, input, result, options, parent),
      (error: unknown) => {
        throw new AgentFailedError(agent.id, error);
      },
    );
  }

  #agentOf(given: unknown): AnyAgent {
    if (typeof given === 'string') return this.agents.find(given);
    if (isAgent(given)) return given;
    throw new InvalidAgentError('agent', 'What is run is an agent, as defineAgent returned it, or the name of one.');
  }

  #runChecked(
    agent: AnyAgent,
    input: unknown,
    checked: Validated,
    options: RunOptions | undefined,
    parent: AgentCall | undefined,
  ): Promise<unknown> {
    if (checked.issues !== undefined) {
      return Promise.reject(new InvalidInputError(agent.id, issuesOf(checked.issues, input)));
    }
    if (agent.pure) return this.#reuse.run(agent, checked.value, options, parent);
    return this.#submit(agent, checked.value, options, parent, reportsTo(options), undefined);
  }

  /** @param input - validated */
  #submit(
    agent: AnyAgent,
    input: unknown,
    options: RunOptions | undefined,
    parent: AgentCall | undefined,
    reports: CallReports | undefined,
    shared: SharedRun | undefined,
  ): Promise<unknown> {
    const call = new AgentCall(this, agent, input, options, parent, reports, shared);
    let add: AddOptions | undefined;
    try {
      add = addOptionsOf(agent, input, options);
    } catch (error) {
      return Promise.reject(isAgentyardError(error) ? error : new AgentFailedError(agent.id, error));
    }
    const fn: TaskFunction<unknown> = (task) => call.start(task);
    return parent === undefined ? this.host.add(fn, add) : parent.task.add(fn, add);
  }
}

function reportsTo(options: RunOptions | undefined): CallReports | undefined {
  if (options === undefined || (options.onProgress === undefined && options.onPart === undefined)) return undefined;
  return new CallReports(options);
}
