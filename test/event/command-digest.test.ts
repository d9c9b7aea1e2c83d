import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CommandBuffer, CommandDigest, CommandKind } from '../../lib/event/index.js';
import { anyDouble } from '../support/any-event.js';

type Rows = readonly (readonly number[])[];

function buffer(rows: Rows): CommandBuffer {
  const commands = new CommandBuffer();
  for (const [kind, a, b, c, d] of rows) commands.push(kind as CommandKind, a, b, c, d);
  return commands;
}

function hashOf(turns: readonly Rows[]): string {
  const digest = new CommandDigest(createHash('sha256'));
  for (const rows of turns) digest.add(buffer(rows));
  return digest.sha256();
}

describe('the hash of the commands', () => {
  it('is SHA-256 over event, count, kind, a, b, c and d as little-endian doubles', () => {
    const bytes = Buffer.alloc(9 * 8);
    for (const [index, value] of [1, 1, CommandKind.start, 7, -1, -1, 0.5, 2, 0].entries()) {
      bytes.writeDoubleLE(value, index * 8);
    }
    const expected = createHash('sha256').update(bytes).digest('hex');
    expect(hashOf([[[CommandKind.start, 7, -1, -1, 0.5]], []])).toBe(expected);
  });

  it('takes every NaN for the same one', () => {
    const patterns = new Float64Array(2);
    new BigUint64Array(patterns.buffer).set([0x7ff8000000000000n, 0xfff8000000000001n]);
    const [one, other] = patterns;
    expect(hashOf([[[CommandKind.wakeAt, one!, 0, 0, 0]]])).toBe(hashOf([[[CommandKind.wakeAt, other!, 0, 0, 0]]]));
    const bytes = Buffer.alloc(7 * 8);
    for (const [index, value] of [1, 1, CommandKind.wakeAt, 0, 0, 0, 0].entries()) {
      bytes.writeDoubleLE(value, index * 8);
    }
    bytes.writeBigUInt64LE(0x7ff8000000000000n, 3 * 8);
    expect(hashOf([[[CommandKind.wakeAt, one!, 0, 0, 0]]])).toBe(createHash('sha256').update(bytes).digest('hex'));
  });

  it('differs with any number of any command, and with the event it belongs to', () => {
    const command = fc.tuple(
      fc.constantFrom(...Object.values(CommandKind)),
      anyDouble,
      anyDouble,
      anyDouble,
      anyDouble,
    );
    const turns = fc.array(fc.array(command, { maxLength: 4 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(turns, turns, (one, other) => {
        const isSame = JSON.stringify(one, exact) === JSON.stringify(other, exact);
        expect(hashOf(one) === hashOf(other)).toBe(isSame);
      }),
    );
    expect(hashOf([[[4, 1, 0, 0, 0]], []])).not.toBe(hashOf([[], [[4, 1, 0, 0, 0]]]));
    expect(hashOf([[[4, 0, 0, 0, 0]]])).not.toBe(hashOf([[[4, -0, 0, 0, 0]]]));
  });

  it('may be asked for in between, and counts', () => {
    const digest = new CommandDigest(createHash('sha256'));
    const turn = Array.from({ length: 300 }, (_, task) => [CommandKind.freed, task, 0, 0, 0]);
    digest.add(buffer(turn));
    expect(digest.sha256()).toBe(hashOf([turn]));
    expect(digest.sha256()).toBe(hashOf([turn]));
    digest.add(buffer(turn));
    digest.add(buffer([]));
    expect(digest.sha256()).toBe(hashOf([turn, turn, []]));
    expect(digest).toMatchObject({ events: 3, commands: 600 });
  });
});

/** JSON that tells all doubles apart. */
function exact(_key: string, value: unknown): unknown {
  if (typeof value !== 'number') return value;
  return Object.is(value, -0) ? '-0' : String(value);
}
