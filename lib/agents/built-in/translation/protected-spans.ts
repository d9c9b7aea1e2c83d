/** What a translator must copy and not translate: placeholders, tags, addresses, emoji. Found by pattern, left to right. */

export type SpanKind = 'url' | 'email' | 'tag' | 'placeholder' | 'entity' | 'emoji';

export interface ProtectedSpan {
  kind: SpanKind;
  start: number;
  end: number;
  text: string;
}

/**
 * Earlier ones win where several would begin at the same place. Texts come from strangers, so each pattern is bounded: none looks far from
 * where it begins, and a megabyte of one character takes no longer than one of prose.
 */
const PATTERNS: readonly (readonly [SpanKind, RegExp])[] = [
  // Characters of RFC 3986, and braces of templates in it; what belongs to the sentence around it is cut off below.
  ['url', /(?:(?:https?|ftp):\/\/|(?<![\w.])www\.)[\w.~:/?#[\]@!$&'()*+,;=%{}-]{1,2048}/u],
  ['email', /(?<![\w.%+-])[\w.%+-]{1,64}@[A-Za-z\d-]{1,63}(?:\.[A-Za-z\d-]{1,63}){1,8}/u],
  ['tag', /<!--[\s\S]{0,1000}?-->|<\/?[A-Za-z][\w:.-]*(?:\s[^<>]*)?\/?>/u],
  // {{{x}}} {{x}} {% x %} ${x} #{x} %{x}
  ['placeholder', /\{\{\{[^{}]*\}\}\}|\{\{[^{}]*\}\}|\{%[^{}]*?%\}|[$#%]\{[^{}]*\}/u],
  // {x} {0} {} {price, number, currency}. "{see below}" and the branches of plurals are prose.
  ['placeholder', /\{\s*(?:[\p{L}\p{N}_$@][\p{L}\p{N}_$.:[\]-]*\s*(?:,\s*(?:number|date|time|duration)\b[^{}]*)?)?\}/u],
  // printf: %s %d %.2f %1$s %ld %(name)s %@ %%. No blank as a flag: "100% sure" is prose.
  [
    'placeholder',
    /%%|(?<!\p{N})%(?:\d{1,3}\$|\(\w+\))?[-+0#]{0,4}\d{0,4}(?:\.\d{1,4})?(?:hh|h|ll|l|q|j|z|t)?[sdiufFeEgGxXocp@](?!\p{L})/u,
  ],
  ['entity', /&(?:[A-Za-z][A-Za-z\d]{0,31}|#\d{1,7}|#[xX][\dA-Fa-f]{1,6});/u],
  ['emoji', /(?<![\p{L}\p{N}:]):(?=[\w+-]{0,63}[a-z+-]|100:)[\w+-]{1,64}:(?![\p{L}\p{N}:])/u],
  [
    'emoji',
    /\p{RI}\p{RI}|\p{Extended_Pictographic}(?:\ufe0f|\p{EMod})?(?:\u200d\p{Extended_Pictographic}(?:\ufe0f|\p{EMod})?)*/u,
  ],
];

const ANY = new RegExp(PATTERNS.map(([, pattern]) => `(${pattern.source})`).join('|'), 'gu');

/** Those of a text, in its order, none inside another. */
export function protectedSpans(text: string): ProtectedSpan[] {
  const spans: ProtectedSpan[] = [];
  ANY.lastIndex = 0;
  for (let match = ANY.exec(text); match !== null; match = ANY.exec(text)) {
    const kind = PATTERNS[match.slice(1).findIndex((group) => group !== undefined)]![0];
    const found = kind === 'url' ? withoutSentence(match[0]) : match[0];
    ANY.lastIndex = match.index + found.length;
    spans.push({ kind, start: match.index, end: match.index + found.length, text: found });
  }
  return spans;
}

const OPENS: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

/** An address without the stop, quote or bracket that the sentence puts behind it. A bracket that was opened in it is its own. */
function withoutSentence(url: string): string {
  const counts = new Map<string, number>();
  for (const character of url) counts.set(character, (counts.get(character) ?? 0) + 1);
  const count = (character: string) => counts.get(character) ?? 0;
  let end = url.length;
  for (; end > 0; end--) {
    const last = url[end - 1]!;
    const opens = OPENS[last];
    const isOurs = opens !== undefined && count(last) <= count(opens);
    if (isOurs || !/[.,;:!?'*_)\]}]/.test(last)) break;
    counts.set(last, count(last) - 1);
  }
  return url.slice(0, end);
}

/** Placeholders of printf that take the next argument, whichever that is: their order is their meaning. */
export function isPositional({ kind, text }: ProtectedSpan): boolean {
  return kind === 'placeholder' && /^%(?![%({]|\d+\$)/.test(text);
}
