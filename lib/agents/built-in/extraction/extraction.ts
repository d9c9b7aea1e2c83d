/** Takes data of a given schema out of texts of any length, and only what they say. */
import { z } from 'zod';
import { InvalidOutputError } from '../../../base/agent-errors.js';
import { isAgentyardError } from '../../../base/errors.js';
import type { AgentContext } from '../../agent-context.js';
import { defineAgent } from '../../define-agent.js';
import { jsonFormOf, withJsonSchema } from '../../json-form.js';
import type { AgentSchema, InferOut, JsonSchema } from '../../schema.js';
import { grammarFormOf, structured } from '../../structured.js';
import { issuesOf, validate } from '../../validate.js';
import { textSchema } from '../common/input-text.js';
import { mapParallel } from '../common/map-parallel.js';
import { type BuiltInOptions, builtInShape, readOptions } from '../common/options.js';
import { halves, splitText } from '../common/split-text.js';
import { type Evidence, Ground, type Grounded, groundValue } from './grounding.js';
import { mergeParts, partSchema } from './merge.js';
import { extractionPrompt, fieldLines } from './prompts.js';

export interface ExtractionOptions<S extends AgentSchema> extends BuiltInOptions {
  /** What to take out: any Standard Schema with a JSON Schema form. Descriptions of its fields are shown to the model. */
  schema: S;
  /** Said to the model in addition. */
  instructions?: string | undefined;
  /**
   * What becomes of values that the text does not have: "drop" makes them missing, or null, where the schema allows it; "report" leaves them and
   * names them in `ungrounded`. Values of enumerations, formats and booleans are not looked for. Default "drop".
   */
  grounding?: 'drop' | 'report' | undefined;
  /** Estimated tokens of text in one model call, 64 to 100,000; longer texts are read in parts. Default 1,500. */
  chunkTokens?: number | undefined;
  /** Longest answer of one call, tokens. Default 1,024. */
  maxTokens?: number | undefined;
  /** Model calls of one run at a time, ≥ 1. Default 16. */
  parallel?: number | undefined;
}

const optionsSchema = z.object({
  ...builtInShape,
  schema: z.unknown(),
  instructions: z.string().optional(),
  grounding: z.enum(['drop', 'report']).default('drop'),
  chunkTokens: z.int().min(64).max(100_000).default(1_500),
  maxTokens: z.int().min(1).default(1_024),
  parallel: z.int().min(1).default(16),
});
type Settings = z.output<typeof optionsSchema>;

export interface Extracted<T> {
  data: T;
  /**
   * Paths of values that the text does not have: dropped where the schema allows it, else still there. Of items that were dropped in parts of a
   * long text, with [] for their index.
   */
  ungrounded: string[];
  /** Where in the text values stand, for those that stand there as they are. */
  evidence: Evidence[];
  /** Parts that the text was read in. */
  parts: number;
}

/**
 * An agent that takes data out of a text: `{text}` → `{data, ungrounded, evidence, parts}`, `data` being a value of `schema`.
 *
 * Answers are bound to the schema; each value is then looked for in the text. A text beyond `chunkTokens` is read in parts at the same time,
 * in which every field may be missing; lists of the parts are joined, of single values the first counts, and the whole is checked by the schema.
 * @throws InvalidAgentError for wrong options and a schema without a JSON Schema form; InvalidRequestError for one that no grammar can hold
 */
export function extraction<S extends AgentSchema>(options: ExtractionOptions<S>) {
  const settings = readOptions('extraction', optionsSchema, options);
  const schema = structured(options.schema);
  const form = grammarFormOf(schema);
  const plan: Plan = {
    settings,
    schema,
    form,
    partForm: partSchema(form),
    fields: fieldLines(form),
  };
  return defineAgent({
    name: settings.name ?? 'extraction',
    version: settings.version,
    description: 'Takes data of a fixed schema out of a text.',
    input: z.object({ text: textSchema() }),
    output: outputSchema(schema),
    model: settings.model,
    timeoutMs: settings.timeoutMs,
    pure: true,
    run: async ({ text }, ctx) => (await extract(text, plan, ctx)) as Extracted<InferOut<S>>,
  });
}

interface Plan {
  settings: Settings;
  schema: AgentSchema;
  form: JsonSchema;
  /** Of data that may be incomplete. */
  partForm: JsonSchema;
  fields: string;
}

const SELF = 'data';

/** Data was checked by its schema already; another time would transform twice what the schema transforms. */
function outputSchema<S extends AgentSchema>(schema: S): AgentSchema<Extracted<InferOut<S>>> {
  const { $defs, $schema, ...form } = jsonFormOf('schema', schema, 'output');
  const around = z.object({
    data: z.custom<InferOut<S>>(),
    ungrounded: z.array(z.string()).describe('Paths of values that the text does not have.'),
    evidence: z
      .array(z.object({ path: z.string(), start: z.int(), end: z.int() }))
      .describe('Where in the text values stand.'),
    parts: z.int().min(1),
  });
  const { properties, ...rest } = z.toJSONSchema(around, { unrepresentable: 'any' });
  // What pointed at the root of the schema points at where that is now; its other definitions stay where references look for them.
  const text = JSON.stringify({ data: form, $defs: $defs ?? {} });
  const isRecursive = text.includes('"$ref":"#"');
  const moved = JSON.parse(text.replaceAll('"$ref":"#"', `"$ref":"#/$defs/${SELF}"`)) as {
    data: JsonSchema;
    $defs: Record<string, JsonSchema>;
  };
  if (isRecursive) moved.$defs[SELF] = moved.data;
  return withJsonSchema(around, {
    ...rest,
    properties: { ...properties, data: isRecursive ? { $ref: `#/$defs/${SELF}` } : moved.data },
    ...(Object.keys(moved.$defs).length === 0 ? {} : { $defs: moved.$defs }),
  }) as AgentSchema<Extracted<InferOut<S>>>;
}

async function extract(text: string, plan: Plan, ctx: AgentContext): Promise<Extracted<unknown>> {
  let parts: readonly string[] = splitText(text, { tokensMax: plan.settings.chunkTokens });
  if (parts.length === 1) {
    const whole = await readWhole(text, plan, ctx);
    if ('data' in whole) return whole;
    parts = whole.halves;
  }
  let done = 0;
  const found = await mapParallel(parts, plan.settings.parallel, async (part) => {
    const read = await readPart(part, plan, ctx);
    ctx.progress(++done, parts.length);
    return read;
  });
  return joined(text, found.flat(), plan, ctx);
}

/** Halves of the text when it does not fit the model, or its answer the limit: those may. */
async function readWhole(
  text: string,
  plan: Plan,
  ctx: AgentContext,
): Promise<Extracted<unknown> | { halves: [string, string] }> {
  const ground = new Ground(text);
  let last: Grounded | undefined;
  const drops = plan.settings.grounding === 'drop';
  const schema = withJsonSchema(
    checkedBy((value) => {
      last = groundValue(value, plan.form, ground, drops);
      return validate(plan.schema, last.value);
    }),
    plan.form,
  );
  try {
    const data = await ask(text, schema, plan, ctx, false);
    ctx.progress(1, 1);
    return { data, ungrounded: last?.ungrounded ?? [], evidence: last?.evidence ?? [], parts: 1 };
  } catch (error) {
    const parts = isTooLarge(error) ? halves(text) : undefined;
    if (parts === undefined) throw error;
    return { halves: parts };
  }
}

/** One part, in halves where it is too much for the model. */
async function readPart(text: string, plan: Plan, ctx: AgentContext): Promise<Grounded[]> {
  if (text.trim() === '') return [];
  const schema = withJsonSchema(
    checkedBy((value) => ({ value })),
    plan.partForm,
  );
  try {
    const value = await ask(text, schema, plan, ctx, true);
    return [groundValue(value, plan.partForm, new Ground(text), plan.settings.grounding === 'drop')];
  } catch (error) {
    const parts = isTooLarge(error) ? halves(text) : undefined;
    if (parts === undefined) throw error;
    return [...(await readPart(parts[0], plan, ctx)), ...(await readPart(parts[1], plan, ctx))];
  }
}

async function joined(
  text: string,
  found: readonly Grounded[],
  plan: Plan,
  ctx: AgentContext,
): Promise<Extracted<unknown>> {
  const merged = mergeParts(found.map(({ value }) => value));
  const checked = await validate(plan.schema, merged);
  if (checked.issues !== undefined) throw new InvalidOutputError(ctx.agent, issuesOf(checked.issues, merged));
  // Items have other places in the joined lists, so what is said of them is said anew.
  const { ungrounded, evidence } = groundValue(merged, plan.form, new Ground(text), false);
  const dropped = found.flatMap((part) => part.ungrounded).map((path) => path.replace(/\[\d+\]/g, '[]'));
  const gone = dropped.filter((path) => path.includes('[]') || !isThere(merged, path));
  return {
    data: checked.value,
    ungrounded: [...new Set([...ungrounded, ...gone])],
    evidence,
    parts: found.length,
  };
}

/** @param path - names with points between them */
function isThere(value: unknown, path: string): boolean {
  let at = value;
  for (const name of path.split('.')) at = (at as Record<string, unknown> | undefined | null)?.[name];
  return at !== undefined && at !== null;
}

function ask(text: string, schema: AgentSchema, plan: Plan, ctx: AgentContext, isPart: boolean): Promise<unknown> {
  const { instructions, maxTokens } = plan.settings;
  const messages = extractionPrompt(text.trim(), plan.fields, instructions, isPart);
  return ctx.object({ schema, messages, maxTokens, temperature: 0 });
}

function checkedBy(check: AgentSchema['~standard']['validate']): AgentSchema {
  return { '~standard': { version: 1, vendor: 'agentyard', validate: check } };
}

function isTooLarge(error: unknown): boolean {
  return isAgentyardError(error) && (error.code === 'AY_PROMPT_TOO_LONG' || error.code === 'AY_OUTPUT_TRUNCATED');
}
