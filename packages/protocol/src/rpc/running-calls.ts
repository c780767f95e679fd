import type { Clock } from "@cairnfs/base/clock";
import type { CairnError } from "@cairnfs/base/errors";
import type { CallState } from "./call-state.ts";

/** How long a server that stops waits for handlers whose calls were aborted. */
const STOP_GRACE_MS = 5_000;

/** The calls that handlers of one server work on: all are ended when it stops. */
export class RunningCalls {
  readonly #clock: Clock;
  readonly #running = new Map<CallState, (error: CairnError) => void>();
  #onIdle: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#running.size;
  }

  /** Keeps `call` until `done` settles, and gives `done` back. `onStop` tells its caller when the server stops. */
  add<T>(call: CallState, onStop: (error: CairnError) => void, done: Promise<T>): Promise<T> {
    this.#running.set(call, onStop);
    const remove = () => {
      this.#running.delete(call);
      if (this.#running.size === 0) this.#onIdle?.();
    };
    done.then(remove, remove);
    return done;
  }

  /**
   * Aborts every call with `error` and resolves when their handlers have finished. One that does not listen to its
   * signal is left behind after some seconds.
   */
  stop(error: CairnError): Promise<void> {
    for (const [call, onStop] of this.#running) {
      if (call.hasEnded) continue;
      onStop(error);
      call.abort(error);
    }
    if (this.#running.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#clock.after(STOP_GRACE_MS, resolve);
      this.#onIdle = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}
