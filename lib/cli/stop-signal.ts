/** The signals that end a command, and what it exits with when they cut it off. */

export type StopSignal = 'SIGINT' | 'SIGTERM';

/** The shell's convention: 128 and the signal's number. */
export const FORCED_EXIT = { SIGINT: 130, SIGTERM: 143 } as const;
