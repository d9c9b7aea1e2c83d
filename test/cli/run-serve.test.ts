/** From the first line to the exit code, over a scripted yard. */
import { type AddressInfo, connect, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { InvalidGgufError } from '../../lib/base/index.js';
import { runServe, type ServeSettings, type StopSignal } from '../../lib/cli/run-serve.js';
import { CHAT_MODEL, deferred, FakeYard } from '../server/fake-yard.js';
import { post } from '../server/serve-fake.js';

const CHAT = { model: CHAT_MODEL, messages: [{ role: 'user', content: 'Hi' }] };
const never = new Promise<void>(() => undefined);

class Terminal {
  readonly yard = new FakeYard();
  readonly lines: string[] = [];
  readonly exitCode: Promise<number>;
  #signal: ((signal: StopSignal) => void) | undefined;
  #waiting: (() => void)[] = [];

  constructor(settings: Partial<ServeSettings> = {}, prepare: (yard: FakeYard) => void = () => undefined) {
    prepare(this.yard);
    this.exitCode = runServe(
      { host: '127.0.0.1', port: 0, apiKeys: {}, drainMs: 10_000, log: false, ...settings },
      {
        version: '1.2.3',
        core: 'TypeScript (a test)',
        makeYard: () => this.yard,
        say: (line) => {
          this.lines.push(line);
          for (const wake of this.#waiting.splice(0)) wake();
        },
        onSignal: (listener) => {
          this.#signal = listener;
          return () => {
            this.#signal = undefined;
          };
        },
      },
    );
  }

  press(signal: StopSignal = 'SIGINT'): void {
    this.#signal?.(signal);
  }

  get listensForSignals(): boolean {
    return this.#signal !== undefined;
  }

  async said(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.lines.join('\n'));
      if (match !== null) return match;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async origin(): Promise<string> {
    return (await this.said(/listens on (\S+)/))[1] as string;
  }
}

describe('a server that is started', () => {
  it('says where it listens, which core and models run, and a command to paste that works', async () => {
    const terminal = new Terminal();
    const origin = await terminal.origin();
    await terminal.said(/^agentyard 1\.2\.3 listens on http:\/\/127\.0\.0\.1:\d+$/m);
    await terminal.said(/^Core: TypeScript \(a test\)$/m);
    await terminal.said(new RegExp(`^Ready: ${CHAT_MODEL}, 4 sequences of 2048 tokens$`, 'm'));
    const [, url, body] = await terminal.said(/^ {2}curl (\S+) -H 'content-type: application\/json' -d '(.*)'$/m);
    expect(url).toBe(`${origin}/v1/chat/completions`);
    expect((await post(url as string, body)).status).toBe(200);
    terminal.press();
    expect(await terminal.exitCode).toBe(0);
  });

  it('answers while models load, and says when they are ready', async () => {
    const ready = deferred();
    const terminal = new Terminal({}, (yard) => {
      yard.readyAfter = ready.promise;
      yard.modelState = 'loading';
    });
    const origin = await terminal.origin();
    expect((await fetch(`${origin}/health`)).status).toBe(503);
    expect(terminal.lines.join()).not.toContain('Ready');
    ready.resolve();
    await terminal.said(/Ready/);
    terminal.press();
    expect(await terminal.exitCode).toBe(0);
  });

  it('ends with one line and 1 when a model cannot be loaded', async () => {
    const terminal = new Terminal({}, (yard) => {
      yard.readyAfter = Promise.reject(new InvalidGgufError('bad.gguf', 'is not a GGUF file'));
      yard.readyAfter.catch(() => undefined);
    });
    expect(await terminal.exitCode).toBe(1);
    expect(terminal.lines.at(-1)).toBe('agentyard: "bad.gguf": is not a GGUF file');
    expect(terminal.listensForSignals).toBe(false);
  });

  it('ends with one line and 1 when its port is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as AddressInfo;
    const terminal = new Terminal({ port });
    expect(await terminal.exitCode).toBe(1);
    expect(terminal.lines).toEqual([
      `agentyard: 127.0.0.1:${port} is in use. Stop what listens there, or choose another port with --port.`,
    ]);
    other.close();
  });

  it('refuses a public host without keys before it starts anything', async () => {
    const terminal = new Terminal({ host: '0.0.0.0' });
    expect(await terminal.exitCode).toBe(1);
    expect(terminal.lines).toEqual([
      'agentyard: Host "0.0.0.0" is reachable from other machines: configure API keys first.',
    ]);
  });
});

it('ends with one line and 1 when two tenants have one key, and leaves no engine behind', async () => {
  const apiKeys = { acme: 'same', beta: 'same' };
  const terminal = new Terminal({ apiKeys });
  expect(await terminal.exitCode).toBe(1);
  expect(terminal.lines).toEqual([expect.stringMatching(/^agentyard: "acme" and "beta" have the same key/)]);
  await expect(terminal.yard.embed({ model: CHAT_MODEL, input: 'Hi' })).rejects.toThrow('closed');
});

describe('a server that is stopped', () => {
  it('lets open requests end, refuses new ones, and exits with 0', async () => {
    const start = deferred();
    const terminal = new Terminal();
    const origin = await terminal.origin();
    terminal.yard.script = () => ({ startAfter: start.promise });
    const answer = post(`${origin}/v1/chat/completions`, CHAT);
    await terminal.yard.submitted(1);
    terminal.press('SIGTERM');
    await terminal.said(/get up to 10 s\. Press Ctrl-C again to stop now\.$/m);
    await expect(fetch(`${origin}/health`)).rejects.toThrow();
    start.resolve();
    const response = await answer;
    expect(response.status).toBe(200);
    expect(((await response.json()) as { choices: object[] }).choices).toHaveLength(1);
    expect(await terminal.exitCode).toBe(0);
  });

  it('stops now at the second signal, and says by its exit code that work was lost', async () => {
    const terminal = new Terminal();
    const origin = await terminal.origin();
    terminal.yard.script = () => ({ startAfter: never });
    const answer = post(`${origin}/v1/chat/completions`, CHAT);
    answer.catch(() => undefined);
    const task = await terminal.yard.submitted(1);
    terminal.press();
    await terminal.said(/Press Ctrl-C again/);
    terminal.press();
    expect(await terminal.exitCode).toBe(130);
    expect((await task.settled.promise).outcome).toBe('failed');
    expect(terminal.lines.slice(-2)).toEqual(['Stopping now.', '1 task was cut off.']);
  });

  it('cuts off what does not end within the limit, telling its client why', async () => {
    const terminal = new Terminal({ drainMs: 20 });
    const origin = await terminal.origin();
    terminal.yard.script = () => ({ startAfter: never });
    const answer = post(`${origin}/v1/chat/completions`, CHAT);
    await terminal.yard.submitted(1);
    terminal.press('SIGTERM');
    expect(await terminal.exitCode).toBe(143);
    const response = await answer;
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ error: { code: 'closed' } });
  });

  it('is not held up by a connection that is open and says nothing', async () => {
    const terminal = new Terminal();
    const { port } = new URL(await terminal.origin());
    const idle = connect(Number(port), '127.0.0.1');
    idle.on('error', () => undefined);
    await new Promise((resolve) => idle.once('connect', resolve));
    idle.write(
      'POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n',
    );
    terminal.press();
    expect(await terminal.exitCode).toBe(0);
    idle.destroy();
  });
});
