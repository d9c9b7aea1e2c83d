/** Results as a table for people and as a file for programs. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Environment } from './environment.js';
import type { Row, Skip } from './suite.js';

export interface Report {
  environment: Environment;
  /** Figures of a smoke run show that the benchmark works, nothing else. */
  smoke: boolean;
  seed: number;
  suites: readonly { name: string; operation: string }[];
  rows: readonly Row[];
  skips: readonly Skip[];
}

export async function writeReport(path: string, report: Report): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify(report, null, 2)}\n`);
}

/** Columns as wide as their widest cell; the first is aligned left, the others right. */
export function formatTable(header: readonly string[], lines: readonly (readonly string[])[]): string {
  const all = [header, ...lines];
  const widths = header.map((_, column) => Math.max(...all.map((cells) => cells[column]?.length ?? 0)));
  const format = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd();
  return [format(header), widths.map((width) => '-'.repeat(width)).join('  '), ...lines.map(format)].join('\n');
}

/** Four significant digits, without an exponent for everyday sizes. */
export function formatNumber(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude >= 1000 && magnitude < 1e15) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(4)));
}

/** One block per workload; the last column compares each median with that of the first contender. */
export function formatRows(rows: readonly Row[]): string {
  const workloads = [...new Set(rows.map((row) => row.workload))];
  return workloads
    .map((workload) => {
      const own = rows.filter((row) => row.workload === workload);
      const lines = own.map((row) => {
        const first = own.find((other) => other.metric === row.metric && other.unit === row.unit)!;
        return [
          row.contender,
          row.metric,
          formatNumber(row.median),
          `${formatNumber(row.min)} to ${formatNumber(row.max)}`,
          row.unit,
          String(row.reps),
          `${(row.median / first.median).toFixed(2)}x`,
        ];
      });
      return `${workload}\n${formatTable(['contender', 'metric', 'median', 'min to max', 'unit', 'runs', 'to first'], lines)}`;
    })
    .join('\n\n');
}
