/**
 * Tokens of the stand-in embedding model. A word falls into pieces of three letters, so that forms of one word ("reserve", "reservation")
 * share some, and little words of English are tokens of their own, so that they can be made to count for little.
 *
 * The tokenizer (BERT's) writes everything small, takes accents off, and cuts each word from the left by the longest piece that fits. A word with a
 * character that is no token (Chinese, say) becomes the unknown token as a whole.
 */
import { SPACE_MARK } from './stand-in-vocabulary.js';

/** As GGUF's `tokenizer.ggml.token_type` has them. */
const TokenType = { normal: 1, unknown: 2, control: 3 } as const;

export interface EmbedderToken {
  /** Pieces at the beginning of a word begin with the mark of a space. */
  text: string;
  type: number;
  /** Its weight in the mean, in (0, 1). */
  weight: number;
}

export const EMBEDDER_CONTROL_TOKENS = { unknown: 0, begin: 1, end: 2, padding: 3 } as const;

/** Beginnings say most about a word; single letters are everywhere. */
const WEIGHT = {
  control: 0.02,
  little: 0.05,
  single: 0.1,
  pair: 0.3,
  inner: 0.5,
  digit: 0.6,
  beginning: 0.95,
} as const;

const LETTERS = [...'abcdefghijklmnopqrstuvwxyz'];
/** Alphabets of which each letter is a piece: their texts are told apart, if only roughly. */
const OTHER_LETTERS = [...'αβγδεζηθικλμνξοπρσςτυφχψω', ...'абвгдежзийклмнопрстуфхцчшщъыьэюяєіґ', ...'ßæøœðþłđı'];

/** Words that nearly every English text has: they say nothing about what it is about. */
const LITTLE_WORDS =
  'a i an as at be by do he if in is it me my no of on or so to up us we am go ' +
  'the and for are was with that this have has had not but you your from they will would can could what when where which ' +
  'who why how does did its our their there then than them these those been being about into over after before because ' +
  'should some any all also just only more most such very may might must shall were she her him his out off too own same ' +
  'here each few both other again once between during while get got make made want need please like one';

/** In a fixed order, each text once. */
export function embedderTokens(): EmbedderToken[] {
  const tokens = new Map<string, EmbedderToken>();
  const add = (text: string, weight: number, type: number = TokenType.normal) => {
    if (!tokens.has(text)) tokens.set(text, { text, type, weight });
  };
  add('[UNK]', WEIGHT.control, TokenType.unknown);
  for (const text of ['[CLS]', '[SEP]', '[PAD]']) add(text, WEIGHT.control, TokenType.control);
  for (const word of LITTLE_WORDS.split(' ')) add(SPACE_MARK + word, WEIGHT.little);
  for (let code = 0x21; code < 0x7f; code++) {
    const character = String.fromCharCode(code);
    if (/[A-Z]/.test(character)) continue;
    const weight = /\d/.test(character) ? WEIGHT.digit : WEIGHT.single;
    add(SPACE_MARK + character, weight);
    add(character, weight);
  }
  for (const letter of OTHER_LETTERS) {
    add(SPACE_MARK + letter, WEIGHT.inner);
    add(letter, WEIGHT.inner);
  }
  for (const first of LETTERS) {
    for (const second of LETTERS) {
      add(SPACE_MARK + first + second, WEIGHT.inner);
      add(first + second, WEIGHT.pair);
      for (const third of LETTERS) {
        add(SPACE_MARK + first + second + third, WEIGHT.beginning);
        add(first + second + third, WEIGHT.inner);
      }
    }
  }
  return [...tokens.values()];
}
