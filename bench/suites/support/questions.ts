/** Questions over the project's own documentation, with the sections that answer them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface DocumentQuestion {
  question: string;
  /** Any of these answers it. */
  answers: readonly Place[];
}

export interface Place {
  /** File in `docs/`. */
  page: string;
  /** A heading of it; the title of the page stands for what is before its first section. */
  section: string;
}

/** @param root - folder of the package */
export function readQuestions(root: string): DocumentQuestion[] {
  return JSON.parse(readFileSync(join(root, 'bench/questions/docs.json'), 'utf8')) as DocumentQuestion[];
}

export function readPages(root: string): { id: string; text: string }[] {
  const folder = join(root, 'docs');
  return readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => ({ id: name, text: readFileSync(join(folder, name), 'utf8') }));
}

/** Is it on a page that answers? */
export function isOnPage(question: DocumentQuestion, found: { document: string }): boolean {
  return question.answers.some(({ page }) => page === found.document);
}

/** Is what was found, or what it is a part of, one of the sections that answer? */
export function isAnsweredBy(question: DocumentQuestion, found: { document: string; section: string }): boolean {
  const headings = found.section.split(' › ');
  return question.answers.some(
    ({ page, section }) =>
      page === found.document && (headings.at(-1) === section || headings.slice(1).includes(section)),
  );
}
