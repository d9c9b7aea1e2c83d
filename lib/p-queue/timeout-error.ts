import { AgentyardError } from '../base/errors.js';

/** A task ran longer than its `timeout`. Its function may go on: nothing can stop it from outside. */
export class TimeoutError extends AgentyardError {
  constructor(message = 'The task ran longer than its time-out.') {
    super('AY_TASK_TIMEOUT', message);
  }
}
