/** The fields of a chat's `agentyard` object that have agents called by the server while it answers. */
import { z } from 'zod';
import { TOOLS_MAX } from '../../runtime/tool-request.js';

/** Past this many rounds a model goes round in circles. */
const ROUNDS_LIMIT = 64;
const MAX_REFERENCE = 128;

export const agentToolShape = {
  /** Agents, by `name` or `name@version`, that the model may have called. */
  tools: z.array(z.string().min(1).max(MAX_REFERENCE)).max(TOOLS_MAX).optional(),
  /** Answers of the model in all, the last of which calls nothing. */
  maxRounds: z.int().min(1).max(ROUNDS_LIMIT).optional(),
};

const fields = z.object(agentToolShape);
export type AgentToolFields = z.infer<typeof fields>;
