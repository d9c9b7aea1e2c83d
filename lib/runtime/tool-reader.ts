/**
 * Tells calls of tools from text while an answer comes in, in pieces that are cut anywhere.
 *
 * States: text → head (after the opening tag, until the name is known) → arguments (given out as they come) → tail (until the
 * closing tag) → text. Held back: text that may be the beginning of a tag, blanks that may be followed by nothing but a call, and a
 * head. What turns out to be no call of a tool that was offered is text: only backends without a grammar write such.
 */
import type { ToolCall } from './backend.js';
import type { ChatPart } from './service.js';
import { CALL_BEGIN, CALL_END } from './tool-prompt.js';

const HEAD = /^\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"arguments"\s*:\s*(?=\{)/;
const TAIL = /^\s*\}\s*<\/tool_call>/;
/** A head is shorter than this however it is spaced: names have 64 characters at most. */
const HEAD_CHARACTERS_MAX = 256;

type State = 'text' | 'head' | 'arguments' | 'tail';

export class ToolCallReader {
  /** Complete calls so far. */
  readonly calls: ToolCall[] = [];
  /** The answer ended inside a call, or with one that is no valid JSON. Known after {@link finish}. */
  isCut = false;
  readonly #answerId: string;
  readonly #names: ReadonlySet<string>;
  #state: State = 'text';
  #held = '';
  /** Has text been given out since the last call? Until then blanks are held back. */
  #isInText = false;
  /** Calls of which a piece was given out. */
  #begun = 0;
  #name = '';
  #arguments = '';
  #depth = 0;
  #isInString = false;
  #isEscaped = false;

  /**
   * @param answerId - unique among answers: ids of calls begin with it
   * @param names - tools that may be called
   */
  constructor(answerId: string, names: Iterable<string>) {
    this.#answerId = answerId;
    this.#names = new Set(names);
  }

  /** Takes the next piece of the answer; returns what is certain now. */
  push(text: string): ChatPart[] {
    this.#held += text;
    const parts: ChatPart[] = [];
    while (this.#advance(parts)) {
      // One state after the other, as far as the text goes.
    }
    return parts;
  }

  /** The answer is over: returns what was held back, unless it is the torso of a call. */
  finish(): ChatPart[] {
    const rest = this.#held;
    this.#held = '';
    switch (this.#state) {
      case 'text': {
        const isAfterCall = !this.#isInText && this.calls.length > 0;
        if (rest === '' || (isAfterCall && rest.trim() === '')) return [];
        if (!isAfterCall || !CALL_BEGIN.startsWith(rest.trim())) return [{ text: rest }];
        this.isCut = true;
        return [];
      }
      case 'head':
        if (rest.trimStart() !== '' && !rest.trimStart().startsWith('{')) return [{ text: CALL_BEGIN + rest }];
        this.isCut = true;
        return [];
      case 'arguments':
        this.isCut = true;
        return [];
      case 'tail':
        return [];
      default:
        return this.#state satisfies never;
    }
  }

  /** @returns whether there may be more to do */
  #advance(parts: ChatPart[]): boolean {
    if (this.#held === '') return false;
    switch (this.#state) {
      case 'text':
        return this.#readText(parts);
      case 'head':
        return this.#readHead(parts);
      case 'arguments':
        return this.#readArguments(parts);
      case 'tail':
        return this.#readTail();
      default:
        return this.#state satisfies never;
    }
  }

  #readText(parts: ChatPart[]): boolean {
    const at = this.#held.indexOf(CALL_BEGIN);
    const end = at >= 0 ? at : this.#held.length - overlap(this.#held, CALL_BEGIN);
    const text = this.#held.slice(0, end);
    const isBlank = !this.#isInText && text.trim() === '';
    if (at < 0 && isBlank) return false;
    if (!isBlank) parts.push({ text });
    this.#isInText ||= !isBlank;
    this.#held = this.#held.slice(at >= 0 ? at + CALL_BEGIN.length : end);
    if (at >= 0) this.#state = 'head';
    return at >= 0;
  }

  #readHead(parts: ChatPart[]): boolean {
    const match = HEAD.exec(this.#held);
    const name = match === null ? undefined : textOf(match[1]!);
    if (match === null || name === undefined || !this.#names.has(name)) {
      const isOver = match !== null || this.#held.includes(CALL_END) || this.#held.length > HEAD_CHARACTERS_MAX;
      if (!isOver) return false;
      parts.push({ text: CALL_BEGIN });
      this.#isInText = true;
      this.#state = 'text';
      return true;
    }
    this.#name = name;
    this.#arguments = '';
    this.#depth = 0;
    this.#held = this.#held.slice(match[0].length);
    const index = this.#begun++;
    parts.push({ text: '', toolCall: { index, id: this.#idOf(index), name, arguments: '' } });
    this.#state = 'arguments';
    return true;
  }

  #readArguments(parts: ChatPart[]): boolean {
    let at = 0;
    do this.#scan(this.#held.charCodeAt(at++));
    while (at < this.#held.length && this.#depth > 0);
    const piece = this.#held.slice(0, at);
    this.#held = this.#held.slice(at);
    this.#arguments += piece;
    const index = this.#begun - 1;
    parts.push({ text: '', toolCall: { index, arguments: piece } });
    if (this.#depth > 0) return false;
    const value = objectOf(this.#arguments);
    if (value === undefined) this.isCut = true;
    else this.calls.push({ id: this.#idOf(index), name: this.#name, arguments: value });
    this.#state = 'tail';
    return true;
  }

  #scan(code: number): void {
    if (this.#isInString) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (code === 0x5c /* \ */) this.#isEscaped = true;
      else if (code === 0x22 /* " */) this.#isInString = false;
      return;
    }
    if (code === 0x22 /* " */) this.#isInString = true;
    else if (code === 0x7b /* { */ || code === 0x5b /* [ */) this.#depth++;
    else if (code === 0x7d /* } */ || code === 0x5d /* ] */) this.#depth--;
  }

  #readTail(): boolean {
    const match = TAIL.exec(this.#held);
    if (match === null) {
      const soFar = this.#held.replaceAll(/\s/g, '');
      if (`}${CALL_END}`.startsWith(soFar)) return false;
    }
    this.#held = this.#held.slice(match?.[0].length ?? 0);
    this.#isInText = false;
    this.#state = 'text';
    return true;
  }

  #idOf(index: number): string {
    return `call_${this.#answerId}_${index}`;
  }
}

/** Length of the longest end of `text` that is a beginning of `tag`. */
function overlap(text: string, tag: string): number {
  for (let length = Math.min(text.length, tag.length - 1); length > 0; length--) {
    if (text.endsWith(tag.slice(0, length))) return length;
  }
  return 0;
}

function textOf(json: string): string | undefined {
  try {
    return JSON.parse(json) as string;
  } catch {
    return undefined;
  }
}

function objectOf(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
