/** Said once before all tests: which core they run on, and why. */
import { nativeStatus } from '../../lib/base/native.js';

export function setup(): void {
  const { core, reason } = nativeStatus();
  console.log(`Core under test: ${core} (${reason}).`);
}
