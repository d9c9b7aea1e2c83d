/** Reads the labelled texts that the quality of agents is measured on. They lie in the shared folder and are never copied. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';

export interface LabelledText {
  text: string;
  label: string;
}

/** Questions of customers of a bank, by intent. Casanueva et al. 2020, CC-BY 4.0. */
export interface Banking {
  train: LabelledText[];
  test: LabelledText[];
}

export interface Editorial {
  text: string;
  /** Mean of twenty people's ratings, from -4 to 4. */
  score: number;
}

const BANKING = ['banking77_train.csv.gz', 'banking77_test.csv.gz'] as const;
const EDITORIALS = 'vader_nyt_editorials.tsv.gz';

function unpack(shared: string | undefined, file: string, encoding: 'utf8' | 'latin1'): string | undefined {
  if (shared === undefined) return undefined;
  const path = join(shared, 'data', file);
  return existsSync(path) ? gunzipSync(readFileSync(path)).toString(encoding) : undefined;
}

/** Undefined where the folder does not have it. */
export function readBanking(shared: string | undefined): Banking | undefined {
  const [train, test] = BANKING.map((file) => {
    const csv = unpack(shared, file, 'utf8');
    if (csv === undefined) return undefined;
    const rows = parse(csv, { columns: true }) as { text: string; category: string }[];
    return rows.map(({ text, category }) => ({ text, label: category }));
  });
  return train === undefined || test === undefined ? undefined : { train, test };
}

/** Sentences of editorials, rated by people. Hutto and Gilbert 2014, MIT. Undefined where the folder does not have them. */
export function readEditorials(shared: string | undefined): Editorial[] | undefined {
  const tsv = unpack(shared, EDITORIALS, 'latin1');
  if (tsv === undefined) return undefined;
  const rows = parse(tsv, { delimiter: '\t', quote: false, relax_column_count: true }) as string[][];
  return rows.map(([, score, ...text]) => ({ text: text.join('\t'), score: Number(score) }));
}

/** The first `count` texts of each label, in their order. */
export function firstOfEach(rows: readonly LabelledText[], count: number): LabelledText[] {
  const counts = new Map<string, number>();
  return rows.filter(({ label }) => {
    const seen = counts.get(label) ?? 0;
    counts.set(label, seen + 1);
    return seen < count;
  });
}
