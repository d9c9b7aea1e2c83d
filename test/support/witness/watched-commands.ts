/** A command buffer that lets somebody watch: each command is shown in the state in which the scheduler gave it. */
import { CommandBuffer, type CommandKind } from '../../../lib/event/index.js';

export type CommandWatcher = (kind: CommandKind, a: number, b: number, c: number, d: number) => void;

export class WatchedCommands extends CommandBuffer {
  watcher: CommandWatcher | undefined;

  override push(kind: CommandKind, a = 0, b = 0, c = 0, d = 0): void {
    super.push(kind, a, b, c, d);
    this.watcher?.(kind, a, b, c, d);
  }
}
