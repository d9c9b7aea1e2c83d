/** Lists of token ids and of texts. Checked by hand: a schema collects one complaint per entry, and a body holds millions of entries. */
import { InvalidRequestError } from '../../base/index.js';
import { describe } from './explain-issue.js';

const MAX_TOKEN = 2 ** 31 - 1;

/** Are the entries meant as token ids (rather than as texts or further lists)? */
export function isTokenList(value: readonly unknown[]): boolean {
  return typeof value[0] === 'number';
}

/** @throws {@link InvalidRequestError} naming the first entry that is no token id */
export function checkTokens(value: readonly unknown[], param: string): readonly number[] {
  if (value.length === 0)
    throw new InvalidRequestError(`${param}: expected at least one token; got an empty list.`, param);
  const wrong = value.findIndex((entry) => !Number.isInteger(entry) || Number(entry) < 0 || Number(entry) > MAX_TOKEN);
  if (wrong >= 0) {
    const field = `${param}[${wrong}]`;
    throw new InvalidRequestError(`${field}: expected a token id of 0 or more; got ${describe(value[wrong])}.`, field);
  }
  return value as readonly number[];
}

/** @throws {@link InvalidRequestError} when the value is no text, or an empty one */
export function checkText(value: unknown, param: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new InvalidRequestError(
    `${param}: expected a text that is not empty; got ${value === '' ? 'an empty string' : describe(value)}.`,
    param,
  );
}
