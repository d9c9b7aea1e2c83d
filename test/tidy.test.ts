/** House rules that a machine can hold. Each has a case that trips it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const PURE = ['task', 'event', 'resource', 'queue', 'predictor', 'policy', 'scheduler'];

function filesUnder(folder: string, ending: RegExp): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => ending.test(name))
    .map((name) => join(folder, name));
}

const rules = [
  {
    name: 'the pure layers know no clock, no chance and no timer',
    files: () => PURE.flatMap((layer) => filesUnder(`lib/${layer}`, /\.ts$/)),
    banned: /\b(Date\.now|performance\.now|Math\.random|setTimeout|setInterval|setImmediate|process\.)\b/,
    trips: 'const now = Date.now();',
  },
  {
    name: 'the pure layers make no promises',
    files: () => PURE.flatMap((layer) => filesUnder(`lib/${layer}`, /\.ts$/)),
    banned: /\basync\b|\bawait\b|new Promise\b/,
    trips: 'await work();',
  },
  {
    name: 'nothing is left for later',
    files: () =>
      ['lib', 'native', 'test', 'bench', 'scripts', 'examples'].flatMap((folder) =>
        filesUnder(folder, /\.(ts|mjs|cjs|h|cc)$/),
      ),
    banned: new RegExp(
      `\\b(${['TO', 'DO'].join('')}|${['FIX', 'ME'].join('')}|${['XX', 'X'].join('')})\\b|\\.(only)\\(`,
    ),
    trips: `// ${['TO', 'DO'].join('')}: later`,
  },
  {
    name: 'tests do not sleep',
    files: () => filesUnder('test', /\.ts$/).filter((file) => !file.endsWith('tidy.test.ts')),
    banned: /setTimeout\(\s*(resolve|r|done)\s*,|timers\/promises|\bsleep\(/,
    trips: 'await new Promise((resolve) => setTimeout(resolve, 50));',
  },
  {
    name: 'no path of a machine and no registry host is named',
    files: () =>
      [
        ...['lib', 'native', 'test', 'bench', 'scripts', 'docs', 'examples'].flatMap((folder) =>
          filesUnder(folder, /\.\w+$/),
        ),
        'package.json',
        'package-lock.json',
        'README.md',
      ].filter((file) => !file.endsWith('tidy.test.ts')),
    banned: /registry\.npmjs|"\/(root|home)\/|\/work\/(main|shared)/,
    trips: 'see /work/main/lib',
  },
];

describe.each(rules)('$name', ({ files, banned, trips }) => {
  it('holds', () => {
    const broken = files().filter((file) => banned.test(readFileSync(file, 'utf8')));
    expect(broken).toEqual([]);
  });

  it('would notice', () => {
    expect(banned.test(trips)).toBe(true);
  });
});

it('lib keeps one concept a file: none is longer than 450 lines', () => {
  const long = filesUnder('lib', /\.ts$/).filter((file) => readFileSync(file, 'utf8').split('\n').length > 450);
  expect(long).toEqual([]);
});
