import { describe, expect, it } from 'vitest';
import { readOptions, UsageError } from '../../bench/options.js';

const read = (...args: string[]) => readOptions(args, ['engine', 'heap-lock']);

describe('the command line', () => {
  it('has names and options with defaults', () => {
    expect(read()).toEqual({ names: [], smoke: false, json: undefined, reps: undefined, seed: 1 });
    expect(read('engine', 'heap-lock', '--smoke', '--json', 'out.json', '--reps', '3', '--seed', '9')).toEqual({
      names: ['engine', 'heap-lock'],
      smoke: true,
      json: 'out.json',
      reps: 3,
      seed: 9,
    });
  });

  it('suggests the suite that was probably meant', () => {
    expect(() => read('engin')).toThrow(
      'There is no benchmark "engin". Did you mean "engine"? Known: engine, heap-lock, gate.',
    );
    expect(() => read('zzzzzzzz')).toThrow('There is no benchmark "zzzzzzzz". Known:');
  });

  it.each([
    [['--reps', '0', 'engine'], '--reps expects a positive integer'],
    [['--seed', 'x', 'engine'], '--seed expects a positive integer'],
    [['--smok', 'engine'], '--smok'],
    [['gate', 'engine'], 'alone'],
    [['gate', '--smoke'], 'no smoke run'],
  ])('refuses %j', (args, message) => {
    expect(() => read(...args)).toThrow(UsageError);
    expect(() => read(...args)).toThrow(message);
  });
});
