/** Functions that go on when the test says so. */
export interface Gate {
  /** For `yard.add`: counts as started when called, ends when opened. */
  readonly run: () => Promise<void>;
  readonly started: number;
  open(): void;
}

/** A function whose every call waits for `open`; calls after that return at once. */
export function makeGate(): Gate {
  let open!: () => void;
  let started = 0;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    run: () => {
      started++;
      return opened;
    },
    get started() {
      return started;
    },
    open,
  };
}

/** After everything that can happen without time or I/O has happened. */
export function settleMicrotasks(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The error that a promise rejects with; fails when it resolves. */
export async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  let result: unknown;
  try {
    result = await promise;
  } catch (error) {
    return error;
  }
  throw new Error(`It resolved with ${String(result)}.`);
}
