/** What the built-in agents are worth: each on data of its kind, beside a plain way to do the same. The table of docs/quality.md. */
import type { Row, Suite } from '../suite.js';
import type { QualityContext, QualityRow } from './quality-row.js';

const OURS = 'agentyard';

/** Each is loaded when it is its turn: what breaks one leaves the others. */
const SOURCES: readonly (() => Promise<(context: QualityContext) => Promise<QualityRow[]>>)[] = [
  async () => (await import('./quality-vectors.js')).vectorRows,
  async () => (await import('./quality-text.js')).textRows,
  async () => (await import('./quality-text.js')).textRows,
];

export const suite: Suite = {
  name: 'quality',
  description: 'how well the built-in agents do their work, beside a plain way on the same data',
  operation:
    'Not a measurement of time: each figure is a share in [0, 1], larger is better. The first line of a block is the agent with its defaults, the ' +
    'second the plain way. Real models and data come from AGENTYARD_SHARED.',
  async run(context) {
    const { smoke, seed, scratch, shared } = context;
    const quality: QualityContext = {
      smoke,
      seed,
      scratch,
      shared,
      note: (line) => context.note(line),
      skip: (row, reason) => context.skip(row, reason),
    };
    for (const load of SOURCES) {
      const rows = await (await load())(quality);
      for (const row of rows) context.record(rowsOf(row));
    }
  },
};

/** The words of a row go into the name of its workload, so that a file of results holds all that the table says. */
export const SEPARATOR = ' | ';

function rowsOf(row: QualityRow): Row[] {
  const { agent, task, data, split, seed, metric, value, spread = 0, baseline, note = '' } = row;
  const workload = [agent, task, data, split, `seed ${seed}`, note].join(SEPARATOR);
  const figure = (contender: string, share: number, half: number): Row => ({
    suite: 'quality',
    workload,
    contender,
    metric,
    unit: 'share',
    median: share,
    min: share - half,
    max: share + half,
    reps: 1,
    samples: [share],
  });
  return [figure(OURS, value, spread / 2), figure(baseline.name, baseline.value, 0)];
}

/** The table of docs/quality.md, from recorded rows. */
export function qualityTable(rows: readonly Row[]): string {
  const lines = rows
    .filter(({ suite, contender }) => suite === 'quality' && contender === OURS)
    .map((ours) => {
      const [agent, task, data, split, seed, note] = ours.workload.split(SEPARATOR);
      const plain = rows.find(
        ({ workload, metric, contender }) => workload === ours.workload && metric === ours.metric && contender !== OURS,
      );
      const spread = ours.max - ours.min;
      const value = `${share(ours.median)}${spread > 0 ? ` (spread ${share(spread)})` : ''}`;
      const baseline = plain === undefined ? '' : `${plain.contender}: ${share(plain.median)}`;
      return `| ${[agent, task, data, `${split}; ${seed}`, ours.metric, value, baseline, note].join(' | ')} |`;
    });
  return [
    '| agent | task | data | split | figure | agentyard | baseline | note |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...lines,
  ].join('\n');
}

function share(value: number): string {
  return value.toFixed(3);
}
