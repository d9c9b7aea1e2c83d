// Plays episodes until none is left, or one breaks an invariant.
import { parentPort, workerData } from 'node:worker_threads';
import { importLoad } from './load.mjs';

const { episodes, eventsEach, firstSeed, counter } = workerData;
const next = new Int32Array(counter);
const { RandomLoad, SCENARIOS } = await importLoad();

for (let episode = Atomics.add(next, 0, 1); episode < episodes; episode = Atomics.add(next, 0, 1)) {
  const index = episode % SCENARIOS.length;
  const seed = firstSeed + Math.floor(episode / SCENARIOS.length);
  const begin = performance.now();
  let load;
  try {
    load = new RandomLoad(SCENARIOS[index], seed);
    load.run(eventsEach);
    load.drain();
  } catch (error) {
    Atomics.store(next, 0, episodes);
    parentPort.postMessage({
      failure: { scenario: SCENARIOS[index].name, seed, event: load?.events, message: error.stack },
    });
    break;
  }
  const { state, witness, events, overloaded, digest } = load;
  parentPort.postMessage({
    index,
    events,
    overloaded,
    digest,
    grants: witness.grants,
    unsure: witness.unsure,
    ms: performance.now() - begin,
    edges: state.tasks.edgeCounts,
    rules: state.grantsByRule,
    outcomes: state.outcomes,
    backfilled: state.backfilled,
    boundOverruns: state.boundOverruns,
  });
}
