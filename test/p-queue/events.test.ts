import { beforeEach, describe, expect, it } from 'vitest';
import { type AnyQueue, contenders, deferred, ignore, settle, trace } from './contenders.js';

describe.each(contenders)('$name tells', ({ PQueue, EventEmitter }) => {
  let queue: AnyQueue;
  let lines: string[];

  beforeEach(() => {
    queue = new PQueue({ concurrency: 1 });
    lines = trace(queue);
  });

  it('by an EventEmitter3', () => {
    expect(queue).toBeInstanceOf(EventEmitter);
    const heard: unknown[] = [];
    const context = { name: 'context' };
    expect(
      queue.on(
        'idle',
        function (this: unknown) {
          heard.push(this);
        },
        context,
      ),
    ).toBe(queue);
    queue.emit('idle');
    expect(heard).toEqual([context]);
    expect(queue.eventNames()).toContain('idle');
    queue.removeAllListeners();
    expect(queue.listenerCount('idle')).toBe(0);
    expect(queue.emit('idle')).toBe(false);
  });

  it('errors without a listener without throwing', async () => {
    const silent = new PQueue();
    expect(silent.emit('error', new Error('nobody listens'))).toBe(false);
    await expect(silent.add(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  });

  it('the life of two tasks in this order', async () => {
    const first = deferred<string>();
    void queue.add(() => first.promise);
    void queue.add(async () => 'second');
    expect(lines.splice(0)).toEqual(['add 1+0', 'active 0+1', 'add 1+1']);
    first.resolve('first');
    await settle();
    expect(lines).toEqual([
      'completed first 1+1',
      'pendingZero 1+0',
      'active 0+1',
      'next 0+1',
      'completed second 0+1',
      'pendingZero 0+0',
      'empty 0+0',
      'idle 0+0',
      'next 0+0',
    ]);
  });

  it('that a task is active once its function was called', () => {
    void queue.add(() => {
      lines.push('called');
    });
    expect(lines).toEqual(['add 1+0', 'called', 'active 0+1']);
  });

  it('a failure by error and not by completed', async () => {
    ignore(queue.add(() => Promise.reject(new Error('no'))));
    await settle();
    expect(lines).toEqual([
      'add 1+0',
      'active 0+1',
      'error no 0+1',
      'pendingZero 0+0',
      'empty 0+0',
      'idle 0+0',
      'next 0+0',
    ]);
  });

  it('a function that throws before it is called active', () => {
    ignore(
      queue.add(() => {
        throw new Error('at once');
      }),
    );
    expect(lines).toEqual(['add 1+0', 'error at once 0+1', 'active 0+1']);
  });

  it('the end of every task while nothing waits', async () => {
    const wide = new PQueue({ concurrency: 2 });
    const heard = trace(wide);
    const [first, second] = [deferred(), deferred()];
    void wide.add(() => first.promise);
    void wide.add(() => second.promise);
    heard.length = 0;
    first.resolve();
    await settle();
    expect(heard.splice(0)).toEqual(['completed undefined 0+2', 'empty 0+1', 'next 0+1']);
    second.resolve();
    await settle();
    expect(heard).toEqual(['completed undefined 0+1', 'pendingZero 0+0', 'empty 0+0', 'idle 0+0', 'next 0+0']);
  });

  it('a paused queue that drains', async () => {
    const first = deferred();
    void queue.add(() => first.promise);
    void queue.add(() => 2);
    queue.pause();
    lines.length = 0;
    first.resolve();
    await settle();
    expect(lines).toEqual(['completed undefined 1+1', 'pendingZero 1+0', 'next 1+0']);
  });

  it('each start of a paused queue, and that none waits any more', async () => {
    const wide = new PQueue({ concurrency: 3, autoStart: false });
    const heard = trace(wide);
    void wide.add(() => new Promise(() => {}));
    void wide.add(() => new Promise(() => {}));
    heard.length = 0;
    wide.start();
    expect(heard).toEqual(['active 1+1', 'active 0+2', 'empty 0+2']);
  });

  it('an end of a pause with nothing to do as empty and idle', () => {
    queue.start();
    expect(lines).toEqual([]);
    queue.pause();
    queue.start();
    expect(lines).toEqual(['empty 0+0', 'idle 0+0']);
  });

  it('a new limit with nothing to do as empty and idle', () => {
    queue.concurrency = 2;
    expect(lines).toEqual(['empty 0+0', 'idle 0+0']);
  });

  it('clear() at once', async () => {
    const first = deferred();
    void queue.add(() => first.promise);
    void queue.add(() => 2);
    lines.length = 0;
    queue.clear();
    expect(lines.splice(0)).toEqual(['empty 0+1', 'next 0+1']);
    first.resolve();
    await settle();
    expect(lines.splice(0)).toEqual([
      'completed undefined 0+1',
      'pendingZero 0+0',
      'empty 0+0',
      'idle 0+0',
      'next 0+0',
    ]);
    queue.clear();
    expect(lines).toEqual(['empty 0+0', 'idle 0+0', 'next 0+0']);
  });

  describe('by promises', () => {
    it('that resolve at once when it is so already', async () => {
      const resolved: string[] = [];
      for (const name of ['onEmpty', 'onIdle', 'onPendingZero', 'onRateLimitCleared'] as const) {
        void queue[name]().then((value) => resolved.push(`${name} ${value}`));
      }
      void queue.onSizeLessThan(1).then(() => resolved.push('onSizeLessThan'));
      void queue.onSizeLessThan(0).then(() => resolved.push('onSizeLessThan 0'));
      void queue.onRateLimit().then(() => resolved.push('onRateLimit'));
      await settle();
      expect(resolved).toEqual([
        'onEmpty undefined',
        'onIdle undefined',
        'onPendingZero undefined',
        'onRateLimitCleared undefined',
        'onSizeLessThan',
      ]);
    });

    it('each when its time has come', async () => {
      const gates = [deferred(), deferred(), deferred()];
      const resolved: string[] = [];
      for (const gate of gates) void queue.add(() => gate.promise);
      void queue.onSizeLessThan(3).then(() => resolved.push('size < 3'));
      void queue.onSizeLessThan(2).then(() => resolved.push('size < 2'));
      void queue.onEmpty().then(() => resolved.push('empty'));
      void queue.onIdle().then(() => resolved.push('idle'));
      void queue.onPendingZero().then(() => resolved.push('none pending'));
      await settle();
      expect(resolved.splice(0)).toEqual(['size < 3']);
      queue.pause();
      gates[0]!.resolve();
      await settle();
      expect(resolved.splice(0)).toEqual(['none pending']);
      queue.start();
      gates[1]!.resolve();
      await settle();
      expect(resolved.splice(0)).toEqual(['size < 2']);
      gates[2]!.resolve();
      await settle();
      expect(resolved.toSorted()).toEqual(['empty', 'idle']);
    });

    it('onEmpty and onSizeLessThan when the queue is cleared', async () => {
      void queue.add(() => new Promise(() => {}));
      void queue.add(() => 1);
      const resolved: string[] = [];
      void queue.onEmpty().then(() => resolved.push('empty'));
      void queue.onSizeLessThan(1).then(() => resolved.push('size < 1'));
      void queue.onIdle().then(() => resolved.push('idle'));
      queue.clear();
      await settle();
      expect(resolved).toEqual(['empty', 'size < 1']);
    });

    it('onIdle when a paused queue is cleared', async () => {
      queue.pause();
      void queue.add(() => 1);
      const idle = queue.onIdle();
      queue.clear();
      await expect(idle).resolves.toBeUndefined();
    });

    it('many times over, and leaves no listener behind', async () => {
      const plain = new PQueue({ concurrency: 1 });
      for (let round = 0; round < 3; round++) {
        void plain.add(() => settle());
        void plain.add(() => settle());
        await Promise.all([
          plain.onIdle(),
          plain.onEmpty(),
          plain.onPendingZero(),
          plain.onSizeLessThan(1),
          plain.onIdle(),
        ]);
      }
      expect(plain.eventNames()).toEqual([]);
    });

    it('onError, which rejects with the first error', async () => {
      const plain = new PQueue();
      const failed = plain.onError();
      ignore(plain.add(() => Promise.reject(new Error('first'))));
      ignore(plain.add(() => Promise.reject(new Error('second'))));
      await expect(failed).rejects.toThrow('first');
      expect(plain.listenerCount('error')).toBe(0);
    });

    it('onError beside onIdle, to fail fast', async () => {
      ignore(queue.add(() => Promise.reject('a string')));
      await expect(Promise.race([queue.onError(), queue.onIdle()])).rejects.toBe('a string');
    });
  });

  it('the example of its documentation in this order', async () => {
    const said: string[] = [];
    const say = (text: string) => said.push(text);
    const started = queue.add(async () => 'a').then(() => say('5'));
    say('1');
    void queue.add(async () => 'b').then(() => say('6'));
    say('2');
    const empty = queue.onEmpty().then(() => say('7'));
    say(`3 size ${queue.size}`);
    say(`4 pending ${queue.pending}`);
    await Promise.all([started, empty]);
    say(`8 pending ${queue.pending}`);
    const added = queue.add(async () => 'c').then(() => say('11'));
    say('9');
    say(`10 pending ${queue.pending}`);
    await added;
    await queue.onIdle();
    say('12');
    expect(said).toEqual([
      '1',
      '2',
      '3 size 1',
      '4 pending 1',
      '5',
      '6',
      '7',
      '8 pending 0',
      '9',
      '10 pending 1',
      '11',
      '12',
    ]);
  });
});
