/**
 * The runtime's side of an engine: starts its process, speaks the protocol, and turns its end into one `down`.
 *
 * Life: idle → (launch) starting → loading → ready → (the process ends) idle, again and again; closed at last. One process at a time;
 * messages of an old one are ignored.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type AgentyardError, CancelledError, EngineDiedError, EngineError } from '../../base/errors.js';
import type {
  Backend,
  BackendSink,
  LoadEstimate,
  ModelJob,
  Prepared,
  SavedSessionInfo,
  SavedSessionStats,
  StartOrder,
} from '../../runtime/backend.js';
import type { EngineSettings, FromEngine, ToEngine } from './protocol.js';
import { makeSessionFolder, type SavedSessionPlace, sweepSessionFolders } from './session-folder.js';
import { fromWire } from './wire-error.js';

const CLOSE_GRACE_MS = 2_000;
/** Decodes and samples occupy libuv's pool; file access must not wait for them. */
const UV_THREADS = '8';
const STDERR_TAIL_CHARACTERS = 2_000;
/** Decodes run off the event loop, so an engine that is well answers in milliseconds, however large its model. */
const PING_MS = 5_000;
const SILENCE_MS_MAX = 30_000;

/** The compiled program, also when this file runs from its TypeScript source. */
function childPath(): string {
  const beside = fileURLToPath(new URL('./child.js', import.meta.url));
  return existsSync(beside)
    ? beside
    : fileURLToPath(new URL('../../../dist/dispatch/engine/child.js', import.meta.url));
}

const NOTHING_SAVED: SavedSessionStats = {
  sessions: 0,
  bytes: 0,
  saves: 0,
  loads: 0,
  saveMs: 0,
  loadMs: 0,
  leftOut: 0,
};

interface PendingPrepare {
  resolve(prepared: Prepared): void;
  reject(error: AgentyardError): void;
  /** Takes the abort listener off. */
  release(): void;
}

export class EngineBackend implements Backend {
  readonly model: string;
  readonly #settings: Omit<EngineSettings, 'savedSessions'>;
  readonly #place: SavedSessionPlace | undefined;
  readonly #pending = new Map<number, PendingPrepare>();
  readonly #running = new Set<number>();
  #child: ChildProcess | undefined;
  #sink: BackendSink | undefined;
  #nextPrepared = 1;
  #broken: AgentyardError | undefined;
  #isReady = false;
  #isClosing = false;
  #stderr = '';
  /** Asks a busy engine whether it still turns. */
  #watch: NodeJS.Timeout | undefined;
  #heardMs = 0;
  /** Where to launch to once the process that is being closed is gone. */
  #relaunch: BackendSink | undefined;
  /** Resolves when nothing is left of the process that was launched last. */
  #ended: Promise<void> = Promise.resolve();
  #markEnded = () => {};
  /** Where the engine that runs saves sessions. */
  #sessionFolder: string | undefined;
  #saved = NOTHING_SAVED;

  /** @param place - where and how much of named sessions is saved; undefined: nothing */
  constructor(settings: Omit<EngineSettings, 'savedSessions'>, place?: SavedSessionPlace) {
    this.#settings = settings;
    this.#place = place;
    this.model = settings.model;
  }

  get savedSessions(): SavedSessionInfo | undefined {
    if (this.#place === undefined) return undefined;
    const { bytesMax, isMemory } = this.#place;
    return { bytesMax, isMemory, ...this.#saved };
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  launch(sink: BackendSink): void {
    if (this.#child !== undefined) {
      if (this.#isClosing) this.#relaunch = sink;
      return;
    }
    this.#sink = sink;
    this.#broken = undefined;
    this.#isReady = false;
    this.#isClosing = false;
    this.#stderr = '';
    const child = fork(childPath(), [], {
      serialization: 'advanced',
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, UV_THREADPOOL_SIZE: UV_THREADS },
    });
    this.#child = child;
    this.#makeSessionFolder();
    this.#ended = new Promise((resolve) => {
      this.#markEnded = resolve;
    });
    child.on('message', (message: FromEngine) => {
      if (this.#child === child) this.#take(message);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_TAIL_CHARACTERS);
    });
    // Both, in either order: `exit` knows why, and only after `disconnect` has every message been read.
    let code: number | null = null;
    let signal: NodeJS.Signals | null = null;
    let open = 2;
    const closed = () => {
      open--;
      if (open === 0) this.#gone(child, code ?? undefined, signal ?? undefined);
    };
    child.once('exit', (exitCode, exitSignal) => {
      code = exitCode;
      signal = exitSignal;
      closed();
    });
    child.once('disconnect', closed);
    child.once('error', (error) => {
      // A process that runs reports its end by `exit`.
      if (child.pid !== undefined) return;
      this.#broken = new EngineError('The engine process could not be started.', error);
      this.#gone(child, undefined, undefined);
    });
    this.#keepAlive();
  }

  load(): void {
    this.#send({ type: 'load' });
  }

  prepare(job: ModelJob, signal?: AbortSignal): Promise<Prepared> {
    if (signal?.aborted) return Promise.reject(new CancelledError(signal.reason));
    if (!this.#isReady) return Promise.reject(new EngineDiedError(this.model, undefined, undefined));
    const id = this.#nextPrepared++;
    return new Promise((resolve, reject) => {
      const onAbort = () => this.#settlePrepare(id)?.reject(new CancelledError(signal?.reason));
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#pending.set(id, { resolve, reject, release: () => signal?.removeEventListener('abort', onAbort) });
      this.#keepAlive();
      try {
        this.#send({ type: 'prepare', id, job });
      } catch (error) {
        this.#settlePrepare(id)?.reject(new EngineError('The request cannot be sent to the engine.', error));
        this.#keepAlive();
      }
    });
  }

  discard(prepared: number): void {
    this.#send({ type: 'discard', id: prepared });
  }

  start(order: StartOrder): void {
    if (!this.#isReady && this.#child === undefined) {
      // Nobody else would answer for it: `down` was called before.
      const sink = this.#sink;
      queueMicrotask(() => sink?.failed(order.task, new EngineDiedError(this.model, undefined, undefined)));
      return;
    }
    this.#running.add(order.task);
    this.#keepAlive();
    this.#send({ type: 'start', ...order });
  }

  cancel(task: number): void {
    this.#send({ type: 'cancel', task });
  }

  pause(task: number): void {
    this.#send({ type: 'hold', task });
  }

  resume(task: number): void {
    this.#send({ type: 'proceed', task });
  }

  async close(): Promise<void> {
    const child = this.#child;
    this.#relaunch = undefined;
    if (child === undefined) return;
    this.#isClosing = true;
    child.ref();
    const killer = setTimeout(() => child.kill('SIGKILL'), CLOSE_GRACE_MS);
    // An engine ends itself when its parent is gone, and this is the same to it.
    if (child.connected) child.disconnect();
    else child.kill('SIGKILL');
    await this.#ended;
    clearTimeout(killer);
  }

  #send(message: ToEngine): void {
    // Nothing is lost by dropping a message to a process that is gone: `down` covers all it owed.
    if (this.#child?.connected === true) this.#child.send(message, () => {});
  }

  #take(message: FromEngine): void {
    this.#heardMs = performance.now();
    const sink = this.#sink!;
    switch (message.type) {
      case 'up':
        this.#send({ type: 'launch', settings: { ...this.#settings, savedSessions: this.#sessionSettings() } });
        break;
      case 'estimated':
        sink.estimated(this.#withSavedBytes(message));
        break;
      case 'ready':
        this.#isReady = true;
        sink.ready(message);
        break;
      case 'prepared':
        this.#prepared(message.id, message.promptTokens);
        break;
      case 'unprepared':
        this.#settlePrepare(message.id)?.reject(fromWire(message.error));
        break;
      case 'step':
        if (message.tasks.length > 0) {
          sink.progress(message.tasks.length, message.tasks, message.prefilled, message.generated, message.texts);
        }
        for (const { task, reason, usage, heldTokens } of message.ended) {
          this.#running.delete(task);
          sink.settled(task, reason, usage, heldTokens);
        }
        break;
      case 'embedded':
        this.#running.delete(message.task);
        sink.embedded(message.task, message.vector, message.usage);
        break;
      case 'failed':
        this.#running.delete(message.task);
        sink.failed(message.task, fromWire(message.error));
        break;
      case 'saved':
        this.#saved = message.stats;
        break;
      case 'pong':
        break;
      case 'broken':
        this.#broken = fromWire(message.error);
        break;
      default:
        message satisfies never;
    }
    this.#keepAlive();
  }

  #prepared(id: number, promptTokens: number): void {
    const pending = this.#settlePrepare(id);
    // Given up meanwhile: nobody has the handle to discard it by.
    if (pending === undefined) this.discard(id);
    else pending.resolve({ prepared: id, promptTokens });
  }

  #settlePrepare(id: number): PendingPrepare | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.release();
    return pending;
  }

  #gone(child: ChildProcess, code: number | undefined, signal: string | undefined): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#removeSessionFolder();
    const wasReady = this.#isReady;
    this.#isReady = false;
    this.#running.clear();
    const died = new EngineDiedError(this.model, code, signal);
    for (const id of [...this.#pending.keys()]) this.#settlePrepare(id)?.reject(died);
    clearInterval(this.#watch);
    this.#watch = undefined;
    if (this.#isClosing) {
      const sink = this.#relaunch;
      this.#relaunch = undefined;
      if (sink !== undefined) this.launch(sink);
      return;
    }
    // Why a load failed is often said on standard error alone. No prompt has been seen at that point.
    const said = wasReady ? undefined : lineOfError(this.#stderr);
    this.#sink!.down(
      code,
      signal,
      this.#broken ?? (said === undefined ? undefined : new EngineDiedError(this.model, code, signal, said)),
    );
  }

  #makeSessionFolder(): void {
    this.#saved = NOTHING_SAVED;
    if (this.#place === undefined) return;
    const { root } = this.#place;
    this.#sessionFolder = makeSessionFolder(root);
    void sweepSessionFolders(root);
  }

  /** The engine does it itself when it can; one that was killed could not. */
  #removeSessionFolder(): void {
    const markEnded = this.#markEnded;
    const folder = this.#sessionFolder;
    this.#sessionFolder = undefined;
    this.#saved = NOTHING_SAVED;
    if (folder === undefined) markEnded();
    else void rm(folder, { recursive: true, force: true }).then(markEnded, markEnded);
  }

  #sessionSettings(): EngineSettings['savedSessions'] {
    const folder = this.#sessionFolder;
    return folder === undefined ? undefined : { folder, bytesMax: this.#place!.bytesMax };
  }

  #withSavedBytes(estimate: LoadEstimate): LoadEstimate {
    const isCounted = this.#place?.isMemory === true && this.#sessionFolder !== undefined;
    return isCounted ? { ...estimate, ramBytes: estimate.ramBytes + this.#place!.bytesMax } : estimate;
  }

  /** A process with nothing to do need not live for its engines' sake. */
  #keepAlive(): void {
    const child = this.#child;
    if (child === undefined) return;
    const isBusy = !this.#isReady || this.#running.size > 0 || this.#pending.size > 0;
    const handles = [child, child.channel, child.stderr as Socket | null];
    for (const handle of handles) {
      if (isBusy) handle?.ref();
      else handle?.unref();
    }
    if (isBusy && this.#watch === undefined) {
      this.#heardMs = performance.now();
      this.#watch = setInterval(() => this.#ask(child), PING_MS);
      this.#watch.unref();
    } else if (!isBusy) {
      clearInterval(this.#watch);
      this.#watch = undefined;
    }
  }

  /** An engine whose event loop hangs would hold its streams for ever; one that is ended is started again. */
  #ask(child: ChildProcess): void {
    if (this.#isReady && performance.now() - this.#heardMs > SILENCE_MS_MAX) child.kill('SIGKILL');
    else this.#send({ type: 'ping' });
  }
}

/** The line of standard error that says most likely what went wrong. */
function lineOfError(text: string): string | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !/^Node\.js v|^\s+at /.test(line));
  return lines.findLast((line) => /error|fail|abort|assert/i.test(line)) ?? lines.at(-1);
}
