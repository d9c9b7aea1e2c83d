/** A call of an agent as server-sent events: progress and parts as they come, then the result or the error. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Progress, RunOptions } from '../../agents/index.js';
import { CancelledError } from '../../base/index.js';
import { EventStream, type EventStreamOptions, ReaderGoneError } from '../event-stream.js';
import { exchangeOf } from '../exchange.js';
import { failureBody } from '../failure.js';
import { agentFailureOf, reportBug } from './agent-failure.js';

/** An agent does not wait for its reader, so what is held for a slow one has an end. */
const HELD_CHARACTERS_MAX = 2 ** 20;

/** What was reported and not sent yet: the latest progress, and the parts joined. A slow reader gets fewer and longer events. */
class Reports {
  #progress: Progress | undefined;
  #text = '';
  #overflown = false;
  #isOver = false;
  #wake: () => void = () => {};

  readonly listener = {
    onProgress: (progress: Progress) => {
      this.#progress = progress;
      this.#wake();
    },
    onPart: (text: string) => {
      if (this.#text.length + text.length > HELD_CHARACTERS_MAX) this.#overflown = true;
      else this.#text += text;
      this.#wake();
    },
  };

  /** There will be no more. */
  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  /** Resolves when there is something to send, or will be nothing more. */
  arrived(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (this.#progress !== undefined || this.#text !== '' || this.#overflown || this.#isOver) resolve();
    });
  }

  /**
   * Sends what there is.
   * @returns false when there is no more
   * @throws {@link ReaderGoneError} when more came than is held for a reader
   */
  send(events: EventStream): boolean {
    if (this.#overflown) throw new ReaderGoneError('The client reads more slowly than the agent writes.');
    const progress = this.#progress;
    const text = this.#text;
    this.#progress = undefined;
    this.#text = '';
    if (progress !== undefined) events.event('progress', JSON.stringify(progress));
    if (text !== '') events.event('part', JSON.stringify({ text }));
    return progress !== undefined || text !== '' || !this.#isOver;
  }
}

/**
 * Runs a call and tells it as events. What is refused before there is anything to tell keeps its HTTP status.
 * @param start - submits the call
 * @param answerOf - the data of the last event
 * @throws what the call fails with, as long as no byte of the answer was sent
 */
export async function streamCall(
  request: FastifyRequest,
  reply: FastifyReply,
  start: (options: Pick<RunOptions, 'signal' | 'onProgress' | 'onPart'>) => Promise<unknown>,
  answerOf: (output: unknown) => object,
  options: EventStreamOptions,
): Promise<FastifyReply> {
  const exchange = exchangeOf(request);
  const unread = new AbortController();
  const reports = new Reports();
  const run = start({ ...reports.listener, signal: AbortSignal.any([exchange.signal, unread.signal]) });
  run.then(
    () => reports.end(),
    () => reports.end(),
  );
  await opened(reports, run, options.keepAliveMs);
  if (exchange.signal.aborted) throw new CancelledError();
  reply.hijack();
  const events = new EventStream(reply.raw, reply.getHeaders() as Record<string, string>, options);
  try {
    while (reports.send(events)) {
      await events.drained();
      await reports.arrived();
    }
    events.event('result', JSON.stringify(answerOf(await run)));
    exchange.outcome = 'completed';
  } catch (error) {
    if (error instanceof ReaderGoneError) {
      exchange.outcome = exchange.signal.aborted ? 'cancelled' : 'expired';
      unread.abort();
      reply.raw.destroy();
    } else {
      const failure = agentFailureOf(error);
      reportBug(request, error, failure);
      exchange.outcome ??= failure.outcome;
      exchange.errorCode = failure.code;
      events.event('error', JSON.stringify(failureBody(failure)));
    }
  }
  events.end();
  return reply;
}

/** Until there is something to tell, and no longer than proxies wait for a silent server. Rejects when the call fails before that. */
async function opened(reports: Reports, run: Promise<unknown>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  try {
    // The failure first: the reports end with it.
    await Promise.race([run, reports.arrived().then(() => settledOr(run)), limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Rejects when `run` is rejected by now. */
function settledOr(run: Promise<unknown>): Promise<unknown> {
  return Promise.race([run, Promise.resolve()]);
}
