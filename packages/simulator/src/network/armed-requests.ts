/** What happens to one request. */
export interface RequestTrouble {
  /** It is under way for so much longer. */
  readonly holdMs?: number;
  /** Runs where it arrives, before anybody has seen it. */
  readonly onArrival?: () => void;
  /** Runs where it was answered, before the answer is sent. */
  readonly onAnswer?: () => void;
}

/** A request that something is to happen to. */
export interface ArmedRequest {
  /** The last part of its path. */
  readonly method: string;
  /** Knows who it goes to. */
  readonly trouble: (toHost: string) => RequestTrouble;
}

/** The requests that trouble waits for: each is found once. */
export class ArmedRequests {
  readonly #armed = new Set<ArmedRequest>();

  add(armed: ArmedRequest): void {
    this.#armed.add(armed);
  }

  clear(): void {
    this.#armed.clear();
  }

  /** What is to happen to a request that is sent now. */
  take(path: string, toHost: string): RequestTrouble {
    if (this.#armed.size === 0) return {};
    const method = path.slice(path.lastIndexOf("/") + 1);
    for (const armed of this.#armed) {
      if (armed.method !== method) continue;
      this.#armed.delete(armed);
      return armed.trouble(toHost);
    }
    return {};
  }
}
