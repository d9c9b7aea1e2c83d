/** An agent whose runs are watched: what it asks of its context, when, and how it ends. Behaves as the agent does otherwise. */
import { isDeepStrictEqual } from 'node:util';
import type { AnyAgent } from '../../agents/agent.js';
import type { AgentContext } from '../../agents/agent-context.js';
import type { ChatStream } from '../../runtime/service.js';

/** One call of an agent's `run`. */
export interface RunRecord {
  /** Did it change the (validated) input that it was given? */
  changedInput: boolean;
  isEnded: boolean;
  /** What it threw, in a box, for it may have thrown `undefined`. */
  thrown: { value: unknown } | undefined;
  /** Raw reports, also those that a context drops. */
  progress: { done: number; total: number | undefined }[];
  parts: string[];
  /** Calls of models and agents. */
  calls: number;
  /** Names of calls that it began although its signal was aborted. */
  callsAfterAbort: string[];
  /** Names of calls and reports that it began after its end. */
  callsAfterEnd: string[];
  /** Names of calls that were not settled when it ended. */
  openAtEnd: string[];
}

export interface Spy {
  readonly agent: AnyAgent;
  readonly runs: RunRecord[];
}

/** A run that asks for more is held: it would go on for ever, maybe without letting anybody else have a turn. */
const CALLS_MAX = 1_000;

/** @param isOpen - is there an unsettled task of that id? */
export function spyOn(agent: AnyAgent, isOpen: (id: string) => boolean): Spy {
  const runs: RunRecord[] = [];
  const run = async (input: unknown, ctx: AgentContext): Promise<unknown> => {
    const record: RunRecord = {
      changedInput: false,
      isEnded: false,
      thrown: undefined,
      progress: [],
      parts: [],
      calls: 0,
      callsAfterAbort: [],
      callsAfterEnd: [],
      openAtEnd: [],
    };
    runs.push(record);
    const before = copyOf(input);
    const open = new OpenCalls(isOpen);
    try {
      return await agent.run(input, watched(ctx, record, open));
    } catch (value) {
      record.thrown = { value };
      throw value;
    } finally {
      record.isEnded = true;
      record.openAtEnd = open.names();
      record.changedInput = before !== undefined && !isDeepStrictEqual(before.value, input);
    }
  };
  // It stays the agent that it is, mark and all.
  return { agent: Object.create(agent, { run: { value: run, enumerable: true } }) as AnyAgent, runs };
}

/** Undefined for what cannot be copied, such as a function. */
function copyOf(value: unknown): { value: unknown } | undefined {
  try {
    return { value: structuredClone(value) };
  } catch {
    return undefined;
  }
}

/** The calls of a run that are not settled. */
class OpenCalls {
  readonly #isOpen: (id: string) => boolean;
  readonly #promises = new Map<Promise<unknown>, string>();
  readonly #streams: ChatStream[] = [];

  constructor(isOpen: (id: string) => boolean) {
    this.#isOpen = isOpen;
  }

  names(): string[] {
    // A chat that was left in the middle is over as well, whether or not anybody asked for its result.
    return [
      ...this.#promises.values(),
      ...this.#streams.filter(({ id }) => id === '' || this.#isOpen(id)).map(() => 'chat'),
    ];
  }

  promise<T>(name: string, promise: Promise<T>): Promise<T> {
    this.#promises.set(promise, name);
    const settled = () => this.#promises.delete(promise);
    // Ours comes first: whoever awaits it goes on when it is settled here.
    promise.then(settled, settled);
    return promise;
  }

  stream(stream: ChatStream): ChatStream {
    this.#streams.push(stream);
    return stream;
  }
}

function watched(ctx: AgentContext, record: RunRecord, open: OpenCalls): AgentContext {
  const note = (name: string) => {
    if (record.isEnded) record.callsAfterEnd.push(name);
  };
  /** Is the call one too many? */
  const begin = (name: string): boolean => {
    note(name);
    if (ctx.signal.aborted) record.callsAfterAbort.push(name);
    return ++record.calls > CALLS_MAX;
  };
  return {
    get id() {
      return ctx.id;
    },
    get runId() {
      return ctx.runId;
    },
    get agent() {
      return ctx.agent;
    },
    get tenant() {
      return ctx.tenant;
    },
    get signal() {
      return ctx.signal;
    },
    get deadlineMs() {
      return ctx.deadlineMs;
    },
    get budget() {
      return ctx.budget;
    },
    run: (agent, input, options) => open.promise('run', begin('run') ? never() : ctx.run(agent, input, options)),
    tool: (name, input, options) => open.promise('tool', begin('tool') ? never() : ctx.tool(name, input, options)),
    chat: (request) => open.stream(begin('chat') ? endlessStream() : ctx.chat(request)),
    object: (request) => open.promise('object', begin('object') ? never() : ctx.object(request)),
    embed: (texts, options) => open.promise('embed', begin('embed') ? never() : ctx.embed(texts, options)),
    progress: (done, total, message) => {
      note('progress');
      record.progress.push({ done, total });
      ctx.progress(done, total, message);
    },
    emit: (text) => {
      note('emit');
      record.parts.push(text);
      ctx.emit(text);
    },
  };
}

function never(): Promise<never> {
  return new Promise(() => {});
}

function endlessStream(): ChatStream {
  return {
    id: '',
    accepted: never,
    started: never,
    result: never,
    cancel: () => {},
    [Symbol.asyncIterator]: () => ({ next: never }),
  };
}
