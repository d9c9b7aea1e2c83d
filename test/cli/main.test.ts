/** The compiled command, as a process of its own. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const isCompiled = existsSync(main);
if (!isCompiled) console.log('skipped: dist/cli/main.js does not exist; compile first (npm run compile)');

class Run {
  out = '';
  err = '';
  readonly exitCode: Promise<number | null>;
  readonly #child;
  #waiting: (() => void)[] = [];

  constructor(args: string[], environment: Record<string, string> = {}) {
    const env = { ...process.env, ...environment };
    this.#child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
    this.#child.stdout.on('data', (bytes) => this.#came('out', bytes));
    this.#child.stderr.on('data', (bytes) => this.#came('err', bytes));
    this.exitCode = new Promise((resolve) => {
      this.#child.once('close', (code) => {
        resolve(code);
        this.#came('err', '');
      });
    });
  }

  #came(stream: 'out' | 'err', bytes: Buffer | ''): void {
    this[stream] += bytes.toString();
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async said(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.err);
      if (match !== null) return match;
      if (this.#child.exitCode !== null) throw new Error(`ended without ${pattern}: ${this.err}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}

describe.skipIf(!isCompiled)('the agentyard command', () => {
  let directory: string;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'agentyard-cli-'));
  });

  afterAll(() => rmSync(directory, { recursive: true }));

  it('refuses an unknown command with the nearest one', async () => {
    const run = new Run(['serv']);
    expect(await run.exitCode).toBe(1);
    expect(run.err).toContain('Did you mean serve?');
  });

  it('refuses an unknown option with the nearest one', async () => {
    const run = new Run(['serve', '--modle', 'x.gguf']);
    expect(await run.exitCode).toBe(1);
    expect(run.err).toContain('Did you mean --model?');
  });

  it('documents its exit codes and where its output goes', async () => {
    const run = new Run(['serve', '--help']);
    expect(await run.exitCode).toBe(0);
    expect(run.out).toContain('Exit code: 0 after a clean stop');
    expect(run.out).toContain('standard output');
  });

  it.each([
    ['is not there', 'absent.gguf', undefined],
    ['is no GGUF', 'text.gguf', 'hello, I am not a model'],
    ['is empty', 'empty.gguf', ''],
  ])('ends with one line when the model file %s', async (_what, name, content) => {
    const file = join(directory, name);
    if (content !== undefined) writeFileSync(file, content);
    const run = new Run(['serve', '--port', '0', '--model', file]);
    expect(await run.exitCode).toBe(1);
    const complaints = run.err.split('\n').filter((line) => line.startsWith('agentyard: '));
    expect(complaints).toHaveLength(1);
    expect(complaints[0]).toContain(file);
    expect(run.err).not.toMatch(/^\s+at /m);
  });

  it('serves the stand-in, says so, and stops cleanly at Ctrl-C', async () => {
    const run = new Run(['serve', '--port', '0', '--context', '512'], { XDG_CACHE_HOME: directory });
    try {
      const [, origin] = await run.said(/listens on (\S+)/);
      await run.said(/^Core: /m);
      await run.said(/^Ready: stand-in/m);
      await run.said(/generated stand-in/);
      const response = await fetch(`${origin}/v1/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'stand-in', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 16 }),
      });
      expect(response.status).toBe(200);
      const answer = (await response.json()) as { choices: { message: { content: string } }[] };
      expect(answer.choices[0]?.message.content).not.toBe('');
      run.signal('SIGINT');
      expect(await run.exitCode).toBe(0);
      const lines = run.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { msg: string; status?: number });
      expect(lines.filter(({ msg }) => msg === 'request')).toEqual([
        expect.objectContaining({ status: 200, outcome: 'completed' }),
      ]);
    } finally {
      run.end();
    }
  });
});
