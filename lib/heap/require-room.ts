import { InvalidOptionError } from '../base/index.js';

/** Checks that a batch of pushes has as many values, and room for as many handles, as priorities. */
export function requireRoom(priorities: Float64Array, values: Float64Array, handles: Float64Array | undefined): void {
  if (!(priorities instanceof Float64Array) || !(values instanceof Float64Array)) {
    throw new InvalidOptionError('priorities', 'pushMany takes two Float64Arrays.');
  }
  if (values.length < priorities.length) {
    throw new InvalidOptionError(
      'values',
      `${priorities.length} priorities need as many values; got ${values.length}.`,
    );
  }
  if (handles !== undefined && handles.length < priorities.length) {
    throw new InvalidOptionError(
      'handles',
      `${priorities.length} priorities need room for as many handles; got ${handles.length}.`,
    );
  }
}
