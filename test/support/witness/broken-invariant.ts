/** A statement about the scheduler that turned out not to hold. */
export class BrokenInvariant extends Error {
  /** The statement, as it should be. */
  readonly invariant: string;

  constructor(invariant: string, detail: string) {
    super(`${invariant}: ${detail}`);
    this.name = 'BrokenInvariant';
    this.invariant = invariant;
  }
}

/** @throws BrokenInvariant, always: callers ask first, so that no message is built while all is well */
export function broken(invariant: string, detail: string): never {
  throw new BrokenInvariant(invariant, detail);
}
