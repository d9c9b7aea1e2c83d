/** The benchmark's command line. */
import { parseArgs } from 'node:util';
import leven from 'leven';

/** The word that measures the promises again instead of running a suite. */
export const GATE = 'gate';

export interface Options {
  /** Suites to run, in this order; or the gate alone; or nothing: list what there is. */
  names: readonly string[];
  /** Run each contender once at the smallest size, for correctness only. */
  smoke: boolean;
  /** File to write results to. */
  json: string | undefined;
  /** Runs of each contender; undefined means the default. */
  reps: number | undefined;
  /** Default 1. */
  seed: number;
}

/** A mistake in the command line: shown without a stack. */
export class UsageError extends Error {}

/** @throws {@link UsageError} for an unknown option, a value out of range, or a name that is neither a suite nor the gate */
export function readOptions(args: readonly string[], suiteNames: readonly string[]): Options {
  const { values, positionals: names } = parse(args);
  for (const name of names) checkName(name, [...suiteNames, GATE]);
  if (names.includes(GATE) && names.length > 1) throw new UsageError('The gate runs alone.');
  if (names.includes(GATE) && values.smoke) throw new UsageError('The gate measures; it has no smoke run.');
  return {
    names,
    smoke: values.smoke,
    json: values.json,
    reps: values.reps === undefined ? undefined : positiveInteger('--reps', values.reps),
    seed: values.seed === undefined ? 1 : positiveInteger('--seed', values.seed),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        smoke: { type: 'boolean', default: false },
        json: { type: 'string' },
        reps: { type: 'string' },
        seed: { type: 'string' },
      },
    });
  } catch (error) {
    // Node's own wording names the option.
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function checkName(name: string, known: readonly string[]): void {
  if (known.includes(name)) return;
  const nearest = known.reduce((best, candidate) => (leven(name, candidate) < leven(name, best) ? candidate : best));
  const suggestion = leven(name, nearest) <= Math.max(2, name.length / 2) ? ` Did you mean "${nearest}"?` : '';
  throw new UsageError(`There is no benchmark "${name}".${suggestion} Known: ${known.join(', ')}.`);
}

function positiveInteger(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new UsageError(`${option} expects a positive integer, got "${text}".`);
  return value;
}
