/** Whether a yard starts anything. It does while nothing speaks against it. */
import { EventKind } from './event/index.js';
import type { Runtime } from './runtime/runtime.js';

export type Closure = 'paused' | 'clearing' | 'closed';

export class YardGate {
  readonly #runtime: Runtime;
  readonly #closures = new Set<Closure>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  has(closure: Closure): boolean {
    return this.#closures.has(closure);
  }

  shut(closure: Closure): void {
    const isOpen = this.#closures.size === 0;
    this.#closures.add(closure);
    if (isOpen) this.#runtime.dispatch(this.#runtime.begin(EventKind.shut));
  }

  open(closure: Closure): void {
    const isLast = this.#closures.delete(closure) && this.#closures.size === 0;
    if (isLast) this.#runtime.dispatch(this.#runtime.begin(EventKind.open));
  }
}
