import type { Clock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import type { CallState } from "../rpc/call-state.ts";
import type { Route, Router } from "../rpc/router.ts";
import { RunningCalls } from "../rpc/running-calls.ts";
import type { Listener } from "../rpc/transport.ts";

/** The listening end of a memory network at one address. */
export class MemoryListener implements Listener {
  readonly address: string;
  readonly #router: Router;
  readonly #running: RunningCalls;
  readonly #onClose: () => void;

  constructor(address: string, router: Router, clock: Clock, onClose: () => void) {
    this.address = address;
    this.#router = router;
    this.#running = new RunningCalls(clock);
    this.#onClose = onClose;
  }

  find(path: string): Route {
    const route = this.#router.find(path);
    if (route === undefined) throw new CairnError("unimplemented", `${path} is not served here`);
    return route;
  }

  /** Keeps a call that a handler works on, until `done` settles. */
  run<T>(call: CallState, onStop: (error: CairnError) => void, done: Promise<T>): Promise<T> {
    return this.#running.add(call, onStop, done);
  }

  close(): Promise<void> {
    this.#onClose();
    return this.#running.stop(new CairnError("shuttingDown", `${this.address} is stopping`));
  }
}
