/** `--agents FILE`: modules that export agents; and the built-in ones, which are there without being asked for. */
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AnyAgent } from '../agents/agent.js';
import { isAgent } from '../agents/define-agent.js';
import { InvalidOptionError } from '../base/index.js';

export interface AgentSources {
  /** Paths of modules. */
  agents?: readonly string[] | undefined;
  /** False leaves the built-in agents out. */
  builtIns?: boolean | undefined;
}

/** The agents of all sources. A built-in one gives way to another of its name. */
export async function loadAgents({ agents: files = [], builtIns = true }: AgentSources): Promise<AnyAgent[]> {
  const own: AnyAgent[] = [];
  for (const file of files) own.push(...(await agentsIn(file)));
  if (!builtIns) return own;
  const names = new Set(own.map(({ name }) => name));
  return [...own, ...(await builtInAgents()).filter(({ name }) => !names.has(name))];
}

/** The built-in agents that are of use without options. */
export async function builtInAgents(): Promise<AnyAgent[]> {
  const { answers, conversation, sentiment, summary, translation } = await import('../agents/built-in/index.js');
  return [answers(), conversation(), sentiment(), summary(), translation()];
}

/** @throws {@link InvalidOptionError} when the module cannot be loaded or exports no agent */
async function agentsIn(file: string): Promise<AnyAgent[]> {
  let exported: Record<string, unknown>;
  try {
    exported = (await import(pathToFileURL(resolve(file)).href)) as Record<string, unknown>;
  } catch (error) {
    const said = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new InvalidOptionError('agents', `--agents: "${file}" cannot be loaded: ${said}`);
  }
  // One that is exported by name and as the default is one agent.
  const found = new Set(
    Object.values(exported)
      .flatMap((value) => [value].flat())
      .filter(isAgent),
  );
  if (found.size === 0) {
    throw new InvalidOptionError(
      'agents',
      `--agents: "${file}" exports no agent: expected what defineAgent returned, or lists of it.`,
    );
  }
  return [...found];
}
