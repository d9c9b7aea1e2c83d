/**
 * One text into one language, intact or not at all. In turn, until an answer holds:
 *
 * 1. the text as it is, up to `attempts` times, each time with what the last answer lost by name;
 * 2. the text with marks in the place of what must stand, {@link MASKED_ATTEMPTS} times;
 * 3. the stretches between the marks one by one, put together by us: the weakest reading, and nothing left that could be lost.
 */
import { mapParallel } from '../common/map-parallel.js';
import { estimateTokens } from '../common/token-estimate.js';
import type { Term } from './glossary.js';
import { type Languages, type Loss, lossesOf } from './losses.js';
import { type MaskedText, maskText, unmaskText } from './mask.js';
import { marksPrompt, repairPrompt, systemPrompt } from './prompts.js';

/** Which of the three ways gave the translation. */
export type Way = 'plain' | 'masked' | 'pieces';

export interface Translated {
  text: string;
  attempts: number;
  way: Way;
}

export interface NotTranslated {
  losses: readonly Loss[];
  attempts: number;
}

/** An answer of the model; `isCut` when the limit of tokens ended it. */
export interface Answer {
  text: string;
  isCut: boolean;
}

export interface Turn {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

/** Asks the model. `attempt` counts from 0 within a text, and tells seeds apart. */
export type Ask = (messages: readonly Turn[], maxTokens: number, attempt: number) => Promise<Answer>;

export interface TranslationTask {
  languages: Languages;
  terms: readonly Term[];
  instructions: string | undefined;
  /** Plain attempts, ≥ 1. */
  attempts: number;
  /** Longest answer, tokens. */
  maxTokens: number;
}

const MASKED_ATTEMPTS = 2;
const PIECE_ATTEMPTS = 2;
/** Translations of short texts may be much longer than they, in tokens of a vocabulary that is made for another language above all. */
const TOKENS_MORE = 48;
const TOKENS_TIMES = 2;

/** @param source - without white space at its ends */
export async function translateText(
  source: string,
  task: TranslationTask,
  ask: Ask,
): Promise<Translated | NotTranslated> {
  const { languages, terms, instructions } = task;
  const system = systemPrompt(languages.from, languages.to, instructions, terms);
  let attempts = 0;
  const count: Ask = (messages, maxTokens, attempt) => {
    attempts++;
    return ask(messages, maxTokens, attempt);
  };
  const plain = await persist(
    { system, source, attempts: task.attempts, maxTokens: task.maxTokens },
    count,
    (text) => ({ text, losses: lossesOf(source, text, languages, terms) }),
  );
  if (plain.losses.length === 0) return { text: plain.text, attempts, way: 'plain' };
  const masked = maskText(source, languages, terms);
  if (masked === undefined) return { losses: plain.losses, attempts };

  const marks = marksPrompt(...masked.brackets, masked.stands.length);
  const restored = await persist(
    { system: `${system}\n${marks}`, source: masked.text, attempts: MASKED_ATTEMPTS, maxTokens: task.maxTokens },
    count,
    (answer) => {
      const { text, losses } = unmaskText(answer, masked);
      return { text, losses: losses.length > 0 ? losses : lossesOf(source, text, languages, terms) };
    },
  );
  if (restored.losses.length === 0) return { text: restored.text, attempts, way: 'masked' };

  const text = await fromPieces(masked, task, count);
  const losses = text === undefined ? plain.losses : lossesOf(source, text, languages, terms);
  return text === undefined || losses.length > 0 ? { losses, attempts } : { text, attempts, way: 'pieces' };
}

interface Judged {
  text: string;
  losses: readonly Loss[];
}

interface Order {
  system: string;
  source: string;
  attempts: number;
  maxTokens: number;
}

/** Asks until `judge` finds nothing missing; the last judgement when it never does. */
async function persist(order: Order, ask: Ask, judge: (answer: string) => Judged): Promise<Judged> {
  const first: Turn[] = [
    { role: 'system', content: order.system },
    { role: 'user', content: order.source },
  ];
  let messages = first;
  let maxTokens = Math.min(order.maxTokens, TOKENS_TIMES * estimateTokens(order.source) + TOKENS_MORE);
  let judged: Judged = { text: '', losses: [] };
  for (let attempt = 0; attempt < order.attempts; attempt++) {
    const answer = await ask(messages, maxTokens, attempt);
    const text = withoutWrapping(answer.text, order.source);
    judged = answer.isCut ? { text, losses: [{ kind: 'text', problem: 'cut off', text: '' }] } : judge(text);
    if (judged.losses.length === 0) return judged;
    if (answer.isCut) {
      // It may have been about to end; the same words again with more room. One that rambles is ended by the limit of all.
      maxTokens = Math.min(order.maxTokens, 2 * maxTokens);
      messages = first;
      continue;
    }
    // The last answer only: a row of wrong ones teaches a model to go on with them.
    const said: Turn = { role: 'assistant', content: answer.text.trim() === '' ? '…' : answer.text };
    messages = [...first, said, { role: 'user', content: repairPrompt(judged.losses) }];
  }
  return judged;
}

/** What models put around an answer though they were told not to. */
function withoutWrapping(answer: string, source: string): string {
  let text = answer.trim();
  const fenced = /^```[\w-]*\n([\s\S]*?)\n?```$/.exec(text);
  if (fenced !== null && !source.includes('```')) text = fenced[1]!.trim();
  if (!/^translation\s*:/i.test(source)) text = text.replace(/^translation\s*:\s*/i, '');
  const quoted = /^(?:"([^"]*)"|“([^”]*)”|„([^“”]*)[“”]|«\s*([^»]*?)\s*»)$/.exec(text);
  if (quoted !== null && !/^["“„«]/.test(source)) text = quoted.slice(1).find((inner) => inner !== undefined) ?? text;
  return text;
}

/** Stretches with fewer letters, like the "s" of "{n}s", are no words of their own. */
const LETTERS_MIN = 2;

async function fromPieces(masked: MaskedText, task: TranslationTask, ask: Ask): Promise<string | undefined> {
  const { from, to } = task.languages;
  const system = systemPrompt(from, to, task.instructions, []);
  const pieces = await mapParallel(masked.between, 1, async (piece) => {
    const core = piece.trim();
    if ((core.match(/\p{L}/gu)?.length ?? 0) < LETTERS_MIN) return piece;
    const judged = await persist(
      { system, source: core, attempts: PIECE_ATTEMPTS, maxTokens: task.maxTokens },
      ask,
      (text) => ({
        text,
        losses: lossesOf(core, text, task.languages, []).filter(({ problem }) => problem !== 'unchanged'),
      }),
    );
    return judged.losses.length > 0 ? undefined : piece.replace(core, () => judged.text);
  });
  if (pieces.includes(undefined)) return undefined;
  return pieces.map((piece, at) => (at === 0 ? piece : `${masked.stands[at - 1]}${piece}`)).join('');
}
