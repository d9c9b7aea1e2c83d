/** The rules of precedence that can decide a grant, most binding first (see grant.ts). */
export const Rule = { reserved: 0, kept: 1, overdue: 2, share: 3, run: 4, order: 5 } as const;
export type Rule = (typeof Rule)[keyof typeof Rule];
export const RULE_NAMES = ['reserved', 'kept', 'overdue', 'share', 'run', 'order'] as const;
export type RuleName = (typeof RULE_NAMES)[number];
