/** Carries one chat or text completion from the service to the client, whole or as a stream. */
import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CancelledError } from '../base/index.js';
import type { ChatResult, ChatStream } from '../runtime/service.js';
import { type AnswerShape, type Envelope, timingOf } from './answer-shape.js';
import { EventStream, type EventStreamOptions, ReaderGoneError } from './event-stream.js';
import { type Exchange, exchangeOf } from './exchange.js';
import { failureBody, failureOf } from './failure.js';

export interface GenerateOptions extends EventStreamOptions {
  shape: AnswerShape;
  model: string;
  stream: boolean;
  /** Only for streams: send a last chunk with the token counts. */
  includeUsage: boolean;
}

/**
 * Answers a request with what `task` makes. The task was submitted with the exchange's signal, so it ends when the client leaves,
 * whether it waits, prefills or decodes.
 * @throws what the service refuses or fails with, as long as no byte of the answer was sent
 */
export async function generate(
  request: FastifyRequest,
  reply: FastifyReply,
  task: ChatStream,
  options: GenerateOptions,
): Promise<FastifyReply> {
  const envelope: Envelope = {
    id: options.shape.idPrefix + randomUUID().replaceAll('-', ''),
    created: Math.floor(Date.now() / 1000),
    model: options.model,
    withUsage: options.stream && options.includeUsage,
  };
  const exchange = exchangeOf(request);
  if (options.stream) {
    await streamAnswer(reply, task, envelope, options, exchange);
    return reply;
  }
  const result = await finished(task);
  exchange.answered(result);
  reply.header('x-agentyard-wait-ms', Math.round(result.waitMs));
  return reply.send(options.shape.whole(envelope, result));
}

/** Nobody who still listens asked for the cancel, so to the client it is a failure: an answer cut short must not look whole. */
async function finished(task: ChatStream): Promise<ChatResult> {
  const result = await task.result();
  if (result.finishReason === 'cancelled') throw new CancelledError();
  return result;
}

async function streamAnswer(
  reply: FastifyReply,
  task: ChatStream,
  envelope: Envelope,
  options: GenerateOptions,
  exchange: Exchange,
): Promise<void> {
  await acceptedWithin(task, options.keepAliveMs);
  if (exchange.signal.aborted) throw new CancelledError();
  reply.hijack();
  const events = new EventStream(reply.raw, reply.getHeaders() as Record<string, string>, options);
  try {
    const opening = options.shape.opening(envelope);
    if (opening !== undefined) events.data(opening);
    const result = await pump(task, events, options.shape, envelope);
    exchange.answered(result);
    const timing = timingOf(result);
    events.data(options.shape.closing(envelope, result.finishReason, envelope.withUsage ? {} : timing));
    if (envelope.withUsage) events.data(options.shape.usage(envelope, result.usage, timing));
    events.data('[DONE]');
  } catch (error) {
    reportInside(error, events, options.shape.promptParam, exchange);
  }
  events.end();
}

/** The answer goes out as fast as the client takes it: the next piece is asked for when the socket has room. */
async function pump(
  task: ChatStream,
  events: EventStream,
  shape: AnswerShape,
  envelope: Envelope,
): Promise<ChatResult> {
  const textChunk = shape.textChunks(envelope);
  for await (const { text, toolCall } of task) {
    if (toolCall !== undefined && shape.toolCallChunk !== undefined)
      events.data(shape.toolCallChunk(envelope, toolCall));
    else if (text !== '') events.data(textChunk(text));
    else continue;
    await events.drained();
  }
  return finished(task);
}

/**
 * Resolves when the task is accepted, so that a refusal keeps its HTTP status; but no later than the first keep-alive is due: while a
 * model loads, a silent connection would be given up by proxies. What is refused after that is told inside the stream.
 */
async function acceptedWithin(task: ChatStream, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  try {
    await Promise.race([task.accepted(), limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** The status line is gone: an `error` object is what OpenAI's SDKs raise on, and no `[DONE]` follows. */
function reportInside(error: unknown, events: EventStream, promptParam: string, exchange: Exchange): void {
  if (error instanceof ReaderGoneError) {
    exchange.outcome = exchange.signal.aborted ? 'cancelled' : 'expired';
    return;
  }
  const failure = failureOf(error, promptParam);
  exchange.outcome = failure.outcome;
  exchange.errorCode = failure.code;
  events.data(JSON.stringify(failureBody(failure)));
}
