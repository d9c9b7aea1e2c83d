import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { textRows } from '../../bench/suites/quality-text.js';

it.skipIf(!existsSync('dist/agents/built-in/index.js'))(
  'makes the rows that need no real model, and says which are left out (skipped without a build)',
  async () => {
    const skipped: string[] = [];
    const rows = await textRows({
      smoke: true,
      seed: 5,
      scratch: '',
      shared: undefined,
      note: () => {},
      skip: (row) => skipped.push(row),
    });
    expect(rows.map(({ agent, value }) => [agent, value])).toEqual([['translation', 1]]);
    // A third of the answers is spoilt, and the plain way sends them on.
    expect(rows[0]!.baseline.value).toBeGreaterThan(0.4);
    expect(rows[0]!.baseline.value).toBeLessThan(0.9);
    expect(skipped).toEqual(['summary', 'extraction', 'conversation']);
  },
);
