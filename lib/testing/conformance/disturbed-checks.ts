/** Checks of runs that are disturbed: cancelled, out of time, without a budget, with models that fail or talk nonsense. */
import { EngineError, TaskTimeoutError } from '../../base/errors.js';
import { FakeModel } from '../fake-model.js';
import type { Findings } from './check.js';
import { messageOf } from './static-checks.js';
import { runTrial, type Trial, type TrialBed } from './trial.js';

/** Models take longer than any patience of a check. */
const SLOW = { latencyMs: 3_600_000 };
const TIMEOUT_MS = 50;
const FAILURE = 'The fake model fails, as the check wants it.';
const NONSENSE = '"]}{ no answer to anything';

/** @returns the trials that were made */
export async function checkDisturbed(bed: TrialBed, inputs: readonly unknown[], findings: Findings): Promise<Trial[]> {
  const trials: Trial[] = [];
  for (const [index, input] of inputs.entries()) {
    const trial = await runTrial(bed, [input], { cancels: true, models: SLOW });
    trials.push(trial);
    checkStopped(trial, index, bed, findings);
  }
  if (findings.failed('cancel-honoured')) {
    for (const name of ['no-call-after-cancel', 'cancel-leaves-nothing'] as const) {
      findings.skip(name, 'It fails "cancel-honoured".');
    }
  }
  const deaf = findings.failedOf('cancel-honoured', 'no-call-after-cancel', 'cancel-leaves-nothing');
  if (deaf !== undefined) {
    findings.skip('timeout-honoured', `It fails "${deaf}".`);
  } else {
    for (const [index, input] of inputs.entries()) {
      const trial = await runTrial(bed, [input], { run: { timeoutMs: TIMEOUT_MS }, models: SLOW });
      trials.push(trial);
      checkTimeout(trial, index, bed, findings);
    }
  }
  for (const [index, input] of inputs.entries()) {
    trials.push(await checkBudget(bed, input, index, findings));
    trials.push(await checkFailingModels(bed, input, index, findings));
    trials.push(await checkNonsense(bed, input, index, findings));
  }
  return trials;
}

function checkStopped({ runs, tookTime, left }: Trial, index: number, bed: TrialBed, findings: Findings): void {
  if (!tookTime) return;
  if (runs.some(({ isEnded }) => !isEnded)) {
    findings.fault(
      'cancel-honoured',
      `Input ${index}: it still runs ${bed.cancelMs} ms after it was cancelled, and keeps its slot. Hand ctx.signal to whatever it waits for.`,
    );
    return;
  }
  const calls = runs.flatMap(({ callsAfterAbort }) => callsAfterAbort);
  if (calls.length > 0) {
    findings.fault(
      'no-call-after-cancel',
      `Input ${index}: it was cancelled, and then begins ctx.${calls[0]}. Throw on, or look at ctx.signal.`,
    );
  }
  if (left.length > 0) {
    findings.fault(
      'cancel-leaves-nothing',
      `Input ${index}: ${bed.cancelMs} ms after it was cancelled there are still ${left.join(', ')}.`,
    );
  }
}

function checkTimeout(
  { ends: [end], runs, tookTime, left }: Trial,
  index: number,
  bed: TrialBed,
  findings: Findings,
): void {
  if (!tookTime) return;
  const calls = runs.flatMap(({ callsAfterAbort }) => callsAfterAbort);
  const isTold = end?.kind === 'failed' && end.error instanceof TaskTimeoutError;
  // An agent that ends by itself before its time is up is no fault.
  if (end?.kind === 'completed' || (end?.kind === 'failed' && !isTold && calls.length === 0 && left.length === 0))
    return;
  if (runs.some(({ isEnded }) => !isEnded)) {
    findings.fault('timeout-honoured', `Input ${index}: it still runs ${bed.cancelMs} ms after its time was up.`);
  } else if (calls.length > 0) {
    findings.fault('timeout-honoured', `Input ${index}: its time was up, and then it begins ctx.${calls[0]}.`);
  } else if (left.length > 0) {
    findings.fault(
      'timeout-honoured',
      `Input ${index}: ${bed.cancelMs} ms after its time was up there are still ${left.join(', ')}.`,
    );
  }
}

async function checkBudget(bed: TrialBed, input: unknown, index: number, findings: Findings): Promise<Trial> {
  const trial = await runTrial(bed, [input], { run: { budget: 0 } });
  const [end] = trial.ends;
  if (end?.kind === 'hung') {
    findings.fault('budget-kept', `Input ${index}: without a budget for models and agents it does not end.`);
  } else if (end?.kind === 'failed' && !isOverBudget(end.error)) {
    findings.fault(
      'budget-kept',
      `Input ${index}: without a budget it fails with "${messageOf(end.error)}", and nobody learns why. Let the error through, or keep it as the cause.`,
    );
  }
  return trial;
}

function isOverBudget(error: unknown): boolean {
  let at = error;
  for (let depth = 0; depth < CAUSES_MAX && at instanceof Error; depth++) {
    if ((at as { code?: unknown }).code === 'AY_OVER_BUDGET') return true;
    if (at instanceof AggregateError && at.errors.some(isOverBudget)) return true;
    at = at.cause;
  }
  return false;
}

const CAUSES_MAX = 16;

async function checkFailingModels(bed: TrialBed, input: unknown, index: number, findings: Findings): Promise<Trial> {
  const trial = await runTrial(bed, [input], { models: { fails: () => new EngineError(FAILURE) } });
  if (trial.ends[0]?.kind === 'hung') {
    findings.fault(
      'model-failure-settles',
      `Input ${index}: when models fail it neither fails nor gives up within ${bed.endMs} ms.`,
    );
  }
  return trial;
}

async function checkNonsense(bed: TrialBed, input: unknown, index: number, findings: Findings): Promise<Trial> {
  const trial = await runTrial(bed, [input], { replaceModels: talksNonsense });
  if (trial.ends[0]?.kind === 'hung') {
    findings.fault(
      'nonsense-settles',
      `Input ${index}: when models talk nonsense it asks again and again. Give up after a number of times.`,
    );
  }
  return trial;
}

function talksNonsense(model: FakeModel): FakeModel {
  if (model.skills.makeAnswer === undefined) return model;
  return new FakeModel({ ...model.skills, makeAnswer: () => () => ({ text: NONSENSE }) }, model.options);
}
