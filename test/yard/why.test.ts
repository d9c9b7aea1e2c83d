import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { RunningWhy, WaitingWhy } from '../../lib/runtime/why.js';
import { Yard, type YardPorts } from '../../lib/yard.js';
import type { YardOptions } from '../../lib/yard-options.js';
import { makeGate, settleMicrotasks } from '../support/gate.js';

/** A yard whose clock stands at `clock.ms`. */
function makeYard(options: YardOptions = {}): { yard: Yard; clock: { ms: number } } {
  const clock = { ms: 1_000 };
  const ports: Partial<YardPorts> = { clock: { nowMs: () => clock.ms } };
  return { yard: new Yard(options, ports), clock };
}

const whyWaiting = (yard: Yard, id: string) => yard.why(id) as WaitingWhy;

describe('why', () => {
  it('says by name what a task waits for, who holds it, who goes first and who is ahead', async () => {
    const { yard, clock } = makeYard({ concurrency: 2, pools: { gpu: 8 }, order: 'fcfs' });
    const gate = makeGate();
    const first = yard.add(gate.run, { id: 'first', demand: { slots: 1, gpu: 6 }, tenant: 'ann' });
    const second = yard.add(gate.run, { id: 'second', demand: { gpu: 4 }, tenant: 'bob' });
    const third = yard.add(gate.run, { id: 'third', demand: { gpu: 4 }, tenant: 'bob' });
    clock.ms = 1_250;
    expect(yard.why('third')).toEqual({
      id: 'third',
      tenant: 'bob',
      state: 'queued',
      text: 'waits for gpu (needs 4; 2 of 8 free, held by first); 1 of its tenant before it, next second (order)',
      waitMs: 250,
      attempts: 0,
      leader: undefined,
      blockers: [
        {
          kind: 'pool',
          pool: 'gpu',
          needed: 4,
          free: 2,
          capacity: 8,
          keptForOthers: 0,
          isKept: false,
          holders: [{ id: 'first', tenant: 'ann', amount: 6 }],
          holderCount: 1,
        },
      ],
      next: { id: 'second', tenant: 'bob', rule: 'order', starts: true },
      ahead: { ofTenant: 1, tenants: 0 },
      heldByAncestor: undefined,
      reservation: undefined,
      estimate: undefined,
    } satisfies WaitingWhy);
    expect(yard.why('first')).toEqual({
      id: 'first',
      tenant: 'ann',
      state: 'granted',
      text: 'started 250 ms ago; holds 1 of slots and 6 of gpu',
      waitMs: 0,
      runMs: 250,
      attempts: 1,
      holds: { slots: 1, gpu: 6 },
    } satisfies RunningWhy);
    gate.open();
    await Promise.all([first, second, third]);
    expect(yard.why('third')).toBeUndefined();
    expect(yard.why('nobody')).toBeUndefined();
  });

  it('says times from now', async () => {
    const { yard, clock } = makeYard({ windows: { calls: { limit: 1, windowMs: 10_000 } } });
    await yard.add(() => {}, { demand: { calls: 1 } });
    const second = yard.add(() => {}, { id: 'call', demand: { calls: 1 } });
    let attempts = 0;
    const retried = yard.add(
      () => {
        attempts++;
        throw new Error('busy');
      },
      { id: 'retried', retry: { attempts: 2, minMs: 5_000, maxMs: 5_000 } },
    );
    const ends = Promise.allSettled([second, retried]);
    await settleMicrotasks();
    clock.ms = 2_500;
    const call = whyWaiting(yard, 'call');
    expect(call.blockers).toEqual([expect.objectContaining({ kind: 'window', pool: 'calls', freeInMs: 8_500 })]);
    expect(call.estimate).toEqual({ startInMs: 8_500, basis: 'window' });
    expect(call.text).toBe('waits for calls (needs 1; 0 of 1 left, enough in 8.5 s); may start in about 8.5 s');
    const backOff = whyWaiting(yard, 'retried');
    const { inMs } = backOff.blockers[0] as Extract<WaitingWhy['blockers'][number], { kind: 'backOff' }>;
    expect(backOff).toMatchObject({ state: 'submitted', attempts: 1, blockers: [{ kind: 'backOff' }] });
    expect(inMs).toBeGreaterThan(0);
    expect(inMs).toBeLessThan(5_000);
    expect(backOff.text).toMatch(/^waits [\d.]+ m?s before its next attempt; may start in about [\d.]+ m?s$/);
    expect(attempts).toBe(1);
    await yard.close();
    await ends;
  });

  it('names the group, the head of a reservation, and an ancestor that holds what its child waits for', async () => {
    const { yard } = makeYard({ concurrency: 4 });
    const gate = makeGate();
    const all = [
      yard.add(gate.run, { id: 'one', group: 'file' }),
      yard.add(gate.run, { id: 'two', group: 'file' }),
      yard.add(gate.run, { id: 'parent', demand: { slots: 2 } }),
      yard.add(gate.run, { id: 'large', demand: { slots: 3 } }),
      yard.add(gate.run, { id: 'small' }),
    ];
    expect(whyWaiting(yard, 'two').text).toBe('waits for its group (1 at a time: one)');
    expect(whyWaiting(yard, 'two').blockers[0]).toMatchObject({ inside: [{ id: 'one' }], next: { id: 'two' } });
    expect(whyWaiting(yard, 'small').text).toBe(
      'slots is reserved for large; 1 of its tenant before it, next large (reserved)',
    );
    expect(whyWaiting(yard, 'large').text).toContain('has it reserved for 0 ms');
    const full = makeYard({ concurrency: 1 }).yard;
    all.push(full.add(gate.run, { id: 'parent' }), full.add(gate.run, { id: 'child', parent: 'parent' }));
    expect(whyWaiting(full, 'child')).toMatchObject({ heldByAncestor: { id: 'parent' } });
    expect(whyWaiting(full, 'child').text).toContain('its ancestor parent is among those in the way');
    gate.open();
    await Promise.all(all);
  });

  it('says that the yard is paused, and that members of a gang wait for each other', async () => {
    const { yard } = makeYard({ concurrency: 2 });
    const gate = makeGate();
    const running = yard.add(gate.run, { id: 'running' });
    const gang = yard.addAll([() => 1, () => 2], { together: true });
    const [leader, member] = yard.tasks().slice(1);
    expect(whyWaiting(yard, member!.id)).toMatchObject({ leader: { id: leader!.id }, blockers: [{ needed: 2 }] });
    expect(whyWaiting(yard, member!.id).text).toContain(`starts together with ${leader!.id}`);
    yard.pause();
    expect(whyWaiting(yard, leader!.id).text).toMatch(/^the yard is paused, and waits for slots/);
    yard.start();
    gate.open();
    expect(await Promise.all([running, gang])).toHaveLength(2);
  });

  it('answers what docs/why.md shows', async () => {
    const { yard, clock } = makeYard({ pools: { gpu: 24 } });
    const gate = makeGate();
    const all = [
      yard.add(gate.run, { id: 'embed-1', tenant: 'search', demand: { gpu: 12 } }),
      yard.add(gate.run, { id: 'chat-1', tenant: 'ann', demand: { gpu: 8 } }),
    ];
    clock.ms += 100;
    for (const id of ['chat-2', 'chat-3']) all.push(yard.add(gate.run, { id, tenant: 'ann', demand: { gpu: 8 } }));
    clock.ms += 2_200;
    const [, shown] = /```json\n([\s\S]*?)```/.exec(readFileSync('docs/why.md', 'utf8'))!;
    expect(JSON.parse(JSON.stringify(yard.why('chat-3')))).toEqual(JSON.parse(shown!));
    gate.open();
    await Promise.all(all);
  });
});
