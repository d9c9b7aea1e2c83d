import { expect, it } from 'vitest';
import { InvalidOptionError } from '../../lib/base/errors.js';
import { ORDER_NAMES, orderByName, SHARE_NAMES, shareByName } from '../../lib/policy/index.js';

it('makes each policy under its own name', () => {
  for (const name of ORDER_NAMES) expect(orderByName(name).name).toBe(name);
  for (const name of SHARE_NAMES) expect(shareByName(name).name).toBe(name);
});

it('suggests the nearest name for an unknown one', () => {
  expect(() => orderByName('priorty')).toThrow(InvalidOptionError);
  expect(() => orderByName('priorty')).toThrow(/Did you mean "priority"\?/);
});
