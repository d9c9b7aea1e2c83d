/** A tool server that lists its tools properly and then does what its first argument says. */
import { createInterface } from 'node:readline';

const mode = process.argv[2];
const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const tool = {
  name: 'Do.It',
  description: 'Does it.',
  inputSchema: { type: 'object', properties: { n: { type: 'number' } } },
};
const withOutput = {
  ...tool,
  name: 'typed',
  outputSchema: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] },
};

if (mode === 'silent') process.stdin.resume();
else if (mode === 'gone') process.exit(3);
else if (mode === 'babble') {
  process.stdout.write('hello, I am no server\n{"jsonrpc":"1.0"}\n[]\n\u0000\u0001\n');
  process.stdin.resume();
} else {
  createInterface({ input: process.stdin }).on('line', (line) => answer(JSON.parse(line)));
}

function answer({ id, method, params }) {
  if (method === 'initialize') {
    const serverInfo = { name: 'hostile', version: '1.2.3-beta' };
    send({ id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo } });
  } else if (method === 'tools/list') {
    if (mode === 'list') send({ id, result: { tools: 'all of them' } });
    else send({ id, result: { tools: [tool, withOutput, { ...tool, name: 'do_it' }] } });
  } else if (method === 'tools/call') call(id, params);
  else if (method === 'ping' && mode !== 'hang') send({ id, result: {} });
}

function call(id, { name, arguments: args }) {
  switch (mode) {
    case 'die':
      process.exit(7);
      break;
    case 'hang':
      break;
    case 'nonsense':
      send({ id, result: { content: 'no list' } });
      break;
    case 'huge':
      send({ id, result: { content: [{ type: 'text', text: 'x'.repeat(2_000_000) }] } });
      break;
    case 'untyped':
      send({ id, result: { content: [], ...(name === 'typed' ? { structuredContent: { n: 'one' } } : {}) } });
      break;
    case 'error':
      send({ id, result: { isError: true, content: [{ type: 'text', text: 'the shelf is empty' }] } });
      break;
    case 'once':
      // Answers one call in its life.
      send({ id, result: { content: [{ type: 'text', text: `pid ${process.pid}` }] } });
      setImmediate(() => process.exit(0));
      break;
    default:
      send({ id, result: { content: [{ type: 'text', text: `n is ${args.n}` }], structuredContent: { n: args.n } } });
  }
}
