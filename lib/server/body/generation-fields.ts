/** The generation fields that chat and text completions share, and what they mean for the service. */
import { z } from 'zod';
import { InvalidRequestError } from '../../base/index.js';
import type { GenerationRequest } from '../../runtime/service.js';
import { defined } from './read-body.js';

const MAX_STOPS = 16;
/** The engine holds back as much text as the longest stop, so a stop has a limit. */
const MAX_STOP_CHARACTERS = 512;
/** A schema becomes a grammar; deeper or larger ones than any real form would only tie up the engine. */
const MAX_SCHEMA_DEPTH = 64;
const MAX_SCHEMA_NODES = 10_000;

const stopText = z.string().max(MAX_STOP_CHARACTERS);

const responseFormat = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    json_schema: z.object({ schema: z.record(z.string(), z.unknown()) }),
  }),
]);

export const generationShape = {
  max_tokens: z.int().min(1).optional(),
  max_completion_tokens: z.int().min(1).optional(),
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().min(0).max(1).optional(),
  seed: z.int().optional(),
  stop: z.union([stopText, z.array(z.unknown()).max(MAX_STOPS).pipe(z.array(stopText))]).optional(),
  response_format: responseFormat.optional(),
  stream: z.boolean().optional(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).optional(),
};

const generation = z.object(generationShape);
export type GenerationFields = z.infer<typeof generation>;

/** `top_p: 0` keeps the most likely token alone; the engine's range starts above 0. */
const SMALLEST_TOP_P = 1e-6;

/** "Any JSON object": the widest schema that the engine's grammar knows. */
const ANY_OBJECT = { type: 'object', additionalProperties: true } as const;

/**
 * @returns the fields that were given, in the service's words; what is absent takes the service's defaults (512 tokens,
 * temperature 0.7, top_p 1)
 * @throws {@link InvalidRequestError} when a schema is too deep or too large
 */
export function generationRequest(fields: GenerationFields): GenerationRequest {
  return defined({
    maxTokens: fields.max_completion_tokens ?? fields.max_tokens,
    temperature: fields.temperature,
    topP: fields.top_p === undefined ? undefined : Math.max(SMALLEST_TOP_P, fields.top_p),
    seed: fields.seed === undefined ? undefined : unsigned32(fields.seed),
    stop: fields.stop === undefined ? undefined : stopList(fields.stop),
    jsonSchema: jsonSchema(fields.response_format),
  });
}

/** OpenAI's seeds are any integer; the sampler's are 32 bits. Equal seeds stay equal, negative ones included. */
function unsigned32(seed: number): number {
  const modulus = 2 ** 32;
  return ((seed % modulus) + modulus) % modulus;
}

/** An empty stop text ends nothing, so it is left out, as other servers do. */
function stopList(stop: string | readonly string[]): string[] {
  return (typeof stop === 'string' ? [stop] : [...stop]).filter((text) => text !== '');
}

function jsonSchema(format: GenerationFields['response_format']): Readonly<Record<string, unknown>> | undefined {
  if (format === undefined || format.type === 'text') return undefined;
  if (format.type === 'json_object') return ANY_OBJECT;
  const { schema } = format.json_schema;
  boundSchema(schema, 'response_format.json_schema.schema');
  return schema;
}

/**
 * Refuses a schema that is too deep or too large. Without recursion: a body may nest as deep as it is long, and a stack is shorter.
 * @param param - where it lies in the body
 * @throws {@link InvalidRequestError}
 */
export function boundSchema(schema: object, param: string): void {
  let nodes = 0;
  let level: object[] = [schema];
  for (let depth = 1; level.length > 0; depth++) {
    nodes += level.length;
    if (depth > MAX_SCHEMA_DEPTH || nodes > MAX_SCHEMA_NODES) {
      throw new InvalidRequestError(
        `${param}: expected at most ${MAX_SCHEMA_DEPTH} levels and ${MAX_SCHEMA_NODES} nodes.`,
        param,
      );
    }
    level = level.flatMap((node) => Object.values(node).filter((value) => typeof value === 'object' && value !== null));
  }
}
