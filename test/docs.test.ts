/** Words that code can check: tables in the documentation, links, and the page that is generated from the error classes. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEFAULT_CLASSES, TASK_CLASSES } from '../lib/task/index.js';

const pages = ['README.md', 'CHANGELOG.md', ...readdirSync('docs').map((name) => `docs/${name}`)].filter((page) =>
  page.endsWith('.md'),
);

describe('links', () => {
  it.each(pages)('of %s lead to files that exist', (page) => {
    const text = readFileSync(page, 'utf8');
    const broken = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)(#[^)]*)?\)/g)]
      .map(([, target]) => target!)
      .filter((target) => !existsSync(join(dirname(page), target)));
    expect(broken).toEqual([]);
  });

  it('finds a broken one', () => {
    expect(existsSync('docs/no-such-page.md')).toBe(false);
  });
});

it('docs/tasks.md gives the defaults of the classes', () => {
  const text = readFileSync('docs/tasks.md', 'utf8');
  const number = (value: number) => value.toLocaleString('en-US');
  for (const [index, name] of TASK_CLASSES.entries()) {
    const { step, queueLimit, boundMs, timeoutMs } = DEFAULT_CLASSES[index]!;
    const row = text.split('\n').find((line) => line.startsWith(`| \`${name}\``));
    const cells = row?.split('|').map((cell) => cell.trim());
    expect(cells?.slice(2, 6)).toEqual([
      String(step),
      number(queueLimit),
      `${number(boundMs / 1_000)} s`,
      `${number(timeoutMs / 1_000)} s`,
    ]);
  }
});

it('README.md shows the figures of bench/results/ and no others', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/readme.mjs', '--check'], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

interface ErrorEntry {
  name: string;
  code: string;
  doc: string;
}

function errorClasses(): ErrorEntry[] {
  const source = ['errors', 'agent-errors'].map((name) => readFileSync(`lib/base/${name}.ts`, 'utf8')).join('\n');
  const classes = source.matchAll(
    /\/\*\*\s*((?:(?!\*\/)[\s\S])*?)\s*\*\/\s*export class (\w+) extends AgentyardError \{([\s\S]*?)\n\}/g,
  );
  return [...classes].map(([, doc, name, body]) => ({
    name: name!,
    code: /'(AY_[A-Z_]+)'/.exec(body!)![1]!,
    doc: doc!.replace(/\s*\n\s*\*\s?/g, ' ').trim(),
  }));
}

it('docs/errors.md lists every error class (vitest -u writes it)', async () => {
  const entries = errorClasses();
  expect(new Set(entries.map(({ code }) => code)).size).toBe(entries.length);
  expect(entries.length).toBeGreaterThan(10);
  const rows = entries.map(({ name, code, doc }) => `| \`${code}\` | \`${name}\` | ${doc} |`);
  const page = `# Errors

Generated from \`lib/base/errors.ts\` and \`lib/base/agent-errors.ts\`. Every error has a stable \`code\`, \`retryable\` and, when known, \`retryAfterMs\`; numbers in a message are
also fields. \`isAgentyardError(value)\` recognises them across copies of the package.

| code | class | when |
| --- | --- | --- |
${rows.join('\n')}
`;
  await expect(page).toMatchFileSnapshot('../docs/errors.md');
});
