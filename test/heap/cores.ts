/** The cores that heap and probe tests run over. A missing compiled core is printed, so that a green run cannot hide it. */
import { nativeStatus } from '../../lib/base/index.js';

export type Core = 'native' | 'typescript';

/** Both cores where the addon is built, else the TypeScript one alone. */
export function availableCores(suite: string): Core[] {
  const status = nativeStatus();
  if (status.core === 'native') return ['native', 'typescript'];
  console.warn(`${suite}: skipped for the compiled core: ${status.reason}`);
  return ['typescript'];
}
