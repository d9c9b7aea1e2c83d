/** What arguments of options are read with. */
import { InvalidArgumentError } from 'commander';

/** A parser of whole numbers in a range. */
export function wholeNumber(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isInteger(value) && value >= minimum && value <= maximum) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${minimum} to ${maximum}.`);
  };
}

/** A timer of Node holds 2^31 − 1 ms: some 24 days. */
const MAX_SECONDS = 2_000_000;

export function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= MAX_SECONDS) return value;
  throw new InvalidArgumentError(`Expected seconds from 0 to ${MAX_SECONDS}.`);
}

/** Collects an option that may be given several times. */
export function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}

/** Our typed refusals, in the way commander prints its own. */
export function refusing<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}
