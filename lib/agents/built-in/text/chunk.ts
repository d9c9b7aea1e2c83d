/**
 * Cuts a document into passages for retrieval: by its headings (Markdown), then into whole sentences, lines of lists and tables, and
 * blocks of code, packed up to a size. Neighbours of one section share their last and first sentences, so that a thought that spans
 * the cut is whole in one of them.
 *
 * Promises: (1) without what is repeated, the passages hold every character of the body that is no white space, in order, and headings are
 * named by `section`; (2) no passage is longer than `charactersMax`; (3) none is empty.
 */
import { sentencesOf } from './segment.js';

export interface ChunkOptions {
  /** Longest passage in UTF-16 units, without its heading, ≥ 50. Four make about one token of English. */
  charactersMax: number;
  /** At most so much of the end of a passage is repeated at the beginning of the next, < charactersMax. */
  overlapCharacters: number;
}

export interface Chunk {
  /** Headings above the passage, outermost first; empty before the first. */
  section: readonly string[];
  text: string;
}

/** A sentence, a line or a piece of one. `glue` stands between it and the next in the same passage. */
interface Unit {
  text: string;
  glue: string;
}

const HEADING = /^ {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$/u;
const FENCE = /^ {0,3}(```+|~~~+)/u;
/** Lines that stand for themselves: items of lists, rows of tables, quotations. */
const OWN_LINE = /^\s*(?:[-*+•][ \t]|\d+[.)][ \t]|\||>)/u;

export function chunksOf(document: string, options: ChunkOptions): Chunk[] {
  const chunks: Chunk[] = [];
  for (const { section, units } of sectionsOf(document, options.charactersMax)) {
    for (const text of packed(units, options)) chunks.push({ section, text });
  }
  return chunks;
}

interface Section {
  section: readonly string[];
  units: Unit[];
}

function sectionsOf(document: string, charactersMax: number): Section[] {
  const sections: Section[] = [];
  let path: string[] = [];
  let units: Unit[] = [];
  let paragraph: string[] = [];
  let fence: string | undefined;

  const endParagraph = () => {
    if (paragraph.length > 0) units.push(...unitsOf(paragraph, charactersMax));
    paragraph = [];
  };
  const endSection = () => {
    endParagraph();
    if (units.length > 0) sections.push({ section: path, units });
    units = [];
  };

  for (const line of document.split(/\r\n|\r|\n/u)) {
    const opened = FENCE.exec(line)?.[1];
    if (fence !== undefined || opened !== undefined) {
      if (fence === undefined) {
        endParagraph();
        fence = opened;
      } else if (opened?.startsWith(fence) === true) {
        fence = undefined;
      }
      if (line.trim() !== '') units.push(...pieces(line.trimEnd(), '\n', charactersMax));
      continue;
    }
    const heading = HEADING.exec(line);
    if (heading !== null && heading[2] !== '') {
      endSection();
      // Levels that were skipped are not held against anybody.
      path = [...path.slice(0, heading[1]!.length - 1), heading[2]!];
    } else if (line.trim() === '') {
      endParagraph();
    } else {
      if (OWN_LINE.test(line)) endParagraph();
      paragraph.push(line.trim());
    }
  }
  endSection();
  return sections;
}

/** Sentences of a paragraph, whose lines belong together. */
function unitsOf(lines: readonly string[], charactersMax: number): Unit[] {
  const sentences = sentencesOf(lines.join(' '))
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== '');
  return sentences.flatMap((sentence, index) =>
    pieces(sentence, index === sentences.length - 1 ? '\n' : ' ', charactersMax),
  );
}

/** A unit that is too long for a passage is cut at a space or, where there is none for long, between two characters. */
function pieces(text: string, glue: string, charactersMax: number): Unit[] {
  const cut: Unit[] = [];
  let rest = text;
  while (rest.length > charactersMax) {
    const space = rest.lastIndexOf(' ', charactersMax);
    let at = space > charactersMax / 2 ? space : charactersMax;
    // Not between the halves of a surrogate pair.
    if (at > 1 && /[\ud800-\udbff]/u.test(rest[at - 1]!) && at === charactersMax) at--;
    const head = rest.slice(0, at).trimEnd();
    if (head.trim() !== '') cut.push({ text: head, glue: ' ' });
    rest = rest.slice(at).trimStart();
  }
  if (rest.trim() !== '') cut.push({ text: rest, glue });
  return cut;
}

function packed(units: readonly Unit[], { charactersMax, overlapCharacters }: ChunkOptions): string[] {
  const texts: string[] = [];
  let open: Unit[] = [];
  let length = 0;
  const add = (unit: Unit) => {
    length += (open.length === 0 ? 0 : open.at(-1)!.glue.length) + unit.text.length;
    open.push(unit);
  };
  for (const unit of units) {
    if (open.length > 0 && length + open.at(-1)!.glue.length + unit.text.length > charactersMax) {
      texts.push(joined(open));
      const repeated = tail(open, Math.min(overlapCharacters, charactersMax - unit.text.length - 1));
      open = [];
      length = 0;
      for (const one of repeated) add(one);
    }
    add(unit);
  }
  if (open.length > 0) texts.push(joined(open));
  return texts;
}

/** The last units that are not longer than `characters` together, and not all of them. */
function tail(units: readonly Unit[], characters: number): Unit[] {
  let from = units.length;
  let length = 0;
  while (from > 1) {
    const { text, glue } = units[from - 1]!;
    length += text.length + glue.length;
    if (length > characters) break;
    from--;
  }
  return units.slice(from);
}

function joined(units: readonly Unit[]): string {
  return units.map(({ text, glue }, index) => (index === units.length - 1 ? text : text + glue)).join('');
}
