/** How a schema is refused: by keyword and place, so that its author finds the line. */
import { InvalidRequestError } from '../base/errors.js';

/** @param at - path inside the schema, as "properties.tags.items"; empty for the whole */
export function refusal(what: string, at: string): InvalidRequestError {
  return new InvalidRequestError(`The JSON schema ${what}${at === '' ? '' : ` (at "${at}")`}.`, 'jsonSchema');
}

export function unsupported(keyword: string, at: string): InvalidRequestError {
  return refusal(`uses "${keyword}" where it is not supported`, at);
}

export function step(at: string, ...steps: readonly (string | number)[]): string {
  return [...(at === '' ? [] : [at]), ...steps].join('.');
}
