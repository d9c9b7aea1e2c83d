import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgentRegistry } from '../../lib/agents/index.js';
import { DuplicateAgentError, InvalidAgentError, UnknownAgentError } from '../../lib/base/agent-errors.js';
import { textAgent } from './support.js';

const agent = (name: string, version: string, deprecated?: string) =>
  textAgent(name, (input) => input, { version, deprecated });

function versionOf(registry: AgentRegistry, reference: string): string {
  return registry.find(reference).version;
}

describe('a reference', () => {
  const registry = new AgentRegistry([
    agent('sum', '2.10'),
    agent('sum', '1'),
    agent('sum', '2.9.1'),
    agent('sum', '10', 'Use 2.'),
  ]);

  it.each([
    ['sum', '2.10'],
    ['sum@2', '2.10'],
    ['sum@2.9', '2.9.1'],
    ['sum@2.9.1', '2.9.1'],
    ['sum@1', '1'],
    ['sum@1.0.0', '1'],
    ['sum@10', '10'],
  ])('%s is version %s', (reference, version) => {
    expect(versionOf(registry, reference)).toBe(version);
    // The second time it is remembered.
    expect(versionOf(registry, reference)).toBe(version);
  });

  it('finds a deprecated agent when there is no other', () => {
    expect(versionOf(new AgentRegistry([agent('old', '1', 'Use new.')]), 'old')).toBe('1');
  });

  it('to nobody is answered with what there is', () => {
    const unknown = (reference: string) => {
      try {
        registry.find(reference);
      } catch (error) {
        return error;
      }
    };
    expect(unknown('sun')).toBeInstanceOf(UnknownAgentError);
    expect(unknown('sun')).toMatchObject({ agent: 'sun', known: ['sum'], suggestion: 'sum' });
    expect(unknown('sum@3')).toMatchObject({ agent: 'sum@3', known: ['sum@1', 'sum@2.9.1', 'sum@2.10', 'sum@10'] });
    expect(unknown('translate-everything')).toMatchObject({ suggestion: undefined });
    expect(unknown('sum@')).toBeInstanceOf(UnknownAgentError);
    expect(unknown('sum@2.x')).toBeInstanceOf(UnknownAgentError);
    expect((unknown('x'.repeat(5_000)) as Error).message.length).toBeLessThan(400);
    expect(unknown('__proto__')).toBeInstanceOf(UnknownAgentError);
  });

  it('sees an agent that was registered later', () => {
    const later = new AgentRegistry([agent('sum', '1')]);
    expect(versionOf(later, 'sum')).toBe('1');
    later.register(agent('sum', '1.1'));
    expect(versionOf(later, 'sum')).toBe('1.1');
  });
});

describe('register', () => {
  it('refuses a version that is there, however it is written, and then takes none of the call', () => {
    const registry = new AgentRegistry([agent('sum', '2')]);
    expect(() => registry.register(agent('other', '1'), agent('sum', '2.0'))).toThrow(DuplicateAgentError);
    expect(() => registry.register(agent('other', '1'), agent('other', '1'))).toThrow(DuplicateAgentError);
    expect(registry.list().map(({ id }) => id)).toEqual(['sum@2']);
  });

  it('refuses what defineAgent has not made', () => {
    expect(() => new AgentRegistry([{ name: 'sum', version: '1' } as never])).toThrow(InvalidAgentError);
  });
});

it('lists by name and version, and finds the highest that fits, whatever was registered in whatever order', () => {
  const part = fc.integer({ min: 0, max: 12 });
  const version = fc.array(part, { minLength: 1, maxLength: 3 });
  const pad = (numbers: readonly number[]) => [0, 1, 2].map((place) => numbers[place] ?? 0);
  const rank = (numbers: readonly number[]) => pad(numbers).reduce((sum, number) => sum * 100 + number, 0);
  fc.assert(
    fc.property(fc.uniqueArray(version, { selector: rank, minLength: 1, maxLength: 12 }), version, (all, wanted) => {
      const registry = new AgentRegistry(all.map((numbers) => agent('sum', numbers.join('.'))));
      const sorted = all.toSorted((a, b) => rank(a) - rank(b)).map((numbers) => numbers.join('.'));
      expect(registry.list().map((one) => one.version)).toEqual(sorted);
      const fitting = all
        .filter((numbers) => wanted.every((number, place) => pad(numbers)[place] === number))
        .toSorted((a, b) => rank(a) - rank(b));
      const reference = `sum@${wanted.join('.')}`;
      if (fitting.length === 0) expect(() => registry.find(reference)).toThrow(UnknownAgentError);
      else expect(registry.find(reference).version).toBe(fitting.at(-1)!.join('.'));
    }),
  );
});
