import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { AnyAgent } from '../../lib/agents/index.js';
import { InvalidOptionError } from '../../lib/base/errors.js';
import {
  CONFORMANCE_CHECKS,
  type ConformanceOptions,
  type ConformanceReport,
  conformance,
  describeConformance,
} from '../../lib/testing/index.js';
import { errorOf } from '../support/gate.js';
import { badAgents } from './bad-agents.js';
import { dice, judge, panel, patient, shout, teller } from './good-agents.js';

const TEXTS: ConformanceOptions = {
  inputs: [{ text: 'the first of two texts' }, { text: 'a second' }],
  invalidInputs: [{}, { text: 5 }, 'text'],
};

const good: readonly (readonly [AnyAgent, ConformanceOptions])[] = [
  [shout, { ...TEXTS, invalidInputs: [...TEXTS.invalidInputs!, { text: '' }] }],
  [judge, TEXTS],
  [teller, { ...TEXTS, partsOf: (output) => output.story }],
  [panel, { ...TEXTS, pools: { voice: 2 } }],
  [patient, { inputs: [{ waitMs: 50 }, { waitMs: 20_000 }], invalidInputs: [{ waitMs: 0 }] }],
  [dice, { inputs: [{ sides: 6 }], invalidInputs: [{ sides: 1.5 }] }],
];

function failedOf({ checks }: ConformanceReport): string[] {
  return checks.filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail}`);
}

describe('an agent without a fault passes', () => {
  for (const [agent, options] of good) describeConformance(agent, options, { describe, it });
});

describe('an agent with a fault', () => {
  it.each(badAgents)('that $fault fails "$fails" and nothing else', async ({ fails, agent, options }) => {
    const report = await conformance(agent, { ...TEXTS, ...options });
    expect(failedOf(report)).toEqual([expect.stringMatching(`^${fails}: .`)]);
    expect(report.ok).toBe(false);
  });

  it('is known for every check', () => {
    expect(new Set(badAgents.map(({ fails }) => fails))).toEqual(new Set(CONFORMANCE_CHECKS));
  });
});

describe('a report', () => {
  it('has every check once, and says why one was not made', async () => {
    const { agent, ok, checks } = await conformance(dice, { inputs: [{ sides: 6 }] });
    expect([agent, ok, checks.map(({ name }) => name)]).toEqual(['dice@1', true, [...CONFORMANCE_CHECKS]]);
    const skipped = checks.filter((check) => check.skipped);
    expect(skipped.map(({ name }) => name)).toEqual([
      'refuses-invalid-inputs',
      'parts-add-up',
      'pure-is-pure',
      'runs-side-by-side',
    ]);
    expect(skipped.every(({ detail }) => detail !== '')).toBe(true);
  });

  it('leaves out what is said not to apply', async () => {
    const counting = badAgents.find(({ fails }) => fails === 'no-state-between-runs')!.agent;
    const reason = 'It counts, as it is meant to.';
    const report = await conformance(counting, { ...TEXTS, skip: { 'no-state-between-runs': reason } });
    expect(report.ok).toBe(true);
    expect(report.checks.find(({ name }) => name === 'no-state-between-runs')).toEqual({
      name: 'no-state-between-runs',
      ok: true,
      skipped: true,
      detail: reason,
    });
  });

  it('compares outputs as it is told', async () => {
    const counting = badAgents.find(({ fails }) => fails === 'no-state-between-runs')!.agent;
    const sameOutput = (a: { text: string }, b: { text: string }) => a.text.split(' ')[0] === b.text.split(' ')[0];
    expect(failedOf(await conformance(counting, { ...TEXTS, sameOutput }))).toEqual([]);
  });

  it('can be made in real time too', async () => {
    const options: ConformanceOptions = { realTime: true, endMs: 500, inputs: [{ waitMs: 40 }], cancelMs: 50 };
    const report = await conformance(patient, options);
    expect(failedOf(report)).toEqual([]);
    const deaf = badAgents.find(({ fails }) => fails === 'cancel-honoured')!.agent;
    expect(failedOf(await conformance(deaf, { ...options, ...TEXTS }))).toEqual([expect.stringMatching('^ends: ')]);
  });

  it('leaves the process as it was, and reports wait for each other', async () => {
    const before = [globalThis.setTimeout, Date, Math.random, process.listenerCount('unhandledRejection')];
    const reports = await Promise.all([conformance(judge, TEXTS), conformance(shout, TEXTS)]);
    expect(reports.map(({ ok }) => ok)).toEqual([true, true]);
    expect([globalThis.setTimeout, Date, Math.random, process.listenerCount('unhandledRejection')]).toEqual(before);
  });

  it('needs an input, and knows its checks', async () => {
    expect(await errorOf(conformance(judge, { inputs: [] }))).toBeInstanceOf(InvalidOptionError);
    const skip = { 'no-such-check': 'really' } as ConformanceOptions['skip'];
    expect(await errorOf(conformance(judge, { ...TEXTS, skip }))).toMatchObject({ option: 'skip.no-such-check' });
  });
});

describe('as tests of a runner', () => {
  type Body = (...context: unknown[]) => Promise<void>;

  function collect(agent: AnyAgent): Map<string, Body> {
    const bodies = new Map<string, Body>();
    const describeAll = (_: string, body: () => void) => body();
    describeConformance(agent, TEXTS, { describe: describeAll, it: (name, body) => bodies.set(name, body) });
    return bodies;
  }

  it('each check is a test, which fails with what is wrong', async () => {
    const tests = collect(badAgents.find(({ fails }) => fails === 'input-kept')!.agent);
    expect([...tests.keys()]).toEqual([...CONFORMANCE_CHECKS]);
    expect(await errorOf(tests.get('input-kept')!())).toMatchObject({
      name: 'AssertionError',
      message: expect.stringContaining('bad@1 fails "input-kept": It changes the input'),
    });
    await tests.get('ends')!();
  });

  it('one that does not apply is skipped where the runner can', async () => {
    const tests = collect(judge);
    const reasons: unknown[] = [];
    await tests.get('pure-is-pure')!({ skip: (reason: unknown) => reasons.push(reason) });
    await tests.get('pure-is-pure')!();
    expect(reasons).toEqual(['It is not declared pure.']);
    // Runners that count parameters must not wait for a callback.
    expect([...tests.values()].every(({ length }) => length === 0)).toBe(true);
  });
});

it('docs/testing-agents.md says of every check what it asks for', () => {
  const page = readFileSync('docs/testing-agents.md', 'utf8');
  const section = page.slice(page.indexOf('| check |'));
  const named = [...section.matchAll(/^\| `([a-z-]+)` \| \S/gm)].map(([, name]) => name);
  expect(named).toEqual([...CONFORMANCE_CHECKS]);
});
