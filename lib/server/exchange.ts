/** What the server keeps of one request from its first byte to its last: for its log line, and to notice that the client left. */
import type { FastifyRequest } from 'fastify';
import type { ChatResult, TaskClass } from '../runtime/service.js';
import type { OutcomeName } from '../task/index.js';

/** Holds no prompt or answer text, nor any other free text of the client. */
export class Exchange {
  readonly #gone = new AbortController();
  /** Bytes the connection had sent before this request: connections are kept alive. */
  readonly bytesBefore: number;
  /** Tenant of the API key that was shown; undefined when no keys are configured. */
  keyTenant: string | undefined;
  /** A served model's name; others would let clients write into the log. */
  model: string | undefined;
  /** `name@version` of a registered agent. */
  agent: string | undefined;
  tenant: string | undefined;
  class: TaskClass | undefined;
  outcome: OutcomeName | undefined;
  errorCode: string | undefined;
  waitMs: number | undefined;
  firstTokenMs: number | undefined;
  totalMs: number | undefined;
  promptTokens: number | undefined;
  cachedTokens: number | undefined;
  outputTokens: number | undefined;

  constructor(bytesBefore: number) {
    this.bytesBefore = bytesBefore;
  }

  /** Aborts when the client has gone before its answer was complete. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  clientLeft(): void {
    this.outcome ??= 'cancelled';
    this.#gone.abort();
  }

  answered(result: ChatResult): void {
    this.outcome = 'completed';
    this.waitMs = result.waitMs;
    this.firstTokenMs = result.firstTokenMs;
    this.totalMs = result.totalMs;
    this.promptTokens = result.usage.promptTokens;
    this.cachedTokens = result.usage.cachedTokens;
    this.outputTokens = result.usage.outputTokens;
  }
}

const exchanges = new WeakMap<FastifyRequest, Exchange>();

/** The exchange of a request; made on the first call. */
export function exchangeOf(request: FastifyRequest): Exchange {
  let exchange = exchanges.get(request);
  if (exchange === undefined) {
    exchange = new Exchange(request.raw.socket.bytesWritten ?? 0);
    exchanges.set(request, exchange);
  }
  return exchange;
}
