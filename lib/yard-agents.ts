/**
 * The half of a yard that runs agents: what the runner of agents may ask of the scheduler and of the models.
 *
 * Model work of a call is a child of its task: it has the call's tenant, no more time than it has, is charged to its run, and ends with it.
 */
import type { AgentHost, HostedCall, HostedChatRequest, HostedEmbedOptions, ModelSkill } from './agents/index.js';
import { ParentEndedError, stackless, UnknownModelError } from './base/errors.js';
import type { AddOptions, FunctionContext, Functions, TaskFunction } from './dispatch/function/index.js';
import type { Runtime } from './runtime/runtime.js';
import type { ChatRequest, ChatStream, EmbedRequest, ModelInfo } from './runtime/service.js';
import type { YardModels } from './yard-models.js';

export interface YardAgentsParts {
  runtime: Runtime;
  functions: Functions;
  models: YardModels;
}

export class YardAgents implements AgentHost {
  readonly #runtime: Runtime;
  readonly #functions: Functions;
  readonly #models: YardModels;

  constructor({ runtime, functions, models }: YardAgentsParts) {
    this.#runtime = runtime;
    this.#functions = functions;
    this.#models = models;
  }

  get isClosed(): boolean {
    return this.#functions.isClosed;
  }

  add(fn: TaskFunction<unknown>, options?: AddOptions): Promise<unknown> {
    return this.#functions.add(fn, options);
  }

  giveBack(call: HostedCall): void {
    contextOf(call).giveBack();
  }

  takeAgain(call: HostedCall): Promise<void> {
    // What ends the call meanwhile reaches its caller by its own way.
    return contextOf(call)
      .takeAgain()
      .catch(() => undefined);
  }

  endChildren(call: HostedCall): void {
    const task = this.#functions.find(call.id);
    const kin = task === undefined ? undefined : this.#runtime.state.families.of(task);
    if (kin === undefined) return;
    for (const child of [...kin.children]) {
      // The end of one may be the end of another.
      if (kin.children.has(child))
        this.#runtime.cancel(
          child,
          stackless(() => new ParentEndedError()),
        );
    }
  }

  budgetOf(call: HostedCall): { limit: number; spent: number } {
    const task = this.#functions.find(call.id);
    const kin = task === undefined ? undefined : this.#runtime.state.families.of(task);
    let nearest = { limit: Number.POSITIVE_INFINITY, spent: kin?.run.spent ?? 0 };
    for (let run = kin?.run; run !== undefined; run = run.parent) {
      if (run.budget - run.spent < nearest.limit - nearest.spent) nearest = { limit: run.budget, spent: run.spent };
    }
    return nearest;
  }

  modelFor(skill: ModelSkill, preferred: readonly (string | undefined)[]): string | Promise<string> {
    const models = this.#models.models();
    for (const name of preferred) {
      if (name === undefined) continue;
      // One that is not served is reported as such when it is used.
      const model = models.find((candidate) => candidate.name === name);
      if (model?.[skill] !== false) return name;
    }
    for (const model of models) {
      if (model[skill] === true) return model.name;
      if (isUnknown(model, skill)) return this.#models.changed().then(() => this.modelFor(skill, preferred));
    }
    throw new UnknownModelError(
      `any that ${skill}`,
      models.map(({ name }) => name),
    );
  }

  chat(call: HostedCall, request: HostedChatRequest): ChatStream {
    // A field that is given as `undefined` is one that is not given.
    const hints = { ...request, class: request.class ?? call.className, tenant: call.tenant };
    return this.#models.chat(hints as ChatRequest, this.#taskOf(call));
  }

  async embed(
    call: HostedCall,
    model: string,
    texts: readonly string[],
    options: HostedEmbedOptions,
  ): Promise<Float32Array[]> {
    const hints = { ...options, class: options.class ?? call.className, tenant: call.tenant };
    const { vectors } = await this.#models.embed({ model, input: texts, ...hints } as EmbedRequest, this.#taskOf(call));
    return vectors;
  }

  /**
   * Index of the call's task, to be the parent.
   * @throws ParentEndedError when the call is over
   */
  #taskOf(call: HostedCall): number {
    const context = contextOf(call);
    if (this.#functions.isCurrent(context)) return context.task;
    throw stackless(() => new ParentEndedError());
  }
}

/** Calls are run by functions of the yard. */
function contextOf(call: HostedCall): FunctionContext {
  return call.task as FunctionContext;
}

/** A model that has not said yet what it can do, and may still. */
function isUnknown(model: ModelInfo, skill: ModelSkill): boolean {
  return model[skill] === undefined && model.state !== 'failed';
}
