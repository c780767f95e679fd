import type { Clock } from "@cairnfs/base/clock";
import { hasReason } from "@cairnfs/base/errors";
import type { FoundAccessKey } from "@cairnfs/client/access";

/** Where access keys are looked up; `accessKeyNotFound` for one that is not there. */
export interface KeySource {
  findKey(accessKeyId: string): Promise<FoundAccessKey>;
}

interface Known {
  readonly found: Promise<FoundAccessKey | undefined>;
  readonly untilMs: number;
}

/** What is found, and what is not, is believed for so long: a key that is taken away is good no longer than this. */
const KEPT_MS = 1000;
const KEYS_MAX = 1024;

/** The access keys that requests were signed with lately. */
export class KeyCache {
  readonly #source: KeySource;
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();

  constructor(source: KeySource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  /** The key; undefined when there is none. Many that ask at once ask for it together. */
  find(accessKeyId: string): Promise<FoundAccessKey | undefined> {
    const nowMs = this.#clock.monotonicMs();
    const known = this.#known.get(accessKeyId);
    if (known !== undefined && known.untilMs > nowMs) return known.found;
    const found = this.#look(accessKeyId);
    this.#known.delete(accessKeyId);
    this.#known.set(accessKeyId, { found, untilMs: nowMs + KEPT_MS });
    if (this.#known.size > KEYS_MAX) {
      const oldest = this.#known.keys().next();
      if (oldest.done !== true) this.#known.delete(oldest.value);
    }
    return found;
  }

  async #look(accessKeyId: string): Promise<FoundAccessKey | undefined> {
    try {
      return await this.#source.findKey(accessKeyId);
    } catch (error) {
      if (hasReason(error, "accessKeyNotFound")) return undefined;
      // Nothing is known: the next one asks again.
      this.#known.delete(accessKeyId);
      throw error;
    }
  }
}
