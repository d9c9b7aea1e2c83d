/** Translates many texts into many languages, and loses nothing that must stand. */
import { z } from 'zod';
import { InvalidInputError } from '../../../base/agent-errors.js';
import { type AgentyardError, isAgentyardError } from '../../../base/errors.js';
import type { AgentContext } from '../../agent-context.js';
import { defineAgent } from '../../define-agent.js';
import { CHARACTERS_MAX, textSchema } from '../common/input-text.js';
import { mapParallel } from '../common/map-parallel.js';
import { type BuiltInOptions, builtInShape, readOptions } from '../common/options.js';
import { TEXTS_MAX } from '../common/texts-input.js';
import { type Glossary, type Term, termsFor } from './glossary.js';
import { languageSchema } from './language.js';
import { hasWords, type Languages } from './losses.js';
import { maskText } from './mask.js';
import { segmentsOf } from './segments.js';
import { type Ask, type NotTranslated, type Translated, translateText, type Way } from './translate-text.js';

export interface TranslationOptions extends BuiltInOptions {
  /** Target languages of a call that names none, as BCP 47 tags. Default: every call names them. */
  languages?: readonly string[] | undefined;
  /** Terms whose translation is settled, by term, then by language. Callers may add to it. */
  glossary?: Glossary | undefined;
  /** Said to the model in addition, such as a tone of voice. */
  instructions?: string | undefined;
  /** How often a text is asked for before marks take the place of what must stand, 1 to 10. Default 4. */
  attempts?: number | undefined;
  /** What becomes of a text that is not intact in the end: an entry that says so, or its source, marked as such. Default "fail". */
  onLoss?: 'fail' | 'source' | undefined;
  /** Model calls of one run at a time, ≥ 1. Default 16. */
  parallel?: number | undefined;
  /** Longer texts are translated in segments of so many estimated tokens, 32 to 4,000. Default 400. */
  segmentTokens?: number | undefined;
  /** Longest answer to one segment, tokens. Default 2,048; the model's context must hold it besides the segment. */
  maxTokens?: number | undefined;
  /** Of first answers, 0 to 2; later ones are at 0.3 at least, so that they differ. Default 0. */
  temperature?: number | undefined;
}

const optionsSchema = z.object({
  ...builtInShape,
  languages: z.array(languageSchema).min(1).optional(),
  glossary: z.record(z.string().trim().min(1), z.record(languageSchema, z.string().trim().min(1))).default({}),
  instructions: z.string().optional(),
  attempts: z.int().min(1).max(10).default(4),
  onLoss: z.enum(['fail', 'source']).default('fail'),
  parallel: z.int().min(1).default(16),
  segmentTokens: z.int().min(32).max(4_000).default(400),
  maxTokens: z.int().min(16).default(2_048),
  temperature: z.number().min(0).max(2).default(0),
});

const lossSchema = z.object({
  kind: z.enum(['placeholder', 'number', 'term', 'text']),
  problem: z.enum(['lost', 'added', 'misplaced', 'empty', 'unchanged', 'cut off']),
  text: z.string(),
});

const place = {
  index: z.int().describe('Index of the text in the input.'),
  language: z.string(),
  attempts: z.int().describe('Answers that the model gave for it.'),
};

const outcomeSchema = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('translated'),
    ...place,
    text: z.string(),
    intact: z.literal(true),
    way: z.enum(['plain', 'masked', 'pieces']).describe('How it was got; "pieces" reads worst.'),
  }),
  z.object({
    status: z.literal('source'),
    ...place,
    text: z.string(),
    intact: z.literal(false),
    losses: z.array(lossSchema),
  }),
  z.object({
    status: z.literal('failed'),
    ...place,
    code: z.string(),
    message: z.string(),
    losses: z.array(lossSchema),
  }),
]);
type Outcome = z.output<typeof outcomeSchema>;

const LATER_TEMPERATURE = 0.3;
/** Of an entry whose text is not intact after all attempts. */
export const LOST_CODE = 'AY_TRANSLATION_LOST';

const inputSchema = z.object({
  texts: z.array(textSchema(CHARACTERS_MAX)).min(1).max(TEXTS_MAX),
  languages: z.array(languageSchema).min(1).max(100).optional().describe('Target languages, BCP 47.'),
  source: languageSchema
    .optional()
    .describe('Language of the texts. With it, numbers are read and written as each language does.'),
  glossary: z
    .record(z.string().trim().min(1), z.record(languageSchema, z.string().trim().min(1)))
    .optional()
    .describe('Settled translations: by term, then by language.'),
});

/**
 * An agent that translates: `{texts, languages}` → `{translations}`, one entry per text and language, texts in their order and for each
 * the languages in theirs. Placeholders, tags, addresses, emoji, numbers by their value, and the terms of the glossary stand in every translation
 * that is delivered; what cannot be had intact is an entry of its own (see `onLoss`), and the others are unharmed.
 *
 * Costs one model call per segment and language, and one more for each answer that was not intact.
 * @throws InvalidAgentError for wrong options
 */
export function translation(options: TranslationOptions = {}) {
  const settings = readOptions('translation', optionsSchema, options);
  return defineAgent({
    name: settings.name ?? 'translation',
    version: settings.version,
    description:
      'Translates texts into one or many languages. Keeps placeholders, tags, links, emoji and numbers, and the terms of a glossary.',
    input: inputSchema,
    output: z.object({ translations: z.array(outcomeSchema) }),
    model: settings.model,
    timeoutMs: settings.timeoutMs,
    run: async (input, ctx) => {
      const languages = input.languages ?? settings.languages;
      if (languages === undefined) {
        throw new InvalidInputError(ctx.agent, [
          { path: 'languages', message: 'is missing', expected: 'at least one target language', got: 'missing' },
        ]);
      }
      return { translations: await translateAll(input, languages, settings, ctx) };
    },
  });
}

type Settings = z.output<typeof optionsSchema>;
type Input = z.output<typeof inputSchema>;

interface Unit {
  text: string;
  languages: Languages;
  /** Entries that it answers: the same text may come several times. */
  places: number[];
}

async function translateAll(
  input: Input,
  targets: readonly string[],
  settings: Settings,
  ctx: AgentContext,
): Promise<Outcome[]> {
  const glossary = { ...settings.glossary, ...input.glossary };
  const terms = new Map(targets.map((target) => [target, termsFor(glossary, target)]));
  const units = unitsOf(input, targets);
  const total = input.texts.length * targets.length;
  const outcomes = new Array<Outcome>(total);
  let done = 0;
  let firstError: AgentyardError | undefined;
  await mapParallel(units, settings.parallel, async (unit) => {
    const result = await translateUnit(unit, terms.get(unit.languages.to)!, settings, ctx);
    if ('error' in result) firstError ??= result.error;
    for (const at of unit.places) {
      outcomes[at] = outcomeOf(result, unit, Math.floor(at / targets.length), settings.onLoss);
    }
    done += unit.places.length;
    ctx.progress(done, total);
  });
  // Nothing could be done at all: that is no matter of the texts.
  if (firstError !== undefined && outcomes.every((one) => one.status === 'failed' && one.code !== LOST_CODE))
    throw firstError;
  return outcomes;
}

/** Each text and language once, in the order in which they are asked for. */
function unitsOf({ texts, source }: Input, targets: readonly string[]): Unit[] {
  const units = new Map<string, Unit>();
  for (const [index, text] of texts.entries()) {
    for (const [column, to] of targets.entries()) {
      const key = JSON.stringify([to, text]);
      const unit = units.get(key) ?? { text, languages: { from: source, to }, places: [] };
      unit.places.push(index * targets.length + column);
      units.set(key, unit);
    }
  }
  return [...units.values()];
}

interface Broken {
  error: AgentyardError;
  attempts: number;
}

type Result = Translated | NotTranslated | Broken;

async function translateUnit(
  unit: Unit,
  terms: readonly Term[],
  settings: Settings,
  ctx: AgentContext,
): Promise<Result> {
  const { text, languages } = unit;
  if (languages.from === languages.to) return { text, attempts: 0, way: 'plain' };
  const { attempts: plainAttempts, maxTokens, instructions } = settings;
  const task = { languages, terms, attempts: plainAttempts, maxTokens, instructions };
  let attempts = 0;
  const ask: Ask = async (messages, tokensMax, attempt) => {
    attempts++;
    const answer = await ctx
      .chat({
        messages,
        maxTokens: tokensMax,
        seed: attempt,
        temperature: attempt === 0 ? settings.temperature : Math.max(settings.temperature, LATER_TEMPERATURE),
      })
      .result();
    return { text: answer.text, isCut: answer.finishReason === 'length' };
  };
  try {
    let whole = '';
    let way: Way = 'plain';
    for (const segment of segmentsOf(text, settings.segmentTokens, terms)) {
      const result = hasWords(segment.text)
        ? await translateText(segment.text, task, ask)
        : { text: withoutWords(segment.text, languages, terms), attempts: 0, way };
      if ('losses' in result) return { losses: result.losses, attempts };
      whole += segment.before + result.text + segment.after;
      way = worse(way, result.way);
    }
    return { text: whole, attempts, way };
  } catch (error) {
    if (!isOfThisText(error) || ctx.signal.aborted) throw error;
    return { error, attempts };
  }
}

/** May the other texts still be translated after this? */
function isOfThisText(error: unknown): error is AgentyardError {
  return (
    isAgentyardError(error) &&
    (error.retryable || error.code === 'AY_PROMPT_TOO_LONG' || error.code === 'AY_ENGINE_FAILED')
  );
}

const WAYS: readonly Way[] = ['plain', 'masked', 'pieces'];

function worse(a: Way, b: Way): Way {
  return WAYS.indexOf(a) < WAYS.indexOf(b) ? b : a;
}

/** Figures and placeholders without a word: only the separators of numbers are another language's. */
function withoutWords(text: string, languages: Languages, terms: readonly Term[]): string {
  const masked = maskText(text, languages, terms);
  if (masked === undefined) return text;
  return masked.between.map((part, at) => (at === 0 ? part : `${masked.stands[at - 1]}${part}`)).join('');
}

function outcomeOf(result: Result, unit: Unit, index: number, onLoss: Settings['onLoss']): Outcome {
  const at = { index, language: unit.languages.to, attempts: result.attempts };
  if ('way' in result) return { status: 'translated', ...at, text: result.text, intact: true, way: result.way };
  const losses = 'losses' in result ? [...result.losses] : [];
  if (onLoss === 'source') return { status: 'source', ...at, text: unit.text, intact: false, losses };
  if ('error' in result)
    return { status: 'failed', ...at, code: result.error.code, message: result.error.message, losses };
  const what = losses
    .map(({ kind, problem, text }) => `${kind} ${problem}${text === '' ? '' : ` (${text})`}`)
    .join(', ');
  return {
    status: 'failed',
    ...at,
    code: LOST_CODE,
    message: `No answer of the model kept the text intact: ${what}.`,
    losses,
  };
}
