// Plays the random load against a faulty copy until a statement of the checker catches it.
import { parentPort } from 'node:worker_threads';
import { importLoad } from './load.mjs';

/** Short, so that every scenario has its turn soon. */
const EVENTS_EACH = 1_000;

parentPort.on('message', async ({ folder, eventsMax }) => {
  const { RandomLoad, SCENARIOS } = await importLoad(folder);
  let events = 0;
  for (let episode = 0; events < eventsMax; episode++) {
    const scenario = SCENARIOS[episode % SCENARIOS.length];
    let load;
    try {
      load = new RandomLoad(scenario, 1 + episode);
      load.run(EVENTS_EACH);
      load.drain();
    } catch (error) {
      events += load?.events ?? 0;
      parentPort.postMessage({
        events,
        scenario: scenario.name,
        invariant: error.invariant,
        message: String(error.message),
      });
      return;
    }
    events += load.events;
  }
  parentPort.postMessage({ events });
});
