/** What an agent costs beyond its task: a trivial call against a bare task and LangChain's runnable; equal calls at once. */
import type { Suite } from '../suite.js';
import type { AgentsRunInput } from './agents-run.js';

const FILE = new URL('./agents-run.js', import.meta.url);

export const CALL = 'trivial call';
export const EQUAL = '100 equal calls at once';
export const AGENT = 'agentyard, yard.run';
export const TASK = 'agentyard, yard.add';
export const RUNNABLE = '@langchain/core, RunnableLambda';

const CALLS = 20_000;
const SMOKE_CALLS = 500;

export const suite: Suite = {
  name: 'agents',
  description:
    'an agent call through yard.run against a bare yard.add and @langchain/core; equal calls of a pure agent',
  operation: [
    `${CALL}: an async function from an object of a text and a number to another; 64 calls are in flight at a time. The agent's input and output`,
    'are checked by zod; the bare task and the runnable check nothing. "beyond yard.add": the median difference to bare tasks of the same process, round by round.',
    'The runnable: the better of invoke, 64 in flight, and batch of 64, without tracing.',
    `${EQUAL}: from the first call to the last result, of a pure agent that takes one turn of the event loop, beside the same without reuse. Each`,
    'process checks that the agent ran once, and that every caller got a result of its own.',
  ].join('\n'),
  async run(context) {
    const calls = context.smoke ? SMOKE_CALLS : CALLS;
    const inputOf = (workload: AgentsRunInput['workload']): AgentsRunInput => ({ workload, calls });
    await context.compare(CALL, [
      { name: AGENT, file: FILE, input: inputOf('agent') },
      { name: TASK, file: FILE, input: inputOf('task') },
      { name: RUNNABLE, file: FILE, input: inputOf('runnable'), env: { LANGCHAIN_TRACING_V2: 'false' } },
    ]);
    await context.compare(EQUAL, [{ name: AGENT, file: FILE, input: inputOf('equal') }]);
  },
};
