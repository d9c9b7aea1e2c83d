/** The options of `agentyard serve`. */
import { describe, expect, it } from 'vitest';
import { type ServeOptions, serveCommand, serveSettings } from '../../lib/cli/serve.js';

/** What the command was run with, or what it printed when it refused. */
async function parse(...args: string[]): Promise<ServeOptions | string> {
  let options: ServeOptions | undefined;
  let printed = '';
  const command = serveCommand(async (given) => {
    options = given;
    return 0;
  });
  command.exitOverride().configureOutput({ writeErr: (text) => (printed += text) });
  await command.parseAsync(args, { from: 'user' }).catch(() => undefined);
  return options ?? printed;
}

describe('agentyard serve', () => {
  it('has defaults that keep it to this machine', async () => {
    const options = await parse();
    expect(options).toEqual({ builtIns: true, port: 8080, host: '127.0.0.1', drainSeconds: 10, logLevel: 'info' });
    expect(serveSettings(options as ServeOptions)).toEqual({
      host: '127.0.0.1',
      port: 8080,
      apiKeys: {},
      drainMs: 10_000,
      log: { level: 'info' },
    });
  });

  it('reads every option', async () => {
    const args =
      '-m a=x.gguf --model y.gguf -p 0 --host ::1 --sequences 8 --context 2048 --keep-interactive 2 --threads 3';
    const more = '--gpu off --api-keys keys --drain-seconds 0.5 --log-level silent';
    expect(await parse(...args.split(' '), ...more.split(' '))).toEqual({
      builtIns: true,
      model: [
        { name: 'a', path: 'x.gguf' },
        { name: 'y', path: 'y.gguf' },
      ],
      port: 0,
      host: '::1',
      sequences: 8,
      context: 2048,
      keepInteractive: 2,
      threads: 3,
      gpu: 'off',
      apiKeys: 'keys',
      drainSeconds: 0.5,
      logLevel: 'silent',
    });
  });

  it.each([
    ['--prt', ['--prt', '1'], 'Did you mean --port?'],
    ['a port out of range', ['--port', '70000'], 'from 0 to 65535'],
    ['a port that is no number', ['--port', 'http'], 'from 0 to 65535'],
    ['an empty number', ['--sequences', ' '], 'from 1 to 256'],
    ['no sequences', ['--sequences', '0'], 'from 1 to 256'],
    ['a context with a fraction', ['--context', '100.5'], 'whole number'],
    ['a negative drain', ['--drain-seconds', '-1'], 'Expected seconds'],
    ['an unknown GPU', ['--gpu', 'tpu'], 'auto, cuda, metal, vulkan, off'],
    ['an unknown level', ['--log-level', 'loud'], 'silent, error, warn, info, debug'],
    ['a model without a path', ['--model', 'chat='], 'expected path.gguf'],
    ['a stray argument', ['model.gguf'], 'too many arguments'],
  ])('refuses %s', async (_what, args, message) => {
    expect(await parse(...args)).toContain(message);
  });
});
