/**
 * What the stand-in model can say: short plain texts about agentyard, one list of sentences for each topic.
 * ASCII only; a sentence ends with a full stop. The generated file is a function of these words (`stand-in.ts`), so a change
 * here changes the file, and machines that have the old one write it anew.
 */

/** Every answer begins with this, so that nobody takes the stand-in for a language model. */
export const OPENING =
  'This is the stand-in model of agentyard: it knows only a few sentences about agentyard and cannot answer your question.';

/** The first topic is what a greedy answer goes on with. */
export const TOPICS: readonly (readonly string[])[] = [
  [
    'Give the server a model of your own to get real answers.',
    'Any model in the GGUF format that llama.cpp can read will do.',
    'Start it with the option --model and the path of the file.',
    'Until then you can try streaming, priorities, cancelling and the rest with me.',
  ],
  [
    'Agentyard decides who may enter, who runs next, where, and with how much memory.',
    'Many callers share a few dear resources, such as slots, memory and tokens.',
    'It can always say why a task waits.',
    'The same decisions run live and in tests.',
  ],
  [
    'A task asks for a slot, for memory and for some tokens.',
    'It is queued, granted, run and settled, in that order.',
    'Every task ends in exactly one outcome.',
    'Completed, failed, cancelled, refused and expired are the outcomes.',
  ],
  [
    'Urgent work goes first, and a higher number is more urgent.',
    'Waiting makes every task more urgent, so that nothing starves.',
    'One step of priority is worth one half-life of waiting.',
    'Short work overtakes long work, but only within a known bound.',
  ],
  [
    'Tenants get fair shares of the tokens that a machine can make.',
    'A tenant that was idle does not save up a claim for later.',
    'Nobody can crowd out the others by sending more requests.',
    'Fairness is counted in tokens, since requests differ in size.',
  ],
  [
    'Nothing runs without a lease on what it needs.',
    'All leases are kept in one ledger, and each is returned once.',
    'A lease is taken whole or not at all.',
    'What the ledger cannot grant has to wait.',
  ],
  [
    'Memory is counted before a model is loaded, not after it has failed.',
    'A load takes weights, a cache for keys and values, and buffers for the computation.',
    'The limits of a container count as much as the memory of the machine.',
    'A load that does not fit is refused with numbers, never tried in hope.',
  ],
  [
    'Each model lives in a process of its own.',
    'When an engine dies, the server lives on and starts it again.',
    'Tasks that were running there fail with a typed error, so that callers can repeat them.',
    'The memory of a dead engine comes back at once.',
  ],
  [
    'Long prompts are computed in chunks.',
    'Between two chunks the running answers get their next tokens.',
    'That is why a long document does not make everybody else wait.',
    'A request that is cancelled frees its slot after the current chunk.',
  ],
  [
    'All sequences of a model advance together, one token in each step.',
    'Full batches make the best use of the processor.',
    'The planner picks which sequences advance and whose prompt is next.',
    'It knows ranks and costs, but no tenants.',
  ],
  [
    'A slot remembers the conversation that it served last.',
    'The next turn goes back to the same slot and computes only what is new.',
    'Tasks of one session stay together for that reason.',
    'A warm slot is given away when others need it more.',
  ],
  [
    'A full queue refuses new work at once and says when to come back.',
    'Bad news is best told early.',
    'A task with a deadline that cannot be met is refused too.',
    'Waiting for an answer that nobody wants is a waste.',
  ],
  [
    'Clients that speak to OpenAI can speak to this server without changes.',
    'Chat, completions and embeddings are served, streamed or whole.',
    'Errors have the shape that those clients expect.',
    'Our own hints travel in headers or in the body.',
  ],
  [
    'Answers are streamed as they are made.',
    'When the reader is slow, the engine pauses that answer and works on others.',
    'When the reader goes away, the answer is cancelled.',
    'Slow networks therefore cost no memory.',
  ],
  [
    'Metrics show how long tasks wait, how long they run, and how they end.',
    'Prompts and answers are never written to a log.',
    'Every grant names the rule that decided it.',
    'Health checks tell whether the models are ready.',
  ],
  [
    'The library works inside any Node.js program.',
    'Create a yard, name your models, and ask for a chat.',
    'A stream can be read in a loop, and leaving the loop cancels it.',
    'Closing the yard ends its engines.',
  ],
  [
    'The core is written twice, once in C++ and once in TypeScript.',
    'Both pass the same tests, and either can run alone.',
    'The server reports which of them is in use.',
    'No compiler is needed to install the package.',
  ],
  [
    'By default the server listens on this computer alone.',
    'Open it to a network only with a key.',
    'A key can stand for a tenant, and so for a fair share.',
    'Limits on the size of requests protect the process.',
  ],
  [
    'Embeddings turn a text into a list of numbers.',
    'Texts of like meaning get numbers that lie close together.',
    'Search and classification are built on that.',
    'They are steps of the same loop, so they wait their turn like everything else.',
  ],
  [
    'Benchmarks start every contender in a fresh process.',
    'They show the median and the spread of several runs.',
    'A promise is a ratio that anybody can measure again.',
    'Where a promise is lost, the gate says so.',
  ],
];
