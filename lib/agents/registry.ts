/**
 * Agents by name and version, side by side.
 *
 * A reference is `name`, or `name@version` where the version may be shorter than the agent's: "sum@2" finds the highest 2.x.y, and
 * "sum" the highest of all. Among several, agents that are deprecated come last.
 */
import { DuplicateAgentError, InvalidAgentError, UnknownAgentError } from '../base/agent-errors.js';
import { nearest } from '../base/nearest.js';
import type { AnyAgent } from './agent.js';
import type { AgentDirectory } from './agent-service.js';
import { isAgent } from './define-agent.js';

interface Entry {
  readonly agent: AnyAgent;
  readonly numbers: readonly number[];
}

/** References that were resolved, remembered until an agent is added; bounded, for they come from clients. */
const RESOLVED_MAX = 1_000;

export class AgentRegistry implements AgentDirectory {
  /** Ascending by version. */
  readonly #byName = new Map<string, Entry[]>();
  readonly #resolved = new Map<string, AnyAgent>();

  constructor(agents: readonly AnyAgent[] = []) {
    this.register(...agents);
  }

  /** All of them or, when one cannot be, none. */
  register(...agents: AnyAgent[]): void {
    const entries = agents.map(entryOf);
    for (const [index, entry] of entries.entries()) {
      const earlier = [...(this.#byName.get(entry.agent.name) ?? []), ...entries.slice(0, index)];
      const isTaken = earlier.some(
        ({ agent, numbers }) => agent.name === entry.agent.name && compare(numbers, entry.numbers) === 0,
      );
      if (isTaken) throw new DuplicateAgentError(entry.agent.id);
    }
    for (const entry of entries) {
      const { name } = entry.agent;
      const versions = [...(this.#byName.get(name) ?? []), entry].sort((a, b) => compare(a.numbers, b.numbers));
      this.#byName.set(name, versions);
    }
    this.#resolved.clear();
  }

  find(reference: string): AnyAgent {
    const known = this.#resolved.get(reference);
    if (known !== undefined) return known;
    const agent = this.#search(reference);
    if (this.#resolved.size >= RESOLVED_MAX) this.#resolved.clear();
    this.#resolved.set(reference, agent);
    return agent;
  }

  list(): readonly AnyAgent[] {
    const names = [...this.#byName.keys()].sort();
    return names.flatMap((name) => this.#byName.get(name)!.map(({ agent }) => agent));
  }

  #search(reference: string): AnyAgent {
    const at = reference.indexOf('@');
    const name = at < 0 ? reference : reference.slice(0, at);
    const versions = this.#byName.get(name);
    if (versions === undefined) {
      const names = [...this.#byName.keys()].sort();
      throw new UnknownAgentError(shorten(reference), names, nearest(name, names));
    }
    const wanted = at < 0 ? [] : reference.slice(at + 1).split('.');
    const fitting = versions.filter(({ numbers }) =>
      wanted.every((number, place) => number === String(numbers[place])),
    );
    const found = fitting.findLast(({ agent }) => agent.deprecated === undefined) ?? fitting.at(-1);
    if (found !== undefined) return found.agent;
    const ids = versions.map(({ agent }) => agent.id);
    throw new UnknownAgentError(shorten(reference), ids, ids.at(-1));
  }
}

/** What came from outside is quoted in an error, so not all of it. */
function shorten(reference: string): string {
  return reference.length > 128 ? `${reference.slice(0, 127)}…` : reference;
}

function entryOf(agent: unknown): Entry {
  if (!isAgent(agent)) {
    throw new InvalidAgentError('agents', 'Only agents can be registered: what defineAgent returned.');
  }
  const numbers = agent.version.split('.').map(Number);
  // "2" and "2.0" are one version.
  return { agent, numbers: [numbers[0]!, numbers[1] ?? 0, numbers[2] ?? 0] };
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let place = 0; place < 3; place++) if (a[place] !== b[place]) return a[place]! - b[place]!;
  return 0;
}
