/** What a check is: a name that stays, a verdict, and words for whoever has to mend the agent. */

/** Every check, in the order in which they are made. docs/testing-agents.md says what each asks for. */
export const CONFORMANCE_CHECKS = [
  'well-described',
  'accepts-inputs',
  'refuses-invalid-inputs',
  'input-json-form-agrees',
  'declarations-in-range',
  'declarations-steady',
  'declarations-keep-input',
  'ends',
  'output-fits',
  'output-is-json',
  'output-json-form-agrees',
  'input-kept',
  'progress-grows',
  'progress-within-total',
  'parts-add-up',
  'no-open-child',
  'silent-after-end',
  'no-timer-left',
  'pure-is-pure',
  'no-state-between-runs',
  'runs-side-by-side',
  'cancel-honoured',
  'no-call-after-cancel',
  'cancel-leaves-nothing',
  'timeout-honoured',
  'budget-kept',
  'model-failure-settles',
  'nonsense-settles',
  'throws-errors',
  'errors-tell-no-input',
  'no-unhandled-rejection',
] as const;

export type CheckName = (typeof CONFORMANCE_CHECKS)[number];

export interface ConformanceCheck {
  name: CheckName;
  /** False only when it was made and the agent failed it. */
  ok: boolean;
  /** It could not be made, or does not apply; `detail` says why. */
  skipped: boolean;
  /** What is wrong, or why it was skipped; empty when all is well. */
  detail: string;
}

/** What a check found: nothing, a fault, or a reason why it was not made. */
export type Verdict = { fault: string } | { skipped: string } | undefined;

/** Collects verdicts; whoever asks for a check twice has the first fault stand. */
export class Findings {
  readonly #verdicts = new Map<CheckName, Verdict>();

  fault(name: CheckName, fault: string): void {
    if (!this.failed(name)) this.#verdicts.set(name, { fault });
  }

  skip(name: CheckName, skipped: string): void {
    if (this.#verdicts.get(name) === undefined) this.#verdicts.set(name, { skipped });
  }

  failed(name: CheckName): boolean {
    const verdict = this.#verdicts.get(name);
    return verdict !== undefined && 'fault' in verdict;
  }

  /** The first of `names` that failed. */
  failedOf(...names: CheckName[]): CheckName | undefined {
    return names.find((name) => this.failed(name));
  }

  report(): ConformanceCheck[] {
    return CONFORMANCE_CHECKS.map((name) => {
      const verdict = this.#verdicts.get(name);
      if (verdict === undefined) return { name, ok: true, skipped: false, detail: '' };
      if ('fault' in verdict) return { name, ok: false, skipped: false, detail: verdict.fault };
      return { name, ok: true, skipped: true, detail: verdict.skipped };
    });
  }
}
