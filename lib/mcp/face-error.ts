/** An error as faces tell it: its code, which is the same on all of them, and what it says. */
import type { ValueIssue } from '../base/agent-errors.js';
import { isAgentyardError } from '../base/index.js';

export interface FaceError {
  /** As `error.code` in TypeScript. */
  code: string;
  message: string;
  /** What is wrong with an input or output. */
  issues?: readonly ValueIssue[];
}

/** For whoever runs the program: the message says what an agent threw. Servers that answer strangers use their own. */
export function faceErrorOf(error: unknown): FaceError {
  const message = error instanceof Error ? error.message : String(error);
  if (!isAgentyardError(error)) return { code: 'internal_error', message };
  const { issues } = error as { issues?: readonly ValueIssue[] };
  return { code: error.code, message, ...(issues === undefined ? {} : { issues }) };
}
