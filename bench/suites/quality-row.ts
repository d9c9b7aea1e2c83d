/** One line of the table of quality (docs/quality.md): what an agent does, on which data, and what a plain way does on the same. */
export interface QualityRow {
  /** Name of the built-in agent. */
  agent: string;
  /** What is asked of it, in a few words. */
  task: string;
  /** Where the texts come from. */
  data: string;
  /** What was measured on, and what was learnt from, with their sizes. */
  split: string;
  seed: number;
  /** What `value` counts, larger is better: "accuracy", "facts kept". */
  metric: string;
  /** A share in [0, 1]. */
  value: number;
  /** Largest minus smallest over the repetitions, where there were several. */
  spread?: number;
  /** The plain way on the same data, judged by the same metric. */
  baseline: { name: string; value: number };
  /** Anything without which the figures mislead. */
  note?: string;
}

/** What the frame hands to those who make rows. */
export interface QualityContext {
  /** For correctness only: few texts. Its figures mean nothing. */
  readonly smoke: boolean;
  readonly seed: number;
  /** An empty folder, removed afterwards. */
  readonly scratch: string;
  /** Folder with the real models and data sets, when there is one. */
  readonly shared: string | undefined;
  /** A line for the reader of the terminal. */
  note(line: string): void;
  /** Says why a row is not there. */
  skip(row: string, reason: string): void;
}
